#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds COVERAGE.md, the table of what a Kerberos mechanism does, against rows.tsv and the tests that it names.

rows.tsv has one line for each row of the checklist: its number, the behaviour, its kind, the file and the name of the test that
shows it, and a remark. A row may name several tests, separated by " | ", with one file for all or one for each. In the
name of a test what stands in braces is made up by the program when it runs; the rest must stand in its source.

Without arguments everything is checked; where this build has a log of a test that is newer than its source, the named test
must have passed in it. --write makes COVERAGE.md anew.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ROWS = os.path.join(HERE, "rows.tsv")
PAGE = os.path.join(TOP, "COVERAGE.md")
COUNT = 172
KINDS = {
    "apex": "",
    "mechglue": "decided by the mechglue",
    "different": "different on purpose",
    "open": "open",
}
HEAD = """# Coverage

What a Kerberos mechanism under MIT's mechglue does, behaviour by behaviour, and the test that would fail if Apex did not.
`make check` holds this table against the tests: each of them must exist, and pass. It is made from `tests/coverage/rows.tsv`
by `tests/coverage/check.py --write`.

Three kinds of rows are marked. *Decided by the mechglue*: no mechanism can change it; the test shows what programs meet.
*Different on purpose*: Apex does not do what MIT's built-in mechanism does, for the reason given. *Open*: not shown yet.

| # | Behaviour | Test | Remark |
|---|---|---|---|
"""


class Row:
    """One line of rows.tsv."""

    def __init__(self, line):
        fields = line.rstrip("\n").split("\t")
        if len(fields) != 6:
            raise ValueError("%d fields instead of 6: %s" % (len(fields), line.strip()[:60]))
        number, self.item, self.kind, files, names, self.remark = fields
        self.number = int(number)
        files = files.split(" | ") if files else []
        names = names.split(" | ") if names else []
        if len(files) == 1:
            files *= len(names)
        if len(files) != len(names):
            raise ValueError("row %d: %d files for %d tests" % (self.number, len(files), len(names)))
        self.tests = [Test(*pair) for pair in zip(files, names)]

    def complaint(self):
        """What is wrong with the row itself, or None."""
        if self.kind not in KINDS:
            return "kind %r" % self.kind
        if not self.item:
            return "says nothing"
        if self.kind != "apex" and not self.remark:
            return "is %s without a reason" % self.kind
        if self.kind == "open" and self.tests:
            return "is open and names a test"
        if self.kind != "open" and not self.tests:
            return "names no test"
        return None

    def markdown(self):
        marks = [KINDS[self.kind]] if KINDS[self.kind] else []
        marks = ["*%s*" % mark for mark in marks] + ([self.remark] if self.remark else [])
        tests = "<br>".join(test.markdown() for test in self.tests)
        return "| %d | %s | %s | %s |\n" % (self.number, self.item, tests, ": ".join(marks))


class Test:
    """A test by file and name."""

    def __init__(self, file, name):
        self.file = file
        self.name = name
        self.path = os.path.join(TOP, file)

    def markdown(self):
        return "`%s`: %s" % (self.file, self.shown_name())

    def shown_name(self):
        return re.sub("[{}]", "", self.name)

    def complaint(self):
        """Why the source does not have this test, or None."""
        if not os.path.isfile(self.path):
            return "there is no " + self.file
        with open(self.path, encoding="utf-8") as file:
            source = file.read()
        for part in self.parts():
            if part not in source:
                return "%s does not have %r" % (self.file, part)
        return None

    def parts(self):
        """What must stand in the source."""
        if self.file.endswith(".cpp"):
            fixture, method = self.name.split("::")
            return ["class %s " % fixture, "CPPUNIT_TEST(%s)" % method, "void %s()" % method]
        return [part for part in re.split(r"\{[^}]*\}", self.name) if part]

    def logs(self, build):
        """The logs of this build that would tell of the test."""
        if self.file.endswith(".cpp"):
            return [os.path.join(build, name) for name in sorted(os.listdir(build))
                    if name.endswith(".log") and name != "config.log" and name != "test-suite.log"]
        return [os.path.join(build, os.path.splitext(self.file)[0] + ".log")]

    def line(self):
        """What a log has of the test: a pattern whose group is the result."""
        name = re.escape(self.shown_name())
        if self.file.endswith(".cpp"):
            return r"^(?:.*::)?%s : (OK|.+)$" % name
        if self.file.endswith(".sh"):
            return r"^\d+ passed, (\d+) failed"
        return r"^(ok|not ok|skip) %s(?:: .*)?$|^%s \(.*\.\.\. (ok|skip|.+)" % (name, name)

    def result(self, build):
        """"passed", "skipped", "unknown" where there is no log, or what the log says instead."""
        if not os.path.isdir(build):
            return "unknown"
        found = "unknown"
        for log in self.logs(build):
            if not os.path.isfile(log) or os.path.getmtime(log) < os.path.getmtime(self.path):
                continue
            with open(log, encoding="utf-8", errors="replace") as file:
                match = re.search(self.line(), file.read(), re.M)
            if match:
                words = [word for word in match.groups() if word]
                return {"ok": "passed", "OK": "passed", "0": "passed", "skip": "skipped"}.get(words[0], words[0])
            if not self.file.endswith(".cpp"):
                found = "is not in " + os.path.basename(log)
        return found


def read_rows():
    with open(ROWS, encoding="utf-8") as file:
        return [Row(line) for line in file if line.strip() and not line.startswith("#")]


def page(rows):
    kinds = [row.kind for row in rows]
    tail = "\n%d rows: %s.\n" % (len(rows), ", ".join("%d %s" % (kinds.count(kind), text) for kind, text in (
        ("apex", "shown"), ("mechglue", "decided by the mechglue"), ("different", "different on purpose"), ("open", "open"))))
    return HEAD + "".join(row.markdown() for row in rows) + tail


def judge(row, build):
    """(result, why) of one row: "passed", "failed" or "skipped"."""
    why = row.complaint()
    if why:
        return "failed", why
    if row.kind == "open":
        return "skipped", row.remark
    result = "passed", ""
    for test in row.tests:
        why = test.complaint()
        if why:
            return "failed", why
        outcome = test.result(build)
        if outcome == "skipped":
            result = "skipped", test.shown_name() + " was skipped"
        elif outcome not in ("passed", "unknown"):
            return "failed", "%s: %s" % (test.shown_name(), outcome)
    return result


def check(rows):
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def count(result, name, why):
        counts[result] += 1
        if result != "passed":
            print("%s %s: %s" % ("not ok" if result == "failed" else "skip", name, why))

    for row in rows:
        count(*(lambda result, why: (result, "row %d" % row.number, why))(*judge(row, os.environ.get("APEX_BUILD", "."))))
    numbers = [row.number for row in rows]
    if numbers != list(range(1, COUNT + 1)):
        missing = sorted(set(range(1, COUNT + 1)) - set(numbers))
        count("failed", "the rows are 1 to %d, in order" % COUNT, "missing: %s" % missing)
    with open(PAGE, encoding="utf-8") as file:
        if file.read() != page(rows):
            count("failed", "COVERAGE.md is as rows.tsv says", "run tests/coverage/check.py --write")
        else:
            count("passed", "COVERAGE.md is as rows.tsv says", "")
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


def main(words):
    rows = read_rows()
    if words == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page(rows))
        return 0
    return check(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
