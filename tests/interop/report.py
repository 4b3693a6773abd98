# SPDX-License-Identifier: MIT
"""The lines that every test prints: `ok name`, `not ok name: why`, `skip name: why`, and the sum."""
import sys

sys.dont_write_bytecode = True


def summary(passed, failed, skipped):
    """The last line of every script and of runall.py."""
    return "%d passed, %d failed" % (passed, failed) + (", %d skipped" % skipped if skipped else "")


class Skipped(Exception):
    """Raised by a case that cannot be tried here; the text is the reason."""


class Report:
    """Counts the cases of one script; finish() prints the sum and returns the exit status."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def ok(self, name):
        self.passed += 1
        print("ok " + name, flush=True)

    def not_ok(self, name, why):
        self.failed += 1
        print("not ok %s: %s" % (name, " ".join(str(why).split())), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print("skip %s: %s" % (name, why), flush=True)

    def case(self, name, function, *arguments):
        """Runs one case; any exception is its failure, and the next case still runs."""
        try:
            function(*arguments)
        except Skipped as why:
            self.skip(name, why)
            return False
        except Exception as error:
            self.not_ok(name, "%s: %s" % (type(error).__name__, error) if str(error) else type(error).__name__)
            return False
        self.ok(name)
        return True

    def finish(self):
        print(summary(self.passed, self.failed, self.skipped), flush=True)
        return 1 if self.failed or not self.passed + self.skipped else 0
