#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs every interop test, one after another, and prints the sum.

Environment: APEX_MODULE, the absolute path of mech_apex.so (without it MIT's own mechanism is tested, which proves the
tests); APEX_BUILD, where the peers are compiled (else a temporary directory); APEX_KEEP keeps the realms' directories.
Arguments choose scripts, for example `runall.py t_ssh t_http`.
"""
import os
import re
import signal
import subprocess
import sys
import time

from peer import build_directory
from report import summary
from realm import mechanism_under_test, turn_sigterm_into_exit

HERE = os.path.dirname(os.path.abspath(__file__))
# Script and the seconds it may take; about ten times what it needs.
SCRIPTS = [("t_refusals", 90), ("t_clock", 60), ("t_programs", 60), ("t_flags", 60), ("t_own", 60),
           ("t_delegation", 60), ("t_spnego", 60), ("t_samples", 60), ("t_ssh", 120), ("t_http", 90), ("t_matrix", 300),
           ("t_differential", 300)]


def end_group(process):
    """Ends a script; it then cleans up by itself, and only if it does not, its whole group is killed."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_script(name, seconds):
    """(passed, failed, skipped) of one script; a script that ends early, late or without its sum counts as a failure."""
    process = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, name + ".py")], stdout=subprocess.PIPE,
                               text=True, start_new_session=True)
    passed, failed, skipped, summed = 0, 0, 0, False
    deadline = time.monotonic() + seconds

    def expire(_number, _frame):
        raise TimeoutError

    signal.signal(signal.SIGALRM, expire)
    signal.alarm(max(1, int(deadline - time.monotonic())))
    try:
        for line in process.stdout:
            found = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\n", line)
            if found:
                passed, failed, skipped = (int(number or 0) for number in found.groups())
                summed = True
            elif not line.startswith("ok ") or os.environ.get("APEX_VERBOSE"):
                print("  " + line.rstrip(), flush=True)
        process.wait()
    except TimeoutError:
        print("  not ok %s: took longer than %d s" % (name, seconds), flush=True)
    finally:
        signal.alarm(0)
        if process.poll() is None:
            end_group(process)
        process.stdout.close()
    if not summed or (process.returncode != 0 and failed == 0):
        print("  not ok %s: ended with status %s" % (name, process.returncode), flush=True)
        failed += 1
    return passed, failed, skipped


def main(chosen):
    turn_sigterm_into_exit()
    build_directory()
    print("mechanism under test: %s" % (os.environ.get("APEX_MODULE") or mechanism_under_test()), flush=True)
    total = [0, 0, 0]
    for name, seconds in SCRIPTS:
        if chosen and name not in chosen:
            continue
        begun = time.monotonic()
        print(name, flush=True)
        counted = run_script(name, seconds)
        total = [sum(pair) for pair in zip(total, counted)]
        print("  %s: %s, %.1f s" % (name, summary(*counted), time.monotonic() - begun), flush=True)
    print(summary(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
