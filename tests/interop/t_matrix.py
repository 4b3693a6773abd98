#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The interoperability matrix: the mechanism under test with MIT's, Heimdal's and Java's, both directions, every
encryption type, mutual and delegation or not, channel bindings in all combinations; then messages both ways.

Arguments restrict the run: a word such as `java`, `accepts` or `aes128-cts-hmac-sha1-96` must occur in a cell's name.
"""
import itertools
import sys

from report import Report
from peer import (FLAGS, LOSES_FIRST_MESSAGE, Failure, Peer, build_c_peer, establish, exchange_messages, java_command,
                  lose_first_message)
from realm import ALL_ENCTYPES, CAMELLIA, ENCTYPES, HOST, RC4, USER, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit

USER_NAME = USER + "@APEX.TEST"
ACCEPTED = ("COMPLETE", True)
BOUND = ("COMPLETE", True)
REFUSED = ("BAD_BINDINGS", False)

# What each acceptor does with channel bindings. RFC 4121 4.1.1.2 leaves the second row open: MIT and Heimdal accept a
# token without bindings, Java refuses it when it was given some.
BINDINGS = {
    "equal": ("tls-server-end-point:one", "tls-server-end-point:one"),
    "absent at initiator": (None, "tls-server-end-point:one"),
    "absent at acceptor": ("tls-server-end-point:one", None),
    "different": ("tls-server-end-point:one", "tls-server-end-point:two"),
}
EXPECTED = {
    "mit": {"equal": BOUND, "absent at initiator": ACCEPTED, "absent at acceptor": ACCEPTED, "different": REFUSED},
    "apex": {"equal": BOUND, "absent at initiator": ACCEPTED, "absent at acceptor": ACCEPTED, "different": REFUSED},
    "heimdal": {"equal": ACCEPTED, "absent at initiator": ACCEPTED, "absent at acceptor": ACCEPTED,
                "different": REFUSED},
    "java": {"equal": ACCEPTED, "absent at initiator": REFUSED, "absent at acceptor": ACCEPTED, "different": REFUSED},
}
# Acceptors that tell with GSS_C_CHANNEL_BOUND_FLAG that both sides gave the same bindings.
TELLS_BOUND = {"mit", "apex"}
# Java hashes absent addresses with type 255 (GSS_C_AF_NULLADDR); C programs leave 0 (GSS_C_AF_UNSPEC).
ADDRESS_TYPE = {"java": "255"}
# What a peer cannot do. Heimdal 7.8 and JDK 17 both have the SHA-2 types of RFC 8009; neither has Camellia.
NO_CAMELLIA = {"heimdal", "java"}
# With every type permitted and a weaker session key, RFC 4537 lets the acceptor choose a better subkey.
UPGRADE = "all permitted, session key aes128-cts-hmac-sha1-96"
RC4_UPGRADE = "all permitted, session key arcfour-hmac"
UPGRADES = {UPGRADE: 17, RC4_UPGRADE: 23}


class Setting:
    """One configuration of encryption types: its name, service, krb5.conf and ccache."""

    def __init__(self, realm, name, number, permitted, ending=""):
        self.name = name
        self.number = number
        label = "%d%s" % (number, ending)
        self.service = "e%d@%s" % (number, HOST)
        self.conf = realm.configuration("krb5.%s.conf" % label, enctypes=permitted)
        self.ccache = realm.path("ccache." + label)
        env = dict(realm.base_environment(), KRB5_CONFIG=self.conf, KRB5CCNAME="FILE:" + self.ccache)
        realm.run(["kinit", "-f", USER], env=env, text="secret\n")


def make_settings(realm):
    realm.add_user()
    settings = []
    for number, name in {**ENCTYPES, **CAMELLIA, **RC4}.items():
        principal = "e%d/%s" % (number, HOST)
        realm.add_service(principal, [number])
        realm.kadmin("setstr %s session_enctypes %s" % (principal, name))
        settings.append(Setting(realm, name, number, name))
    for name, number in UPGRADES.items():
        permitted = ALL_ENCTYPES + (" " + RC4[23] if number in RC4 else "")
        settings.append(Setting(realm, name, number, permitted, ".all"))
    return settings


def start_peer(realm, kind, setting):
    environment = Environment(realm, kind)(ccache=setting.ccache, KRB5_CONFIG=setting.conf)
    if kind == "java":
        return Peer(java_command(realm, setting.conf, setting.ccache, realm.keytab), environment)
    implementation = "heimdal" if kind == "heimdal" else "mit"
    return Peer([build_c_peer(implementation)], environment)


def check_flags(label, facts, mutual, delegate):
    wanted = {"mutual": mutual, "delegate": delegate, "replay": True, "sequence": True, "conf": True, "integ": True}
    for name, expected in wanted.items():
        if bool(facts["flags"] & FLAGS[name]) != expected:
            raise Failure("%s: flag %s is %s" % (label, name, not expected))


def check_facts(setting, pair, initiator, acceptor, mutual, delegate, bindings):
    """What both sides say about the established context: names, flags, key, delegated credentials."""
    ours, theirs = initiator.inquire(), acceptor.inquire()
    for label, facts in (("initiator", ours), ("acceptor", theirs)):
        check_flags(label, facts, mutual, delegate)
        if facts["source"] != USER_NAME or facts["target"] != setting.service.replace("@", "/") + "@APEX.TEST":
            raise Failure("%s: names %s -> %s" % (label, facts["source"], facts["target"]))
        if not facts["open"] or not facts["mech_is_krb5"] or facts["lifetime"] <= 0:
            raise Failure("%s: %s" % (label, facts))
    if theirs["accepted_name"] != USER_NAME:
        raise Failure("acceptor sees client " + theirs["accepted_name"])
    if pair[1] in TELLS_BOUND and bool(theirs["flags"] & FLAGS["channel_bound"]) != (bindings == "equal"):
        raise Failure("GSS_C_CHANNEL_BOUND_FLAG is wrong: flags %#x" % theirs["flags"])
    keys = {facts["enctype"] for facts in (ours, theirs) if "enctype" in facts}
    expected = setting.number
    if setting.name in UPGRADES and mutual and set(pair) <= {"mit", "apex"}:
        expected = 18
    if setting.name in UPGRADES and "heimdal" in pair:
        expected = None
    if expected is not None and keys and keys != {expected}:
        raise Failure("message key of type %s instead of %d" % (sorted(keys), expected))
    if len(keys) > 1:
        raise Failure("the sides disagree about the key's type: %s" % sorted(keys))
    if theirs["delegated"] != delegate:
        raise Failure("delegated credentials: %s" % theirs["delegated"])
    if delegate:
        if theirs["delegated_name"] != USER_NAME:
            raise Failure("delegated credentials of " + theirs["delegated_name"])
        facts, _ = acceptor.request(b"D", setting.service.encode())
        if facts["error"] != "CONTINUE_NEEDED":
            raise Failure("delegated credentials are of no use: %s" % facts.get("minor_text"))


def run_cell(setting, pair, initiator, acceptor, mutual, delegate, bindings):
    initiate, accept = ["--service", setting.service], []
    given = BINDINGS[bindings]
    address_type = ADDRESS_TYPE.get(pair[0]) or ADDRESS_TYPE.get(pair[1]) or "0"
    for options, text in ((initiate, given[0]), (accept, given[1])):
        if text:
            options += ["--bindings", text, "--bindings-type", address_type]
    initiate += ["--mutual"] * mutual + ["--delegate"] * delegate
    outcome = establish(initiator, acceptor, initiate, accept)
    error, succeeds = EXPECTED[pair[1]][bindings]
    for kind, facts in zip(pair, (outcome.initiator, outcome.acceptor)):
        if kind == "apex" and not (facts and facts.get("apex")):
            raise Failure("mech_apex.so is not mapped; " + outcome.describe())
    if not succeeds:
        if outcome.acceptor is None or outcome.acceptor["error"] != error:
            raise Failure("expected %s; %s" % (error, outcome.describe()))
        if mutual and outcome.initiator["error"] == "COMPLETE":
            raise Failure("the initiator believes in a context that the acceptor refused")
    else:
        if not outcome.established():
            raise Failure(outcome.describe())
        check_facts(setting, pair, initiator, acceptor, mutual, delegate, bindings)
        if pair[0] in LOSES_FIRST_MESSAGE and not mutual:
            lose_first_message(acceptor, initiator)
        exchange_messages(initiator, acceptor)
    initiator.end()
    acceptor.end()


def cells():
    return itertools.product((True, False), (True, False), BINDINGS)


def cell_name(pair, setting, mutual, delegate, bindings):
    return "%s initiates, %s accepts, %s, %s, %s, bindings %s" % (
        pair[0], pair[1], setting.name, "mutual" if mutual else "not mutual",
        "delegation" if delegate else "no delegation", bindings)


def end_peers(peers):
    for peer in peers:
        peer.__exit__(None, None, None)


def run_pair(report, realm, setting, pair, words):
    wanted = [(cell_name(pair, setting, *cell), cell) for cell in cells()]
    wanted = [(name, cell) for name, cell in wanted if all(word in name for word in words)]
    peers = ()
    try:
        for name, cell in wanted:
            if not peers or any(peer.failed for peer in peers):
                end_peers(peers)
                peers = (start_peer(realm, pair[0], setting), start_peer(realm, pair[1], setting))
            report.case(name, run_cell, setting, pair, *peers, *cell)
    finally:
        end_peers(peers)


def pairs(tested):
    result = [(tested, tested)]
    for peer in ("mit", "heimdal", "java"):
        if peer != tested:
            result += [(tested, peer), (peer, tested)]
    return result


def main(words):
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        for setting in make_settings(realm):
            for pair in pairs(mechanism_under_test()):
                if setting.number not in CAMELLIA or not NO_CAMELLIA & set(pair):
                    run_pair(report, realm, setting, pair, words)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
