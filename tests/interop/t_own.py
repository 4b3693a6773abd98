#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Apex as an ordinary mechanism under its own OID, beside the built-in krb5, from the same module."""
import sys

from report import Report
from peer import Failure, Peer, build_c_peer, establish, exchange_messages
from realm import HOST, USER, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit

SERVICE = "http/" + HOST
TARGET = ["--service", "http@" + HOST]
OWN = ["--mech", "apex"]
OWN_OID = bytes.fromhex("060a69d5e78bd096eef69629")
KRB5_OID = bytes.fromhex("06092a864886f712010202")


def framed_with(outcome, oid):
    """True when the first token begins as RFC 2743 3.1 says, with that OID."""
    return outcome.tokens[0][0] == 0x60 and oid in outcome.tokens[0][:20]


def succeeds(*options):
    def run(pair):
        outcome = establish(*pair, [*TARGET, *OWN, *options], OWN)
        if not outcome.established():
            raise Failure(outcome.describe())
        if not framed_with(outcome, OWN_OID):
            raise Failure("the token does not bear Apex's OID: " + outcome.tokens[0][:20].hex())
        for peer in pair:
            facts = peer.inquire()
            if facts["source"] != USER + "@APEX.TEST" or facts["mech_is_krb5"]:
                raise Failure("context facts: %s" % facts)
        if ("--delegate" in options) != pair[1].inquire()["delegated"]:
            raise Failure("delegated credentials are wrong")
        exchange_messages(*pair, sizes=(0, 1, 1000))
    return run


def built_in_beside_it(pair):
    outcome = establish(*pair, [*TARGET, "--mutual"])
    if not outcome.established() or not framed_with(outcome, KRB5_OID):
        raise Failure("krb5 beside Apex: " + outcome.describe())
    exchange_messages(*pair, sizes=(0, 1, 1000))


def bindings_differ(pair):
    outcome = establish(*pair, [*TARGET, *OWN, "--bindings", "one"], [*OWN, "--bindings", "two"])
    if outcome.acceptor is None or outcome.acceptor["error"] != "BAD_BINDINGS":
        raise Failure(outcome.describe())


def not_by_spnego(pair):
    """As it is no default mechanism, SPNEGO offers krb5 only."""
    outcome = establish(*pair, [*TARGET, "--mech", "spnego", "--mutual"], ["--mech", "spnego"])
    if not outcome.established() or OWN_OID in outcome.tokens[0]:
        raise Failure("SPNEGO offers Apex's OID, or fails: " + outcome.describe())


CASES = [
    ("mutual", succeeds("--mutual")),
    ("not mutual", succeeds()),
    ("delegation", succeeds("--mutual", "--delegate")),
    ("bindings differ", bindings_differ),
    ("krb5 is still the built-in mechanism", built_in_beside_it),
    ("SPNEGO does not offer it", not_by_spnego),
]


def main():
    turn_sigterm_into_exit()
    report = Report()
    if mechanism_under_test() != "apex":
        report.skip("own OID", "APEX_MODULE is not set")
        return report.finish()
    with Realm() as realm:
        realm.add_user()
        realm.add_service(SERVICE)
        realm.kinit()
        environment = Environment(realm, "apex", kind="")
        for name, function in CASES:
            with Peer([build_c_peer("mit")], environment()) as one, Peer([build_c_peer("mit")], environment()) as two:
                report.case("Apex's own OID: " + name, function, (one, two))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
