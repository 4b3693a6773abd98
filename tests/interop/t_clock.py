#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client with a wrong clock. The acceptor answers KRB_AP_ERR_SKEW with its time; Apex as initiator makes one more
request with that time. Whether it helps is the acceptor's affair: the tests say which acceptors take a second request.

No system clock is changed: the client's is shifted by the KDC offset in the header of its credential cache.
"""
import sys
import time

from report import Report, Skipped
from peer import Failure, Peer, begin_both, build_c_peer, exchange_messages
from realm import HOST, USER, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit
import files

KRB5 = -1765328384
SKEW = KRB5 + 37
SERVICE = "http/" + HOST
TARGET = "http@" + HOST


def minor_of(facts):
    return facts["minor"] - (1 << 32) if facts["minor"] >= 1 << 31 else facts["minor"]


def open_peers(realm, kinds, shift):
    # The ticket must seem to have begun at the time that the initiator believes in.
    early = files.copy_cache_with_times(realm.ccache, realm.path("ccache.early"), start_time=time.time() - 86400)
    ccache = files.copy_cache_with_clock_offset(early, realm.path("ccache.shifted"), shift)
    return [Peer([build_c_peer("heimdal" if kind == "heimdal" else "mit")], Environment(realm, kind)(ccache=ccache))
            for kind in kinds]


def first_round(initiator, acceptor, *options):
    """The request, the acceptor's refusal and what the initiator makes of it."""
    begin_both(initiator, acceptor, ["--service", TARGET, "--mutual", *options], [])
    _, request = initiator.step()
    refused, error = acceptor.step(request)
    if not error:
        raise Failure("the acceptor gave no token with its refusal: %s" % refused)
    facts, token = initiator.step(error)
    return request, refused, facts, token


def corrected(realm, kinds, shift, *options):
    """The whole conversation with one acceptor that begins anew after its refusal, as its program may."""
    initiator, acceptor = open_peers(realm, kinds, shift)
    with initiator, acceptor:
        request, refused, facts, token = first_round(initiator, acceptor, *options)
        if kinds[1] != "heimdal" and minor_of(refused) != SKEW:
            raise Failure("the acceptor says %s" % refused)
        if facts["error"] != "CONTINUE_NEEDED" or not token or token == request:
            raise Failure("the initiator made no second request: %s" % facts)
        accepted, reply = acceptor.step(token)
        if accepted["error"] != "COMPLETE":
            raise Failure("the second request was refused: %s" % accepted)
        facts, _ = initiator.step(reply)
        if facts["error"] != "COMPLETE":
            raise Failure("the initiator refuses the reply: %s" % facts)
        exchange_messages(initiator, acceptor, (100,))


def once_only(realm, kinds, shift):
    """The same refusal twice ends the context, with a text that tells of the clocks."""
    initiator, acceptor = open_peers(realm, kinds, shift)
    with initiator, acceptor:
        begin_both(initiator, acceptor, ["--service", TARGET, "--mutual"], [])
        _, request = initiator.step()
        _, error = acceptor.step(request)
        facts, _ = initiator.step(error)
        if facts["error"] != "CONTINUE_NEEDED":
            raise Failure("no second request: %s" % facts)
        facts, _ = initiator.step(error)
        if facts["error"] != "FAILURE" or minor_of(facts) != SKEW or "clocks" not in facts["minor_text"]:
            raise Failure("after the second refusal: %s" % facts)


def uncorrected(realm, kinds, shift, minor):
    """An error that the initiator must not answer."""
    initiator, acceptor = open_peers(realm, kinds, shift)
    with initiator, acceptor:
        _, _, facts, token = first_round(initiator, acceptor)
        if facts["error"] != "FAILURE" or minor_of(facts) != minor or token:
            raise Failure("the initiator says %s" % facts)


def only_of_apex():
    raise Skipped("the built-in mechanism makes no second request")


def main(words):
    turn_sigterm_into_exit()
    report = Report()
    if mechanism_under_test() != "apex":
        report.case("a wrong clock is corrected", only_of_apex)
        return report.finish()
    with Realm() as realm:
        realm.add_user()
        realm.add_service(SERVICE)
        realm.kinit()
        realm.fetch_ticket(SERVICE)
        cases = []
        for kind in ("apex", "mit", "heimdal"):
            for shift in (-3600, 3600):
                name = "a clock %d s %s is corrected with %s" % (abs(shift), "behind" if shift < 0 else "ahead", kind)
                cases.append((name, corrected, (realm, ("apex", kind), shift)))
        cases += [
            ("a corrected request still delegates", corrected, (realm, ("apex", "apex"), -3600, "--delegate")),
            ("a clock is corrected once", once_only, (realm, ("apex", "apex"), -3600)),
            ("a clock is corrected by half a day at most", uncorrected, (realm, ("apex", "apex"), -46800, SKEW)),
        ]
        for name, function, arguments in cases:
            if all(word in name for word in words):
                report.case(name, function, *arguments)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
