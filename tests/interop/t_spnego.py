#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SPNEGO over the mechanism under test: plain, and with the exchange of MICs over the mechanism list.

MIT's SPNEGO sends the MICs only when krb5 was not the first choice, so in those cases the test itself plays the other
side's SPNEGO, around a peer process that speaks plain krb5. Where gss-ntlmssp's module is at hand, two real ends do it too.
"""
import os
import struct
import sys

from report import Report
from peer import (LOSES_FIRST_MESSAGE, Failure, Peer, build_c_peer, establish, exchange_messages,
                  lose_first_message)
from realm import HOST, USER, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit
import spnego

SERVICE = "http/" + HOST
NTLMSSP = os.environ.get("APEX_NTLMSSP", "/usr/lib/x86_64-linux-gnu/gssntlmssp/gssntlmssp.so")
SPNEGO = ["--mech", "spnego"]
INITIATE = ["--service", "http@" + HOST, "--mutual", *SPNEGO]
SIZES = (0, 1, 16, 1000)

class Pair:
    """The initiating and the accepting process of one combination of mechanisms."""

    def __init__(self, realm, kinds, extra_line="", **settings):
        self.kinds = kinds
        self.peers = [Peer([build_c_peer("heimdal" if kind == "heimdal" else "mit")],
                           Environment(realm, kind, extra_line=extra_line)(**settings)) for kind in kinds]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for peer in self.peers:
            peer.__exit__(None, None, None)
        return False

    def establish(self, initiate, accept, alter=None):
        outcome = establish(*self.peers, initiate, accept, alter)
        for kind, facts in zip(self.kinds, (outcome.initiator, outcome.acceptor)):
            if kind == "apex" and not (facts and facts.get("apex")):
                raise Failure("mech_apex.so is not mapped; " + outcome.describe())
        return outcome

    def succeed(self, initiate, accept, alter=None):
        outcome = self.establish(initiate, accept, alter)
        if not outcome.established():
            raise Failure(outcome.describe())
        for peer in self.peers:
            facts = peer.inquire()
            if facts["source"] != USER + "@APEX.TEST" or not facts["mech_is_krb5"]:
                raise Failure("context facts: %s" % facts)
        if "--mutual" not in initiate and self.kinds[0] in LOSES_FIRST_MESSAGE:
            lose_first_message(*reversed(self.peers))
        exchange_messages(*self.peers, sizes=SIZES)
        return outcome


def plain(pair):
    outcome = pair.succeed(INITIATE, SPNEGO)
    if spnego.KRB5_OID not in outcome.tokens[0]:
        raise Failure("the first token does not offer krb5")


def not_mutual(pair):
    pair.succeed([word for word in INITIATE if word != "--mutual"], SPNEGO)


def delegation(pair):
    pair.succeed([*INITIATE, "--delegate"], SPNEGO)
    if not pair.peers[1].inquire()["delegated"]:
        raise Failure("no delegated credentials")


def dce_style(pair):
    pair.succeed([*INITIATE, "--dce"], SPNEGO)


def get_mic(peer, message):
    facts, mic = peer.request(b"M", message)
    if facts["error"] != "COMPLETE":
        raise Failure("gss_get_mic: %s" % facts)
    return mic


def verify_mic(peer, mic, message):
    facts, _ = peer.request(b"V", struct.pack(">I", len(mic)) + mic + message)
    if facts["error"] != "COMPLETE":
        raise Failure("the mechListMIC of the other side is wrong: %s" % facts)


def step(peer, token=b""):
    facts, answer = peer.step(token)
    if facts["error"] not in ("COMPLETE", "CONTINUE_NEEDED"):
        raise Failure("%s %s (%s)" % (facts["call"], facts["error"], facts["minor_text"]))
    return facts, answer


def negotiate_with_acceptor(pair, alter_list=None, alter_mic=None):
    """The test is a SPNEGO initiator that would rather have had another mechanism; the answer of the last step."""
    initiator, acceptor = pair.peers
    offered = spnego.mechanism_list(spnego.OTHER_OID, spnego.KRB5_OID)
    signed = alter_list(offered) if alter_list else offered
    initiator.begin("initiate", "--service", "http@" + HOST, "--mutual")
    acceptor.begin("accept", *SPNEGO)
    _, token = step(acceptor, spnego.neg_token_init(offered))
    response = spnego.Response(token)
    if response.state != spnego.REQUEST_MIC or response.mechanism != spnego.KRB5_OID:
        raise Failure("the acceptor did not choose krb5 and ask for a MIC: " + token.hex())
    _, request = step(initiator)
    _, token = step(acceptor, spnego.neg_token_response(token=request))
    response = spnego.Response(token)
    facts, _ = step(initiator, response.token)
    if facts["error"] != "COMPLETE":
        raise Failure("the initiator is not established")
    mic = get_mic(initiator, signed)
    facts, token = acceptor.step(spnego.neg_token_response(mic=alter_mic(mic) if alter_mic else mic))
    mic_of_acceptor = response.mic or (spnego.Response(token).mic if token else None)
    return facts, mic_of_acceptor, offered


def acceptor_with_mic(pair):
    facts, mic, offered = negotiate_with_acceptor(pair)
    if facts["error"] != "COMPLETE" or not facts["apex"] and pair.kinds[1] == "apex":
        raise Failure("acceptor: %s" % facts)
    if mic is None:
        raise Failure("the acceptor sent no mechListMIC")
    verify_mic(pair.peers[0], mic, offered)
    exchange_messages(*pair.peers, sizes=SIZES)


def refused(facts):
    if facts["error"] not in ("BAD_MIC", "DEFECTIVE_TOKEN"):
        raise Failure("the MIC was taken: %s" % facts)


def acceptor_notices_altered_list(pair):
    def without_first(_list):
        return spnego.mechanism_list(spnego.KRB5_OID)
    refused(negotiate_with_acceptor(pair, alter_list=without_first)[0])


def flip_last(mic):
    return mic[:-1] + bytes([mic[-1] ^ 1])


def acceptor_notices_damaged_mic(pair):
    refused(negotiate_with_acceptor(pair, alter_mic=flip_last)[0])


def has_mic(token):
    try:
        return spnego.Response(token).mic is not None
    except (ValueError, IndexError):
        return False


def both_with_mic(pair, alter=None):
    """Both ends are real: the initiator prefers NTLMSSP, the acceptor takes krb5 only."""
    def count(number, token):
        token = alter(number, token) if alter else token
        bearing.append(has_mic(token))
        return token
    bearing = []
    outcome = pair.establish([*INITIATE, "--neg-mechs", "ntlmssp,krb5"], [*SPNEGO, "--neg-mechs", "krb5"], count)
    if alter is None:
        if not outcome.established():
            raise Failure(outcome.describe())
        if sum(bearing) != 2:
            raise Failure("%d tokens bear a mechListMIC instead of 2" % sum(bearing))
        exchange_messages(*pair.peers, sizes=SIZES)
    elif outcome.established():
        raise Failure("nobody noticed the alteration")
    return outcome


def flip_mic_of(side):
    def alter(number, token):
        if number % 2 != side or not has_mic(token):
            return token
        return token[:-1] + bytes([token[-1] ^ 1])
    return alter


def damaged_mic_of(side):
    def run(pair):
        outcome = both_with_mic(pair, flip_mic_of(side))
        judge = outcome.acceptor if side == 0 else outcome.initiator
        refused(judge)
    return run


NTLMSSP_CASES = [
    ("both with MIC exchange", both_with_mic),
    ("acceptor notices a damaged mechListMIC of a real initiator", damaged_mic_of(0)),
    ("initiator notices a damaged mechListMIC", damaged_mic_of(1)),
]


def bindings(given, expected):
    def run(pair):
        options = [["--bindings", text] if text else [] for text in given]
        outcome = pair.establish([*INITIATE, *options[0]], [*SPNEGO, *options[1]])
        if expected == "COMPLETE" and not outcome.established():
            raise Failure(outcome.describe())
        if expected != "COMPLETE" and outcome.acceptor["error"] != expected:
            raise Failure(outcome.describe())
    return run


CASES = [
    ("plain", plain, True),
    ("not mutual", not_mutual, True),
    ("delegation", delegation, True),
    ("DCE style", dce_style, False),
    ("acceptor with MIC exchange", acceptor_with_mic, False),
    ("acceptor notices an altered mechanism list", acceptor_notices_altered_list, False),
    ("acceptor notices a damaged mechListMIC", acceptor_notices_damaged_mic, False),
    ("bindings equal", bindings(("one", "one"), "COMPLETE"), True),
    ("bindings differ", bindings(("one", "two"), "BAD_BINDINGS"), False),
]


def run_with_ntlmssp(report, realm, kinds):
    """MIT's initiator sends MICs only if another mechanism comes first; the one other there is, is gss-ntlmssp."""
    if "heimdal" in kinds:
        return
    for name, function in NTLMSSP_CASES:
        name = "SPNEGO, %s initiates, %s accepts: %s" % (*kinds, name)
        if not os.path.exists(NTLMSSP):
            report.skip(name, "gss-ntlmssp is not installed")
            continue
        account = realm.write("ntlm.users", "APEX:alice:secret\n")
        line = "ntlmssp 1.3.6.1.4.1.311.2.2.10 " + NTLMSSP
        with Pair(realm, kinds, line, NTLM_USER_FILE=account) as pair:
            report.case(name, function, pair)


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
        for pair_kinds in kinds:
            run_with_ntlmssp(report, realm, pair_kinds)
            for name, function, heimdal_too in CASES:
                if "heimdal" in pair_kinds and not heimdal_too:
                    continue
                with Pair(realm, pair_kinds) as pair:
                    report.case("SPNEGO, %s initiates, %s accepts: %s" % (*pair_kinds, name), function, pair)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
