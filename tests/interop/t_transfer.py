#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Contexts that move to another process in the middle of a message stream (gss_export_sec_context and its counterpart).

Either end moves, from a process with Apex or with MIT's mechanism alone to one of either kind, for every encryption type.
The mechglue writes the mechanism's OID in front of the token; that of an interposer is known only where one is loaded, so
a process without Apex cannot import what one with Apex exported. That is asserted too.
"""
import os
import sys

from report import Report
from peer import Failure, Peer, build_c_peer, establish, send_mic, send_wrapped
from realm import HOST, USER, Environment, Realm, turn_sigterm_into_exit

TYPES = [17, 18, 19, 20]
OPTIONS = ["--mutual"]  # replay and sequence detection are the peer's defaults
SIZES = (0, 1, 1000)


def service(etype):
    return "type%d/%s" % (etype, HOST)


def exchange_messages(*pair):
    """Every message must be in order: one that was lost on the way would show as a gap."""
    for sender, receiver in (pair, pair[::-1]):
        for size in SIZES:
            send_wrapped(sender, receiver, size, 1)
            send_wrapped(sender, receiver, size, 0)
            send_mic(sender, receiver, size)


def begin(peers, etype, options):
    target = ["--service", "type%d@%s" % (etype, HOST), *options]
    outcome = establish(*peers, target)
    if not outcome.established():
        raise Failure(outcome.describe())
    exchange_messages(*peers)


def check_facts(before, after):
    for name in ("source", "target", "context_flags", "local", "open", "enctype"):
        if before[name] != after[name]:
            raise Failure("%s was %s and is %s" % (name, before[name], after[name]))


def moves(side, environments, etype, options):
    """One end moves to a fresh process; the messages go on where they stopped."""
    exporter, importer, other = environments

    def run():
        command = [build_c_peer("mit")]
        with Peer(command, exporter()) as here, Peer(command, other()) as there, Peer(command, importer()) as new:
            pair = (here, there) if side == "initiator" else (there, here)
            begin(pair, etype, options)
            before = here.inquire()
            facts, token = here.export()
            if facts["error"] != "COMPLETE":
                raise Failure("export: %s" % facts)
            facts = new.take(token)
            if exporter.mechanism == "apex" and importer.mechanism == "mit":
                if facts["error"] == "COMPLETE":
                    raise Failure("a process without Apex knows an interposer's OID")
                return
            if facts["error"] != "COMPLETE":
                raise Failure("import: %s" % facts)
            check_facts(before, new.inquire())
            moved = (new, there) if side == "initiator" else (there, new)
            exchange_messages(*moved)
    return run


def moves_on_and_on(environment, etype):
    """To MIT's mechanism, back, and so on, in processes that all have Apex loaded."""
    def run():
        command = [build_c_peer("mit")]
        with Peer(command, environment()) as here, Peer(command, environment()) as there:
            begin((here, there), etype, OPTIONS)
            before = there.inquire()
            for _ in range(4):
                _, token = there.export()
                facts = there.take(token)
                if facts["error"] != "COMPLETE":
                    raise Failure("import: %s" % facts)
                check_facts(before, there.inquire())
                exchange_messages(here, there)
    return run


def damaged(environment, etype):
    def run():
        command = [build_c_peer("mit")]
        with Peer(command, environment()) as here, Peer(command, environment()) as there, \
                Peer(command, environment()) as new:
            begin((here, there), etype, OPTIONS)
            _, first = there.export()
            new.take(first)
            _, token = new.export()  # by MIT's mechanism: this one comes to Apex
            for length in range(0, len(token), 11):
                facts = new.take(token[:length])
                if facts["error"] == "COMPLETE":
                    raise Failure("%d of %d octets were imported" % (length, len(token)))
            facts = new.take(token)
            if facts["error"] != "COMPLETE":
                raise Failure("the whole token is refused afterwards: %s" % facts)
    return run


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        realm.add_user()
        for etype in TYPES:
            realm.add_service(service(etype), [etype])
        realm.kinit()
        apex, mit = Environment(realm, "apex"), Environment(realm, "mit")
        kinds = [(apex, apex), (apex, mit), (mit, apex)]
        for etype in TYPES:
            for exporter, importer in kinds:
                for other in (apex, mit):
                    for side in ("initiator", "acceptor"):
                        name = "type %d, %s of %s moves to %s, the other is %s" % (
                            etype, side, exporter.mechanism, importer.mechanism, other.mechanism)
                        report.case(name, moves(side, (exporter, importer, other), etype, OPTIONS))
            report.case("type %d, on and on" % etype, moves_on_and_on(apex, etype))
        for exporter, importer in kinds:
            for side in ("initiator", "acceptor"):
                name = "without mutual authentication, %s of %s moves to %s" % (side, exporter.mechanism,
                                                                                importer.mechanism)
                report.case(name, moves(side, (exporter, importer, apex), 18, []))
        report.case("damaged tokens are refused", damaged(apex, 18))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
