#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Single flags and the order of messages: DCE style, IDENTIFY, EXTENDED_ERROR, no sequence, no replay detection; a
message that comes twice, late or out of order; between the mechanism under test, MIT's and Heimdal's."""
import sys

from report import Report
from peer import FLAGS, Failure, Peer, build_c_peer, establish, exchange_messages, send_mic
from realm import HOST, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit

SERVICE = "http/" + HOST
TARGET = ["--service", "http@" + HOST]
DUPLICATE, OLD, UNSEQ, GAP = 2, 4, 8, 16
# name, options, flags that both sides must show, flags that neither may show, Heimdal too
FLAG_CASES = [
    ("DCE style", ["--dce", "--mutual"], ["dce", "mutual"], [], True),
    ("DCE style without mutual asked", ["--dce"], ["dce", "mutual"], [], False),
    ("identify", ["--mutual", "--identify"], ["identify"], [], False),
    ("extended error", ["--mutual", "--extended-error"], ["extended_error"], [], False),
    ("no sequence", ["--mutual", "--no-sequence"], ["replay"], ["sequence"], True),
    ("no replay detection", ["--mutual", "--no-replay"], ["sequence"], ["replay"], True),
    ("neither sequence nor replay detection", ["--mutual", "--no-sequence", "--no-replay"], [], ["sequence", "replay"],
     True),
    ("delegation by policy without ok-as-delegate", ["--mutual", "--delegate-by-policy"], [], ["delegate"], False),
    ("no acquired credentials", ["--mutual", "--no-acquire"], ["mutual"], [], True),
    ("shorter lifetime", ["--mutual", "--lifetime", "600"], ["mutual"], [], False),
]


def established(pair, options, accept=()):
    outcome = establish(*pair, [*TARGET, *options], accept)
    if not outcome.established():
        raise Failure(outcome.describe())
    return outcome


# Heimdal 7.8 in DCE style makes and expects plain gss_wrap tokens that MIT does not; their MICs agree.
def exchange(pair, options, kinds):
    if "--dce" not in options or "heimdal" not in kinds:
        exchange_messages(*pair, sizes=(0, 100))
        return
    for size in (0, 100):
        send_mic(pair[0], pair[1], size)
        send_mic(pair[1], pair[0], size)


def show_flags(pair, kinds, options, present, absent):
    outcome = established(pair, options)
    for label, peer in zip(("initiator", "acceptor"), pair):
        flags = peer.inquire()["flags"]
        for name in present:
            if not flags & FLAGS[name]:
                raise Failure("%s: flag %s is missing of %#x" % (label, name, flags))
        for name in absent:
            if flags & FLAGS[name]:
                raise Failure("%s: flag %s is in %#x" % (label, name, flags))
    if "--dce" in options and len(outcome.tokens) < 3:
        raise Failure("DCE style took %d tokens instead of 3" % len(outcome.tokens))
    exchange(pair, options, kinds)


def altered_third_leg(pair):
    def alter(number, token):
        return token[:-1] + bytes([token[-1] ^ 1]) if number == 2 else token
    outcome = establish(*pair, [*TARGET, "--dce", "--mutual"], (), alter)
    if outcome.established() or outcome.acceptor["error"] == "CONTINUE_NEEDED":
        raise Failure("the acceptor took an altered third leg: " + outcome.describe())


def repeated_third_leg(pair):
    def alter(number, token):
        kept.append(token)
        return kept[0] if number == 2 else token
    kept = []
    outcome = establish(*pair, [*TARGET, "--dce", "--mutual"], (), alter)
    if outcome.established():
        raise Failure("the acceptor took its first token as the third leg")


def wrapped(peer, count):
    return [peer.request(b"W", b"\x01message %d" % number)[1] for number in range(count)]


def unwrap_state(peer, token):
    facts, _ = peer.request(b"U", token)
    if facts["error"] not in ("COMPLETE", "SUPPLEMENTARY"):
        raise Failure("gss_unwrap %s %s" % (facts["error"], facts.get("minor_text")))
    return facts["supplementary"]


def expect_states(pair, options, order, states):
    """Delivers the initiator's messages in the given order and compares the supplementary bits."""
    established(pair, options)
    tokens = wrapped(pair[0], max(order) + 1)
    found = [unwrap_state(pair[1], tokens[number]) for number in order]
    if found != states:
        raise Failure("supplementary codes %s instead of %s" % (found, states))


