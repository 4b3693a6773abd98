#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a program is told when Kerberos refuses: each row brings one fault about, then looks at major, minor and text.

Majors and minors are those that MIT gives, for every mechanism; the texts are judged for Apex only (of MIT they are
printed). No fault needs a changed system clock: the initiator's clock is shifted by the KDC offset in the header of
its credential cache, and tickets expire because they were issued for a second.
"""
import os
import re
import shutil
import sys
import time

from report import Report
from peer import Failure, Peer, begin_both, build_c_peer, establish
from realm import HOST, USER, Environment, Realm, free_port, mechanism_under_test, turn_sigterm_into_exit
import files

KRB5 = -1765328384
SERVICE = "http/" + HOST
TARGET = "http@" + HOST
NOBODY = 65534
TICKET_INVALID = 0x01000000
EMPTY_TEXTS = re.compile(r"^\s*$|success|^unspecified gss failure|unknown error|unknown code|no error", re.I)
BINDINGS = "tls-server-end-point:"


class Stage:
    """One row's surroundings: which ccache, keytab and configuration each side is given."""

    def __init__(self, realm, environment):
        self.realm = realm
        self.environment = environment
        self.ccache = realm.ccache
        self.keytab = realm.keytab
        self.initiate = ["--service", TARGET, "--mutual"]
        self.accept = []
        self.initiator_settings = {}
        self.acceptor_settings = {}
        self.user = None
        self.alter = None
        self.before_accept = None

    def path(self, name):
        return self.realm.path(name)

    def peers(self):
        command = [build_c_peer("mit")]
        if self.user:
            # Another user may not be let into the build directory.
            command = [shutil.copy(command[0], self.path("peer"))]
        more = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        initiator = Peer(command, self.environment(ccache=self.ccache, **self.initiator_settings))
        acceptor = Peer(command, self.environment(keytab=self.keytab, **self.acceptor_settings), **more)
        return initiator, acceptor

    def run(self):
        """The outcome of the exchange between two fresh processes."""
        initiator, acceptor = self.peers()
        with initiator, acceptor:
            if self.before_accept is not None:
                return self.before_accept(initiator, acceptor)
            return establish(initiator, acceptor, self.initiate, self.accept, self.alter)


# The faults. Each function changes one thing of an exchange that succeeds.

def nothing_wrong(_stage):
    pass


def replayed_request(stage):
    def twice(initiator, acceptor):
        begin_both(initiator, acceptor, stage.initiate, stage.accept)
        _, token = initiator.step()
        facts, _ = acceptor.step(token)
        if facts["error"] != "COMPLETE":
            raise Failure("the first presentation failed: %s" % facts)
        outcome = begin_both(initiator, acceptor, stage.initiate, stage.accept)
        outcome.acceptor, _ = acceptor.step(token)
        return outcome
    stage.before_accept = twice


def replayed_to_another_process(stage):
    def twice(initiator, acceptor):
        begin_both(initiator, acceptor, stage.initiate, stage.accept)
        _, token = initiator.step()
        facts, _ = acceptor.step(token)
        if facts["error"] != "COMPLETE":
            raise Failure("the first presentation failed: %s" % facts)
        spare, second = stage.peers()
        with spare, second:
            outcome = begin_both(spare, second, stage.initiate, stage.accept)
            outcome.acceptor, _ = second.step(token)
        return outcome
    stage.before_accept = twice


def wrong_key(stage):
    stage.keytab = files.write_keytab(stage.path("wrong.keytab"), SERVICE + "@APEX.TEST", 1, 18, b"\x55" * 32)


def key_version_missing(stage):
    stage.keytab = files.write_keytab(stage.path("newer.keytab"), SERVICE + "@APEX.TEST", 7, 18, b"\x55" * 32)


def encryption_type_missing(stage):
    stage.keytab = files.write_keytab(stage.path("type.keytab"), SERVICE + "@APEX.TEST", 1, 17, b"\x55" * 16)


def service_missing(stage):
    stage.keytab = files.write_keytab(stage.path("other.keytab"), "imap/%s@APEX.TEST" % HOST, 1, 18, b"\x55" * 32)


def other_service_wanted(stage):
    stage.accept = ["--name", "other@" + HOST]


def keytab_missing(stage):
    stage.keytab = stage.path("absent.keytab")


def keytab_empty(stage):
    stage.keytab = files.write_octets(stage.path("empty.keytab"), b"")


