#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random exchanges, complete with messages, once between two peers on MIT's built-in mechanism and once with Apex on one
side or both: what the programs see must be the same.

One plan says everything of an exchange: service and encryption type, flags, bindings, delegation, lifetime, and then
messages that arrive in order, twice, late or damaged. Two transcripts of a plan are compared: majors, flags, names,
lifetimes within two seconds, key types, sizes of tokens, plaintexts. The four processes serve all plans.

Environment: APEX_DIFFERENTIAL, how many plans (10000); APEX_SEED, where their random numbers begin (1). Arguments are numbers of
plans to run alone.
"""
import os
import random
import struct
import sys
import time

from report import Report, Skipped
from gss import KRB5
from peer import FLAGS, Failure, Peer, begin_both, build_c_peer
from realm import (ALL_ENCTYPES, CAMELLIA, ENCTYPES, HOST, RC4, USER, Environment, Realm, mechanism_under_test,
                   turn_sigterm_into_exit)

COUNT = 10000
SEED = "1"
PAIRS = (("apex", "apex"), ("apex", "mit"), ("mit", "apex"))
KEYS = {**ENCTYPES, **CAMELLIA, **RC4}
OPTIONS = {"--mutual": 0.6, "--delegate": 0.05, "--delegate-by-policy": 0.05, "--no-replay": 0.2, "--no-sequence": 0.2,
           "--no-conf": 0.1, "--no-integ": 0.1, "--dce": 0.15, "--identify": 0.1, "--extended-error": 0.1}
BINDINGS = ((None, None),) * 4 + (("one", "one"), ("one", None), (None, "one"), ("one", "two"))
STATUS = ("call", "error", "supplementary", "major")
CONTEXT = ("error", "source", "target", "context_flags", "flags", "local", "open", "mech_is_krb5", "accepted_name",
           "enctype", "key_length", "delegated", "delegated_name")
TIMES = ("lifetime", "context_time")
# Both count whole seconds, and the second begun counts. The compared answers were given one after the other, and a busy
# machine may have let seconds pass between.
CLOSE = 2.1


class Plan:
    """One exchange, drawn from its own random numbers, so that a plan can be run alone."""

    def __init__(self, seed, number):
        self.number = number
        chance = random.Random("%s/%d" % (seed, number))
        self.enctype = chance.choice(sorted(KEYS))
        self.options = [option for option, likely in OPTIONS.items() if chance.random() < likely]
        self.bindings = chance.choice(BINDINGS)
        self.lifetime = chance.choice((0, 0, 600))
        self.messages = [self._message(chance) for _ in range(chance.randrange(8))]

    @staticmethod
    def _message(chance):
        size = chance.choice((0, 1, 7, 16, 100, 1000, 20000))
        return {"from": chance.randrange(2), "kind": chance.choice(("sealed", "signed", "mic")),
                "text": chance.randbytes(size),
                "fate": chance.choice(("arrives",) * 6 + ("twice", "late", "lost", "damaged", "cut")),
                "where": chance.random(), "bit": chance.randrange(8)}

    def describe(self):
        return "plan %d: %s, %s, bindings %s, lifetime %d, messages %s" % (
            self.number, KEYS[self.enctype], " ".join(self.options) or "no options", "/".join(map(str, self.bindings)),
            self.lifetime, [(m["from"], m["kind"], len(m["text"]), m["fate"]) for m in self.messages])

    def sides(self):
        initiate = ["--service", "e%d@%s" % (self.enctype, HOST), *self.options]
        if self.lifetime:
            initiate += ["--lifetime", str(self.lifetime)]
        accept = []
        for options, text in zip((initiate, accept), self.bindings):
            if text:
                options += ["--bindings", text]
        return initiate, accept


def outcome_of(facts, keys):
    return {key: facts[key] for key in keys if key in facts}


def context_of(peer):
    """What the context says; lifetimes as the time at which they end, because two runs do not ask at the same time."""
    facts = peer.inquire()
    now = time.time()
    return {**outcome_of(facts, CONTEXT), **{key: facts[key] + now for key in TIMES if key in facts}}


def damaged(token, message):
    """One bit of the token changed. Where tokens differ in nothing but random octets the same bit hits the same field.

    RC4's number is left alone: no checksum covers it (RFC 4757 7.2), so that a changed one is another number, and what
    that means depends on where the numbers of the context began.
    """
    at = int(message["where"] * len(token))
    if token[0] == 0x60:
        number = token.index(KRB5) + len(KRB5) + 8
        at = number + 8 if number <= at < number + 8 else at
    return token[:at] + bytes([token[at] ^ (1 << message["bit"])]) + token[at + 1:]


def receive(receiver, message, token):
    if message["kind"] == "mic":
        facts, text = receiver.request(b"V", struct.pack(">I", len(token)) + token + message["text"])
    else:
        facts, text = receiver.request(b"U", token)
    # What an output of a failed call holds is nobody's business.
    told = STATUS if facts["major"] >> 16 else STATUS + ("conf",)
    return {**outcome_of(facts, told), "text": text, "fate": message["fate"]}


def send(sender, message):
    if message["kind"] == "mic":
        facts, token = sender.request(b"M", message["text"])
    else:
        facts, token = sender.request(b"W", bytes([message["kind"] == "sealed"]) + message["text"])
    return {**outcome_of(facts, STATUS + ("conf",)), "size": len(token)}, token


def exchange_messages(plan, peers):
    """What became of every message. A late one arrives when the next has."""
    seen, late = [], []
    for message in plan.messages:
        sender, receiver = peers[message["from"]], peers[1 - message["from"]]
        sent, token = send(sender, message)
        seen.append(sent)
        fate = message["fate"]
        if fate == "late":
            late.append((receiver, message, token))
            continue
        if fate == "damaged" and token:
            token = damaged(token, message)
        elif fate == "cut" and token:
            token = token[:int(message["where"] * len(token))]
        if fate != "lost":
            seen.append(receive(receiver, message, token))
        if fate == "twice":
            seen.append(receive(receiver, message, token))
        seen += [receive(*each) for each in late]
        late = []
    return seen + [receive(*each) for each in late]


def run(plan, peers):
    """The transcript of a plan: what the programs on both sides see."""
    initiator, acceptor = peers
    outcome = begin_both(initiator, acceptor, *plan.sides())
    if outcome.initiator or outcome.acceptor:
        raise Failure(outcome.describe())
    seen, token = [], b""
    for number in range(4):
        facts, token = peers[number % 2].step(token)
        seen.append({**outcome_of(facts, STATUS), "token": bool(token)})
        if facts["error"] not in ("COMPLETE", "CONTINUE_NEEDED") or not token:
            break
    established = all(step["error"] == "COMPLETE" for step in seen[-2:]) and len(seen) > 1
    if established:
        seen += [context_of(peer) for peer in peers]
        seen += exchange_messages(plan, peers)
    for peer in peers:
        peer.end()
    return seen


def but(entry, **changes):
    return {**entry, **changes}


def protection_ready(ours, theirs):
    return "flags" in theirs and same_entry(ours, but(theirs, flags=theirs["flags"] | FLAGS["prot_ready"]))


def delegation_in_dce_style(ours, theirs):
    return ("context_flags" in theirs and theirs["flags"] & FLAGS["dce"] and not theirs["delegated"] and
            same_entry(ours, but(theirs, context_flags=theirs["context_flags"] & ~FLAGS["delegate"])))


def other_refusal(ours, theirs):
    spoilt = theirs.get("fate") in ("damaged", "cut")
    return spoilt and {ours["error"], theirs["error"]} == {"BAD_MIC", "DEFECTIVE_TOKEN"} and not ours["text"]


# Differences that are intended: what they are and why, and whether two entries of the transcripts differ in that way.
INTENDED = {
    "an initiator without mutual authentication tells GSS_C_PROT_READY_FLAG at once (RFC 2743 1.2.7 demands it with "
    "COMPLETE); MIT tells it in gss_inquire_context only": protection_ready,
    "an acceptor in DCE style, which has no delegation, does not tell GSS_C_DELEG_FLAG; MIT takes it out of the flags of "
    "gss_accept_sec_context and leaves it in those of gss_inquire_context": delegation_in_dce_style,
    "a token that was spoilt on its way is refused as unreadable where MIT finds its checksum wrong, or the other way "
    "round; RFC 2744 leaves it open which is looked at first": other_refusal,
}


def same_entry(ours, theirs):
    if ours.keys() != theirs.keys():
        return False
    return all(abs(ours[key] - theirs[key]) < CLOSE if key in TIMES else ours[key] == theirs[key] for key in ours)


def shown(entry):
    return {key: value for key, value in entry.items() if key != "text"}


def compare(plan, pair, ours, theirs):
    for number, (one, other) in enumerate(zip(ours, theirs)):
        if not same_entry(one, other) and not any(test(one, other) for test in INTENDED.values()):
            raise Failure("%s and %s: entry %d is %s, of MIT %s; %s" % (
                *pair, number, shown(one), shown(other), plan.describe()))
    if len(ours) != len(theirs):
        raise Failure("%s and %s: %d entries, of MIT %d; %s" % (*pair, len(ours), len(theirs), plan.describe()))


class Stage:
    """The realm and one process for each side and mechanism; a process that ended is started anew."""

    def __init__(self, realm):
        conf = realm.configuration("krb5.differential.conf", enctypes=ALL_ENCTYPES + " " + RC4[23])
        self.environments = {kind: Environment(realm, kind)(KRB5_CONFIG=conf) for kind in ("mit", "apex")}
        env = dict(realm.base_environment(), KRB5_CONFIG=conf, KRB5CCNAME="FILE:" + realm.ccache)
        realm.run(["kinit", "-f", USER], env=env, text="secret\n")
        for number in KEYS:
            realm.run(["kvno", "e%d/%s" % (number, HOST)], env=env)
        self.running = {}

    def peers(self, pair):
        for side, kind in enumerate(pair):
            peer = self.running.get((side, kind))
            if peer is None or peer.failed:
                self.running[side, kind] = Peer([build_c_peer("mit")], self.environments[kind])
        return [self.running[side, kind] for side, kind in enumerate(pair)]

    def close(self):
        for peer in self.running.values():
            peer.__exit__(None, None, None)


def run_plan(stage, plan):
    theirs = run(plan, stage.peers(("mit", "mit")))
    pair = PAIRS[plan.number % len(PAIRS)]
    compare(plan, pair, run(plan, stage.peers(pair)), theirs)


def make_services(realm):
    realm.add_user()
    for number, name in KEYS.items():
        realm.add_service("e%d/%s" % (number, HOST), [number])
        realm.kadmin("setstr e%d/%s session_enctypes %s" % (number, HOST, name))


def run_plans(report, stage, seed, numbers):
    """One line for all plans that agree, one for each that does not, up to ten."""
    begun, failures = time.monotonic(), 0
    for number in numbers:
        plan = Plan(seed, number)
        try:
            run_plan(stage, plan)
        except Failure as failure:
            report.not_ok("plan %d of seed %s" % (number, seed), failure)
            failures += 1
            if failures == 10:
                break
    print("# seed %s, %.1f s" % (seed, time.monotonic() - begun), flush=True)
    if not failures:
        report.ok("%d random exchanges give what MIT's mechanism gives" % len(numbers))


def not_under_test():
    raise Skipped("MIT's mechanism would be compared with itself")


def main(words):
    turn_sigterm_into_exit()
    report = Report()
    if mechanism_under_test() != "apex":
        report.case("random exchanges", not_under_test)
        return report.finish()
    seed = os.environ.get("APEX_SEED") or SEED
    numbers = [int(word) for word in words] or range(int(os.environ.get("APEX_DIFFERENTIAL") or COUNT))
    with Realm() as realm:
        make_services(realm)
        stage = Stage(realm)
        try:
            run_plans(report, stage, seed, numbers)
        finally:
            stage.close()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
