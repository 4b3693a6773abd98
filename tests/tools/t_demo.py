#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demonstration comes out as promised, in less than 30 seconds, and leaves nothing behind."""
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
from report import Report

DEMO = [sys.executable, "-B", os.path.join(HERE, "demo.py")]
LIMIT = 30.0
SKIPPED = 77
FOLDERS = ("/run", "/dev", "/etc/gss", "/etc/gss/mech.d")
FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/hosts")
PR_SET_CHILD_SUBREAPER = 36


def surroundings():
    """What the demonstration uses for itself and must not change for others."""
    seen = {folder: sorted(name for name in os.listdir(folder) if re.search("apex|sshd|etc|mech|log$", name))
            for folder in FOLDERS if os.path.isdir(folder)}
    seen.update({name: os.stat(name).st_mtime_ns for name in FILES})
    return seen


def processes_left():
    """Whether a process of the demonstration lives on: orphans become our children, see main."""
    try:
        while True:
            number, _ = os.waitpid(-1, os.WNOHANG)
            if number == 0:
                return True
    except ChildProcessError:
        return False


class Run:
    """One run of the demonstration, with what it printed and how long it took."""

    def __init__(self, *arguments):
        started = time.monotonic()
        done = subprocess.run([*DEMO, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=180)
        self.seconds = time.monotonic() - started
        self.status = done.returncode
        self.text = done.stdout

    def has(self, pattern, least=1):
        count = len(re.findall(pattern, self.text, re.M))
        if count < least:
            raise AssertionError(f"{count} times, not {least}: {pattern}")


def comes_out(run):
    if run.status != 0:
        raise AssertionError(f"status {run.status}; the end: {run.text[-3000:]}")


def is_quick(run):
    if run.seconds >= LIMIT:
        raise AssertionError(f"{run.seconds:.1f} seconds")


def shows_the_login(run):
    run.has(r"^ +alice$")
    run.has(r"krbtgt/APEX\.TEST@APEX\.TEST")
    run.has(r"^ +X-Logged-In-As: alice$")


def shows_the_six_steps(run):
    for step, side in ((1, "client"), (2, "server"), (3, "server"), (4, "server"), (5, "server"), (6, "client")):
        run.has(rf"^ +step {step} +{side} ")
    for fact in ("client", "service", "kvno", "ticket-enctype", "session-enctype", "clock-difference", "flags"):
        run.has(rf"^ +{fact} = \S")


def proves_that_apex_served(run):
    for who in (r"this machine", r"process \d+ \(ssh\)", r"process \d+ \(sshd\)", r"process \d+ \(curl\)",
                r"process \d+ \(apache2\)"):
        run.has(rf"Kerberos on {who}: Apex \S+ answers")


def shows_three_refusals(run):
    run.has(r"^== Refusal [123]", 3)
    run.has(r"^ +The answer: HTTP status 401", 3)
    run.has(r"apex\[\d+\]: .*refused as acceptor: ", 3)


def leaves_no_process():
    deadline = time.monotonic() + 5
    while processes_left():
        if time.monotonic() > deadline:
            raise AssertionError("a process of the demonstration lives on")
        time.sleep(0.05)


def leaves_no_trace(before):
    after = surroundings()
    if before != after:
        raise AssertionError(f"before {before}, after {after}")


def says_that_nothing_is_built():
    with tempfile.TemporaryDirectory() as empty:
        run = Run("--build", empty)
    if run.status == 0 or "bootstrap build" not in run.text:
        raise AssertionError(f"status {run.status}: {run.text}")


def main():
    report = Report()
    if os.geteuid() != 0:
        print("skip: needs root, for a mount namespace and for sshd")
        return SKIPPED
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    before = surroundings()
    run = Run("--build", os.environ.get("APEX_BUILD", "."))
    print(run.text)
    for function in (comes_out, is_quick, shows_the_login, shows_the_six_steps, proves_that_apex_served,
                     shows_three_refusals):
        report.case(function.__name__, function, run)
    report.case("leaves_no_process", leaves_no_process)
    report.case("leaves_no_trace", leaves_no_trace, before)
    report.case("says_that_nothing_is_built", says_that_nothing_is_built)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