def keytab_without_entries(stage):
    stage.keytab = files.write_octets(stage.path("bare.keytab"), b"\x05\x02")


def keytab_unreadable(stage):
    is_root = os.geteuid() == 0
    data = files.read_octets(stage.realm.keytab)
    if not os.path.exists(stage.path("secret.keytab")):
        files.write_octets(stage.path("secret.keytab"), data, 0o600 if is_root else 0)
    stage.keytab = stage.path("secret.keytab")
    stage.user = NOBODY if is_root else None


def keytab_truncated(stage):
    data = files.read_octets(files.write_keytab(stage.path("cut.keytab"), SERVICE + "@APEX.TEST", 1, 18, b"\x55" * 32))
    stage.keytab = files.write_octets(stage.path("cut.keytab"), data[:len(data) // 2])


def keytab_is_no_keytab(stage):
    stage.keytab = files.write_octets(stage.path("text.keytab"), b"this is no keytab\n")


def no_cache(stage):
    stage.ccache = stage.path("absent.ccache")


def cache_truncated(stage):
    stage.ccache = files.write_octets(stage.path("cut.ccache"), files.read_octets(stage.ccache)[:60])


def cache_expired(stage):
    stage.ccache = files.copy_cache_with_times(stage.ccache, stage.path("expired.ccache"),
                                               end_time=time.time() - 7200)


def kdc_down(stage):
    stage.ccache = files.copy_cache_without(stage.ccache, stage.path("tgt.ccache"), "http/")
    stage.initiator_settings["KRB5_CONFIG"] = stage.realm.configuration("down.conf", port=free_port())


def service_unknown_to_kdc(stage):
    stage.initiate = ["--service", "nonesuch@" + HOST, "--mutual"]


def stop_at_refusal(stage):
    # Apex as initiator would make a second request with the acceptor's time: see t_clock.py.
    stage.alter = lambda number, token: token if number == 0 else None


def clock_ahead(stage):
    stop_at_refusal(stage)
    stage.ccache = files.copy_cache_with_clock_offset(stage.ccache, stage.path("ahead.ccache"), 600)


def clock_behind(stage):
    stop_at_refusal(stage)
    # The initiator must think that its ticket was valid ten minutes ago.
    early = files.copy_cache_with_times(stage.ccache, stage.path("early.ccache"), start_time=time.time() - 3600)
    stage.ccache = files.copy_cache_with_clock_offset(early, stage.path("behind.ccache"), -600)


def ticket_expired_at_acceptor(stage):
    # The ticket was issued for one second, and the initiator is made to think otherwise; one second of skew is allowed.
    issued = os.path.getmtime(stage.path("short.ccache"))
    time.sleep(max(0.0, issued + 4 - time.time()))
    stage.ccache = files.copy_cache_with_times(stage.path("short.ccache"), stage.path("lying.ccache"),
                                               end_time=time.time() + 7200)
    strict(stage)


def strict(stage):
    conf = stage.realm.configuration("strict.conf", libdefaults="clockskew = 1")
    stage.acceptor_settings["KRB5_CONFIG"] = conf


def ticket_postdated(stage):
    early = files.copy_cache_with_times(stage.path("later.ccache"), stage.path("later2.ccache"),
                                        start_time=time.time() - 3600)
    stage.ccache = files.copy_cache_with_flags_cleared(early, stage.path("later3.ccache"), TICKET_INVALID)


def default_credential(fault):
    """The same fault met by an acceptor that never acquires credentials."""
    def changed(stage):
        fault(stage)
        stage.accept.append("--no-acquire")
    return changed


def bindings_differ(stage):
    stage.initiate += ["--bindings", BINDINGS + "one"]
    stage.accept += ["--bindings", BINDINGS + "two"]


def change_first(change):
    return lambda number, token: change(token) if number == 0 else token


def token_cut_in_half(stage):
    stage.alter = change_first(lambda token: token[:len(token) // 2])


def token_cut_in_header(stage):
    stage.alter = change_first(lambda token: token[:10])


def token_is_noise(stage):
    stage.alter = change_first(lambda token: b"\x60\x03abc")


def flip(token, place):
    return token[:place] + bytes([token[place] ^ 1]) + token[place + 1:]


def authenticator_damaged(stage):
    stage.alter = change_first(lambda token: flip(token, len(token) - 5))


def ticket_damaged(stage):
    stage.alter = change_first(lambda token: flip(token, len(token) // 3))


def reply_damaged(stage):
    stage.alter = lambda number, token: flip(token, len(token) - 5) if number == 1 else token


def reply_cut(stage):
    stage.alter = lambda number, token: token[:len(token) // 2] if number == 1 else token


def replay_store_unwritable(stage):
    place = "/proc/apex-cannot-write-here"
    stage.acceptor_settings["KRB5RCACHEDIR"] = place
    stage.acceptor_settings["KRB5_CONFIG"] = stage.realm.configuration(
        "replay.conf", apex="replay_directory = " + place)


def default_initiator(fault):
    def changed(stage):
        fault(stage)
        stage.initiate.append("--no-acquire")
    return changed


def mutual_missing(stage):
    """Only Apex can require mutual authentication; other mechanisms take the request."""
    stage.initiate.remove("--mutual")
    conf = stage.realm.configuration("mutual.conf", apex="mutual_auth = require\n    replay_directory = " +
                                     stage.path("replay"))
    stage.acceptor_settings["KRB5_CONFIG"] = conf


# libgssapi refuses such a token before it has found a mechanism; the text is its own.
BY_MECHGLUE = None
# Rows: name, fault, side that refuses, major, minor codes (None: any but 0), what Apex's text must contain.
ROWS = [
    ("nothing is wrong", nothing_wrong, None, "COMPLETE", (0,), ()),
    ("replayed request", replayed_request, "acceptor", "FAILURE", (KRB5 + 34,), ("replay",)),
    ("replayed request, second process", replayed_to_another_process, "acceptor", "FAILURE", (KRB5 + 34,),
     ("replay",)),
    ("wrong key in the keytab", wrong_key, "acceptor", "FAILURE", (KRB5 + 31,),
     ("http/peer.apex.test@APEX.TEST", "kvno 1", "aes256-cts", "decrypt|key")),
    ("key version not in the keytab", key_version_missing, "acceptor", "FAILURE", (KRB5 + 44,),
     ("http/peer.apex.test@APEX.TEST", r"\b1\b", r"\b7\b")),
    ("encryption type not in the keytab", encryption_type_missing, "acceptor", "FAILURE", (KRB5 + 44,),
     ("http/peer.apex.test@APEX.TEST", "aes256-cts", "aes128-cts")),
    ("service not in the keytab", service_missing, "acceptor", "FAILURE", (KRB5 + 35,),
     ("http/peer.apex.test@APEX.TEST", "keytab")),
    ("another service of the keytab wanted", other_service_wanted, "acceptor", "FAILURE", (KRB5 + 35,),
     ("http/peer.apex.test@APEX.TEST", "other/peer.apex.test")),
    ("keytab missing", keytab_missing, "acceptor", "NO_CRED", None, ("absent.keytab", "no such file|missing|exist")),
    ("keytab missing, default credential", default_credential(keytab_missing), "acceptor", "NO_CRED", None,
     ("absent.keytab", "no such file|missing|exist")),
    ("keytab empty", keytab_empty, "acceptor", "NO_CRED", None, ("empty.keytab",)),
    ("keytab without entries", keytab_without_entries, "acceptor", "NO_CRED", None,
     ("bare.keytab", "empty|no key|entr")),
    ("keytab unreadable", keytab_unreadable, "acceptor", "NO_CRED", None, ("secret.keytab", "permission denied")),
    ("keytab unreadable, default credential", default_credential(keytab_unreadable), "acceptor", "NO_CRED", None,
     ("secret.keytab", "permission denied")),
    ("keytab truncated", keytab_truncated, "acceptor", "NO_CRED", None, ("cut.keytab",)),
    ("keytab is no keytab", keytab_is_no_keytab, "acceptor", "NO_CRED", None, ("text.keytab",)),
    ("no credential cache", no_cache, "initiator", "NO_CRED", None, ("absent.ccache",)),
    ("no credential cache, default credential", default_initiator(no_cache), "initiator", "NO_CRED", None,
     ("absent.ccache",)),
    ("credential cache truncated", cache_truncated, "initiator", "NO_CRED", None, ("cut.ccache",)),
    ("credentials expired", cache_expired, "initiator", "FAILURE", (KRB5 + 32,), ("expired",)),
    ("KDC down", kdc_down, "initiator", "FAILURE", None, ("KDC", "APEX.TEST")),
    ("service unknown to the KDC", service_unknown_to_kdc, "initiator", "FAILURE", (KRB5 + 7,),
     ("nonesuch/peer.apex.test@APEX.TEST",)),
    ("initiator's clock ten minutes ahead", clock_ahead, "acceptor", "FAILURE", (KRB5 + 37,),
     (r"\b(59\d|60\d)\b", "ahead|fast|future|later")),
    ("initiator's clock ten minutes behind", clock_behind, "acceptor", "FAILURE", (KRB5 + 37,),
     (r"\b(59\d|60\d)\b", "behind|slow|past|earlier")),
    ("ticket postdated", ticket_postdated, "acceptor", "FAILURE", (KRB5 + 33,), ("valid",)),
    ("channel bindings differ", bindings_differ, "acceptor", "BAD_BINDINGS", None, ("bindings",)),
    ("token cut in half", token_cut_in_half, "acceptor", "FAILURE|DEFECTIVE_TOKEN", None, ("token|message",)),
    ("token cut in its header", token_cut_in_header, "acceptor", "DEFECTIVE_TOKEN", None, BY_MECHGLUE),
    ("token is noise", token_is_noise, "acceptor", "DEFECTIVE_TOKEN", None, BY_MECHGLUE),
    ("authenticator damaged", authenticator_damaged, "acceptor", "FAILURE", (KRB5 + 31,), ("authenticator",)),
    ("ticket damaged", ticket_damaged, "acceptor", "FAILURE", (KRB5 + 31,), ("ticket",)),
    ("reply damaged", reply_damaged, "initiator", "FAILURE", (KRB5 + 31,), ("reply|AP-REP",)),
    ("reply cut", reply_cut, "initiator", "DEFECTIVE_TOKEN", None, ("token|reply|AP-REP",)),
    ("replay store not writable", replay_store_unwritable, "acceptor", "FAILURE", None,
     ("replay", "/proc/apex-cannot-write-here")),
    ("ticket expired", ticket_expired_at_acceptor, "acceptor", "FAILURE", (KRB5 + 32,), ("expired",)),
]


APEX_ROWS = [
    ("mutual authentication required", mutual_missing, "acceptor", "FAILURE", None, ("mutual",)),
]


def judge_text(text, patterns):
    if EMPTY_TEXTS.search(text):
        raise Failure("the text says nothing: " + text)
    for pattern in patterns:
        if not re.search(pattern, text, re.I):
            raise Failure("the text lacks /%s/: %s" % (pattern, text))


def run_row(realm, environment, row):
    name, fault, side, major, minors, patterns = row
    stage = Stage(realm, environment)
    fault(stage)
    outcome = stage.run()
    if side is None:
        if not outcome.established():
            raise Failure(outcome.describe())
        return
    facts = getattr(outcome, side)
    if facts is None or facts["error"] in ("COMPLETE", "CONTINUE_NEEDED"):
        raise Failure("the %s did not refuse: %s" % (side, outcome.describe()))
    minor = facts["minor"] - (1 << 32) if facts["minor"] >= 1 << 31 else facts["minor"]
    print("# %s: %s %s %d: %s | %s" % (name, facts["call"], facts["error"], minor, facts["minor_text"],
        outcome.initiator.get("minor_text") if outcome.initiator else ""))
    if facts["error"] not in major.split("|"):
        raise Failure("major %s instead of %s (%s)" % (facts["error"], major, facts["minor_text"]))
    if minors is not None and minor not in minors:
        raise Failure("minor %d instead of one of %s (%s)" % (minor, list(minors), facts["minor_text"]))
    if environment.mechanism == "apex" and patterns is not BY_MECHGLUE:
        judge_text(facts["minor_text"], [pattern.format(realm=realm.directory) for pattern in patterns])


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        realm.add_user()
        realm.add_service(SERVICE, [18])
        realm.add_service("other/" + HOST, [18])
        realm.kinit(ccache=realm.path("short.ccache"), options=("-l", "1s", "-S", SERVICE))
        realm.kinit(ccache=realm.path("later.ccache"), options=("-s", "1h", "-S", SERVICE))
        realm.kinit()
        realm.fetch_ticket(SERVICE)
        environment = Environment(realm, mechanism_under_test())
        for row in ROWS + (APEX_ROWS if environment.mechanism == "apex" else []):
            report.case(row[0], run_row, realm, environment, row)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