ORDER_CASES = [
    ("in order", ["--mutual"], [0, 1, 2], [0, 0, 0]),
    ("repeated message", ["--mutual"], [0, 0, 1], [0, DUPLICATE, 0]),
    ("lost message", ["--mutual"], [0, 2], [0, GAP]),
    ("late message", ["--mutual"], [0, 2, 1, 3], [0, GAP, UNSEQ, 0]),
    ("late message without sequence", ["--mutual", "--no-sequence"], [0, 2, 1, 3], [0, 0, 0, 0]),
    ("repeated message without sequence", ["--mutual", "--no-sequence"], [0, 0], [0, DUPLICATE]),
    ("anything goes without both", ["--mutual", "--no-sequence", "--no-replay"], [0, 0, 2, 1], [0, 0, 0, 0]),
]


def reflected(pair):
    established(pair, ["--mutual"])
    token = wrapped(pair[0], 1)[0]
    facts, _ = pair[0].request(b"U", token)
    if facts["error"] not in ("BAD_MIC", "DEFECTIVE_TOKEN"):
        raise Failure("the initiator took its own message back: " + facts["error"])


def damaged_message(pair):
    established(pair, ["--mutual"])
    for place in (0, 1, 2, 5, 7, 15, 16, 40, -1):
        token = bytearray(wrapped(pair[0], 1)[0])
        token[place] ^= 1
        facts, message = pair[1].request(b"U", bytes(token))
        if facts["error"] in ("COMPLETE", "SUPPLEMENTARY") or message:
            raise Failure("octet %d altered: gss_unwrap %s" % (place, facts["error"]))


def run_cases(report, pair, label, kinds):
    heimdal = "heimdal" in kinds
    for name, options, present, absent, heimdal_too in FLAG_CASES:
        if heimdal_too or not heimdal:
            report.case(label + name, show_flags, pair, kinds, options, present, absent)
    # Heimdal 7.8 itself takes a message with an altered EC field, and as initiator its own message.
    if kinds[0] != "heimdal":
        report.case(label + "reflected message is refused", reflected, pair)
    report.case(label + "altered third leg is refused", altered_third_leg, pair)
    report.case(label + "first token as third leg is refused", repeated_third_leg, pair)
    if kinds[1] != "heimdal":
        report.case(label + "damaged message is refused", damaged_message, pair)
        for name, options, order, states in ORDER_CASES:
            report.case(label + name, expect_states, pair, options, order, states)


def check_served(kinds, pair):
    for kind, peer in zip(kinds, pair):
        if peer.hello()["apex"] != (kind == "apex"):
            raise Failure("mech_apex.so is %smapped in the %s peer" % ("not " if kind == "apex" else "", kind))


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        realm.add_user()
        realm.add_service(SERVICE)
        realm.kinit()
        tested = mechanism_under_test()
        kinds = [(tested, tested), (tested, "heimdal"), ("heimdal", tested)]
        if tested == "apex":
            kinds += [(tested, "mit"), ("mit", tested)]
        for both in kinds:
            label = "%s initiates, %s accepts: " % both
            pair = [Peer([build_c_peer("heimdal" if kind == "heimdal" else "mit")], Environment(realm, kind)())
                    for kind in both]
            with pair[0], pair[1]:
                run_cases(report, pair, label, both)
                report.case(label + "served by the right mechanism", check_served, both, pair)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
