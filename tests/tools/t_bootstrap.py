#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bootstrap says what is missing where it cannot install it; summary.sh adds up what the test driver left."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
sys.dont_write_bytecode = True

from report import Report


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def bootstrap(arguments, **stubs):
    """Runs bootstrap with stand-ins for programs; returns status and output."""
    with tempfile.TemporaryDirectory() as folder:
        for name, body in stubs.items():
            write(folder, name.replace("_", "-"), "#!/bin/sh\n" + body + "\n", 0o755)
        done = subprocess.run(["bash", os.path.join(TOP, "bootstrap"), *arguments], text=True,
                              env=dict(os.environ, PATH=folder + ":" + os.environ["PATH"]), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


def an_unknown_word_is_a_usage_error():
    status, text = bootstrap(["dance"])
    assert status == 2 and "usage" in text, text


def missing_packages_are_named_where_nobody_can_be_root():
    status, text = bootstrap(["install-deps"], id="echo 1000", sudo="exit 1",
                             dpkg_query='case "$4" in krb5-kdc) exit 1;; esac; echo installed', apt_get="exit 9")
    assert status == 1 and "krb5-kdc" in text and "libssl-dev" not in text, (status, text)


def nothing_is_installed_where_nothing_is_missing():
    status, text = bootstrap(["install-deps"], id="echo 1000", sudo="exit 1", dpkg_query="echo installed",
                             apt_get="exit 9")
    assert status == 0 and text == "", (status, text)


def summary(results, status=0):
    """Runs summary.sh over results {name: (driver's result, log)}; returns its status and its lines."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (result, log) in results.items():
            write(folder, name + ".trs", f":test-result: {result}\n:global-test-result: {result}\n")
            if log is not None:
                write(folder, name + ".log", log)
        done = subprocess.run(["bash", os.path.join(TOP, "tests", "summary.sh"), str(status), folder], text=True,
                              stdout=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.splitlines()


def expect_summary(results, status, last, make_status=0):
    got, lines = summary(results, make_status)
    assert (got, lines[-1]) == (status, last), (got, lines)


def counts_of_logs_and_plain_tests_are_added():
    expect_summary({"a": ("PASS", "x\n3 passed, 0 failed\n"), "b/c": ("PASS", None),
                    "d": ("PASS", "2 passed, 0 failed, 1 skipped\n")}, 0, "6 passed, 0 failed, 1 skipped")


def only_the_last_count_of_a_log_counts():
    expect_summary({"a": ("PASS", "1 passed, 0 failed\n9 passed, 0 failed\n")}, 0, "9 passed, 0 failed")


def failures_fail():
    expect_summary({"a": ("FAIL", "3 passed, 2 failed\n")}, 1, "3 passed, 2 failed")
    expect_summary({"a": ("FAIL", "no count\n"), "b": ("PASS", "")}, 1, "1 passed, 1 failed")
    expect_summary({"a": ("ERROR", None)}, 1, "0 passed, 1 failed")


def what_failed_is_shown():
    log = "Suite::one : OK\nSuite::two : assertion\nexpected 3, found 4\n" + "Suite::more : OK\n" * 30 + "1 passed, 1 failed\n"
    status, lines = summary({"a": ("FAIL", log), "b": ("PASS", "not ok shown\n1 passed, 0 failed\n")})
    assert status == 1 and "  | expected 3, found 4" in lines and "  | not ok shown" not in lines, lines


def a_test_that_failed_after_its_count_fails():
    expect_summary({"a": ("FAIL", "3 passed, 0 failed\nSegmentation fault\n")}, 1, "3 passed, 1 failed")


def a_failure_of_make_alone_fails():
    expect_summary({"a": ("PASS", None)}, 1, "1 passed, 1 failed", make_status=2)


def no_test_at_all_fails():
    expect_summary({}, 1, "0 passed, 1 failed")
    expect_summary({"a": ("SKIP", None)}, 1, "0 passed, 1 failed, 1 skipped")


def main():
    report = Report()
    for function in (an_unknown_word_is_a_usage_error, missing_packages_are_named_where_nobody_can_be_root,
                     nothing_is_installed_where_nothing_is_missing, counts_of_logs_and_plain_tests_are_added,
                     only_the_last_count_of_a_log_counts, failures_fail, what_failed_is_shown, a_test_that_failed_after_its_count_fails,
                     a_failure_of_make_alone_fails, no_test_at_all_fails):
        report.case(function.__name__, function)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
