#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""[apex] only_programs and not_programs: a program that the lists leave out is served by the built-in mechanism, with
the same peers; one that they name is served by Apex. The variables that hand a single process back, too."""
import os
import shutil
import sys

from report import Report, Skipped
from peer import Failure, Peer, build_c_peer, establish, exchange_messages
from realm import HOST, USER, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit

SERVICE = "http/" + HOST
TARGET = "http@" + HOST


class Programs:
    """One program under two names, so that a list can tell them apart."""

    def __init__(self, realm):
        self.realm = realm
        self.environment = Environment(realm, "apex")
        self.one, self.other = (shutil.copy(build_c_peer("mit"), realm.path(name)) for name in ("one", "other"))

    def served(self, lines, variables):
        """Which of both programs Apex serves, (one, other), when they talk to each other; the exchange must succeed."""
        apex = "\n    ".join(["replay_directory = " + self.realm.path("replay"), *lines])
        conf = self.realm.configuration("krb5.programs.conf", apex=apex)
        traces = [self.realm.path(name + ".trace") for name in ("one", "other")]
        for trace in traces:
            if os.path.exists(trace):
                os.remove(trace)
        initiator, acceptor = (Peer([program], self.environment(KRB5_CONFIG=conf, APEX_TRACE=trace, **variables))
                               for program, trace in zip((self.one, self.other), traces))
        with initiator, acceptor:
            outcome = establish(initiator, acceptor, ["--service", TARGET, "--mutual"])
            if not outcome.established():
                raise Failure(outcome.describe())
            exchange_messages(initiator, acceptor, (100,))
        # The mechglue keeps a module that declined mapped; what it did not do it cannot have traced.
        return tuple(established(trace) for trace in traces)


def established(trace):
    if not os.path.exists(trace):
        return False
    with open(trace, encoding="utf-8") as file:
        return "established" in file.read()


CASES = {
    "without lists both programs are served by Apex": ((), (True, True)),
    "not_programs by path leaves that program out": (("not_programs = {one}",), (False, True)),
    "not_programs by name leaves that program out": (("not_programs = sshd other",), (True, False)),
    "a name is no part of another name": (("not_programs = othe ther /other",), (True, True)),
    "only_programs by path serves that program only": (("only_programs = {one}",), (True, False)),
    "only_programs by name serves that program only": (("only_programs = sshd, other",), (False, True)),
    "not_programs wins over only_programs": (("only_programs = one other", "not_programs = one"), (False, True)),
    "a relative path is reported and counts for nothing": (("not_programs = bin/one",), (True, True)),
}
VARIABLES = {
    "APEX_DISABLE hands a process back to the built-in mechanism": ({"APEX_DISABLE": "1"}, (False, False)),
    "APEX_DISABLE=0 does not": ({"APEX_DISABLE": "0"}, (True, True)),
    "GSS_USE_PROXY leaves a process to gssproxy's interposer": ({"GSS_USE_PROXY": "yes"}, (False, False)),
    "GSS_USE_PROXY=no does not": ({"GSS_USE_PROXY": "no"}, (True, True)),
}


def run_case(programs, lines, variables, expected):
    lines = [line.format(one=programs.one) for line in lines]
    served = programs.served(lines, variables)
    if served != expected:
        raise Failure("served by Apex (one, other): %s instead of %s" % (served, expected))


def not_under_test():
    raise Skipped("the built-in mechanism knows no lists of programs")


def main(words):
    turn_sigterm_into_exit()
    report = Report()
    if mechanism_under_test() != "apex":
        report.case("programs in lists", not_under_test)
        return report.finish()
    with Realm() as realm:
        realm.add_user()
        realm.add_service(SERVICE)
        realm.kinit()
        programs = Programs(realm)
        for name, (lines, expected) in CASES.items():
            if all(word in name for word in words):
                report.case(name, run_case, programs, lines, {}, expected)
        for name, (variables, expected) in VARIABLES.items():
            if all(word in name for word in words):
                report.case(name, run_case, programs, (), variables, expected)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
