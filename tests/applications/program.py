# SPDX-License-Identifier: MIT
"""What every script about a program of the system needs: a realm, an environment whose processes trace, the proof that
Apex served both ends, and daemons that run under an account of their own."""
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
sys.dont_write_bytecode = True

from peer import Failure
from realm import (SBIN, Environment, Realm, end_process, free_port, mechanism_under_test, turn_sigterm_into_exit,
                   wait_for_port)
from report import Report
import files

ESTABLISHED = re.compile(r" (initiator|acceptor)(?: step \d)?: context established")
REFUSED = re.compile(r" (initiator|acceptor|-)(?: step \d)?: refused")
REQUESTED = " initiator step 1: request made"
WRONG_KEY = b"\x33" * 32


class Traced:
    """Environment, but every process is given a name, under which its trace is found afterwards."""

    def __init__(self, realm, extra_line=""):
        self.realm = realm
        self.plain = Environment(realm, mechanism_under_test(), extra_line=extra_line)
        self.apex = self.plain.mechanism == "apex"

    def __call__(self, name, **more):
        path = self.realm.path(name + ".trace")
        if not os.path.exists(path):
            # Made here and for everybody: a daemon's first process is not always the one that has the right to write.
            files.write_octets(path, b"", 0o666)
        return self.plain(**more, APEX_TRACE=path)

    def trace(self, name):
        return self.realm.read(name + ".trace").splitlines()

    def forget(self, *names):
        """Empties traces, so that a case sees its own lines only."""
        for name in names:
            files.write_octets(self.realm.path(name + ".trace"), b"", 0o666)

    def must_have_served(self, initiator=None, acceptor=None, requester=None):
        """Only mech_apex.so writes traces, so a line about a context in a program's own trace proves that it served.

        A requester is an initiator that does not look at the answer.
        """
        if not self.apex:
            return
        if requester is not None and REQUESTED not in "\n".join(self.trace(requester)):
            raise Failure("%s was not served by Apex: %s" % (requester, self.trace(requester)[-5:]))
        for role, name in (("initiator", initiator), ("acceptor", acceptor)):
            if name is not None and role not in ESTABLISHED.findall("\n".join(self.trace(name))):
                raise Failure("%s was not served by Apex as %s: %s" % (name, role, self.trace(name)[-5:]))

    def must_have_refused(self, name):
        if self.apex and not REFUSED.search("\n".join(self.trace(name))):
            raise Failure("Apex refused nothing in %s: %s" % (name, self.trace(name)[-5:]))


class Daemon:
    """A program that runs until the case ends; its output goes to <name>.log of the realm."""

    def __init__(self, realm, name, command, env, port=None, user=None, signal=None, patience=15.0, **more):
        self.realm = realm
        self.log = name + ".log"
        self.port = port
        self.signal = signal
        if user is not None:
            more.update(user=user, group=user, extra_groups=[])
        self.process = realm.spawn(command, env, output=self.log, start_new_session=True, **more)
        if port is not None and not wait_for_port(port, self.process, patience):
            end_process(self.process)
            raise Failure("%s did not start: %s" % (name, self.told()[-1500:]))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.signal is not None and self.process.poll() is None:
            self.process.send_signal(self.signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        end_process(self.process)
        return False

    def told(self, since=0):
        return self.realm.read(self.log)[since:]


def run(command, env, text=None, patience=60, **more):
    """Runs a client to its end; (status, standard output and error output together)."""
    done = subprocess.run(command, env=env, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=patience, **({"stdin": subprocess.DEVNULL} if text is None else {}), **more)
    return done.returncode, done.stdout


def within(seconds, question):
    """Asks until the answer is true, since logs are written a little later; the last answer."""
    deadline = time.monotonic() + seconds
    answer = question()
    while not answer and time.monotonic() < deadline:
        time.sleep(0.05)
        answer = question()
    return answer


def show(who, text, *words):
    """Prints the lines with one of the words: what a person is told. They must be there."""
    lines = [line for line in text.splitlines() if any(word in line for word in words)]
    if not lines:
        raise Failure("%s does not tell of %s: %s" % (who, " or ".join(words), text[-1500:]))
    for line in lines[-3:]:
        print("#   %s: %s" % (who, line.strip()), flush=True)


def expect(condition, why):
    if not condition:
        raise Failure(why)


def wrong_keytab(realm, principal):
    """A keytab that has the principal with a key that is not the KDC's."""
    return files.write_keytab(realm.path("wrong.keytab"), principal + "@APEX.TEST", 1, 18, WRONG_KEY)


def absent(programs):
    """Those of the programs, given as paths or names, that this machine lacks."""
    return [program for program in programs if not shutil.which(program, path=SBIN) and not os.path.exists(program)]


def play(title, packages, needed, cases, root=True, realm=Realm):
    """The main program of a script: cases(report, realm, traced) in a fresh realm, or a skip with its reason."""
    turn_sigterm_into_exit()
    report = Report()
    lacking = absent(needed)
    if lacking:
        report.skip(title, "%s missing; packages %s" % (", ".join(lacking), ", ".join(packages)))
    elif root and os.geteuid() != 0:
        report.skip(title, "needs root, for a daemon under an account of its own")
    else:
        with realm() as fresh:
            cases(report, fresh, Traced(fresh))
    return report.finish()
