#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bounds on what calls cost, in counts that no noise changes: system calls, allocations, instructions.

gss_costs.c does the works through the real mechglue and says where each operation begins and ends; strace, the program's
own malloc and callgrind count. The figure of a work is the median of its operations (of batches of four for callgrind),
so that what Apex does once a second, looking at krb5.conf again, counts in none of them. With the argument `show` the
figures of Apex and of MIT's own mechanism are printed and nothing is held against a bound.

The instructions must not depend on the processor, so OpenSSL and the C library are told to do without every extension but
AES and SSSE3, which are everywhere; callgrind knows neither the SHA nor the AVX-512 instructions in any case. The module's
own instructions are counted apart, so that those of ciphers and hashes do not hide them. Whoever makes something cheaper
lowers the bound; whoever raises one says in the commit what the instructions buy.
"""
import collections
import glob
import os
import platform
import re
import shutil
import ssl
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))

from gss_bench import build_against
from peer import Failure, build_directory
from realm import ENCTYPES, HOST, Environment, Realm, turn_sigterm_into_exit
from report import Report, Skipped

MODULE = "mech_apex.so"
MESSAGES = ["%s-%d" % (kind, size) for size in (64, 1024) for kind in ("wrap", "unwrap", "mic", "verify")]
WORKS = ["known", "init", "accept", *MESSAGES]
# The syncs of a durable replay store are not counted.
SYNCS = {"fdatasync", "fsync", "msync", "sync_file_range"}

# What do_what_is_known in gss_costs.c costs.
KNOWN = {"allocations": 3, "system calls": 2, "instructions": 10000}
SYSTEM_CALLS = {"accept": 6, "init": 4, **dict.fromkeys(MESSAGES, 0)}
# The one allocation is the buffer that the caller gets.
ALLOCATIONS = {work: 0 if work.startswith("verify") else 1 for work in MESSAGES}

# Instructions by type and work: all, and those of the module alone. Measured with g++ 12 -O2, OpenSSL 3.0 and glibc 2.36;
# ALLOWANCE comes on top. `show` prints what is measured now.
MEASURED = {
    18: {"init": (66230, 38027), "accept": (81580, 40526), "wrap-64": (7435, 2156), "unwrap-64": (8892, 3186),
         "mic-64": (5366, 1091), "verify-64": (5519, 1267), "wrap-1024": (27601, 2156),
         "unwrap-1024": (25778, 3186), "mic-1024": (20426, 1091), "verify-1024": (20579, 1267)},
    20: {"init": (80764, 38161), "accept": (96373, 40753), "wrap-64": (15180, 2172), "unwrap-64": (16726, 3291),
         "mic-64": (9443, 1078), "verify-64": (9692, 1350), "wrap-1024": (45154, 2172),
         "unwrap-1024": (43420, 3291), "mic-1024": (37901, 1078), "verify-1024": (38150, 1350)},
}
ALLOWANCE = 1.1
# The bits of CPUID leaf 1 for FXSR, SSE, SSE2, SSSE3 and AES; none of leaf 7.
BASELINE = {"OPENSSL_ia32cap": "0x200020007000000:0",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join("-" + name for name in (
                "AVX", "AVX2", "AVX512F", "AVX512VL", "AVX512BW", "BMI1", "BMI2", "ERMS", "FSRM", "LZCNT", "MOVBE", "POPCNT",
                "RTM", "SSSE3", "SSE4_1", "SSE4_2", "XSAVE", "XSAVEC", "AVX_Fast_Unaligned_Load",
                "Fast_Unaligned_Copy", "Fast_Unaligned_Load", "Fast_Copy_Backward", "Prefer_No_VZEROUPPER")),
            "LD_BIND_NOW": "1"}


def run(command, environment):
    """The program's lines, {work: allocations}."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Failure("%s ended with %d: %s" % (command[0], done.returncode, done.stderr))
    return {work: int(count) for work, count in map(str.split, done.stdout.splitlines())}


class SystemCalls:
    """Reads strace's log: {work: Counter of the calls of the operation in the middle}, and whether the module was opened."""

    def __init__(self, path):
        self.opened = False
        self.operations = collections.defaultdict(list)
        counts, calls = False, collections.Counter()
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                mark = re.match(r'\d+ +write\(-1, "([^"]*)"', line)
                call = re.match(r"\d+ +(\w+)\(", line)
                if mark is None:
                    self.opened = self.opened or MODULE in line and re.search(r"= \d+$", line) is not None
                    if counts and call is not None and call[1] not in SYNCS:
                        calls[call[1]] += 1
                    continue
                counts = mark[1] == "begin"
                if mark[1].startswith("done "):
                    self.operations[mark[1][5:]].append(calls)
                if mark[1] not in ("begin", "finish"):
                    calls = collections.Counter()

    def of(self, work):
        operations = sorted(self.operations[work], key=lambda calls: sum(calls.values()))
        if not operations:
            raise Failure("strace saw nothing of %s" % work)
        return operations[len(operations) // 2]


def instructions_of(path):
    """(trigger, all instructions, those of the module) of one of callgrind's files."""
    trigger, total, module, summed = "", 0, 0, -1
    inside = inclusive = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("desc: Trigger: Client Request: "):
                trigger = line.split(": ")[3].strip()
            elif line.startswith("totals: "):
                summed = int(line.split()[1])
            elif line.startswith("ob="):
                inside = MODULE in line
            elif line.startswith("calls="):
                inclusive = True  # the line after it has the callee's instructions once more
            elif line[0] in "0123456789+-*":
                cost = 0 if inclusive else int(line.split()[1])
                inclusive = False
                total += cost
                module += cost if inside else 0
    if total != summed:
        raise Failure("%s: the lines have %d instructions, their sum is said to be %d" % (path, total, summed))
    return trigger, total, module


class Measurement:
    """Runs the works with one mechanism and one type of encryption."""

    batch = 4  # of gss_costs.c

    def __init__(self, realm, mechanism, service, configuration):
        self.realm = realm
        self.mechanism = mechanism
        self.command = [build_against("mit", "gss_costs"), service]
        self.environment = Environment(realm, mechanism)(KRB5_CONFIG=configuration)

    def traced(self, works=WORKS):
        """(SystemCalls, {work: allocations})"""
        log = self.realm.path("strace.log")
        allocations = run(["strace", "-f", "-o", log, *self.command, *works], self.environment)
        calls = SystemCalls(log)
        if calls.opened != (self.mechanism == "apex"):
            raise Failure("the module was%s opened" % ("" if calls.opened else " not"))
        return calls, allocations

    def instructions(self, works=WORKS):
        """{work: (all instructions, those of the module)} of one operation"""
        start = self.realm.path("callgrind.out")
        for file in glob.glob(start + "*"):
            os.remove(file)
        run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--instr-atstart=no", "--compress-strings=no",
             "--callgrind-out-file=" + start, *self.command, *works], {**self.environment, **BASELINE})
        batches = collections.defaultdict(list)
        for file in glob.glob(start + ".*"):
            work, total, module = instructions_of(file)
            batches[work].append((total / self.batch, module / self.batch))
        return {work: tuple(int(statistics.median(column)) for column in zip(*batches[work])) for work in works}


def hold(report, work, what, figure, bound, detail=""):
    """A case: the figure is at most the bound. That the comparison can fail is tried with the next lower bound."""
    try:
        compare(work, what, figure, figure - 1, detail)
    except Failure as told:
        noticed = all(word in str(told) for word in (work, str(figure), str(figure - 1)))
    else:
        noticed = False
    try:
        if not noticed:
            raise Failure("a bound of %d is not noticed" % (figure - 1))
        compare(work, what, figure, bound, detail)
    except Failure as why:
        report.not_ok("%s: %s" % (work, what), why)
        return
    report.ok("%s: %s: %d, bound %d%s" % (work, what, figure, bound, detail))


def compare(work, what, figure, bound, detail):
    if figure > bound:
        raise Failure("%s takes %d %s, the bound is %d%s" % (work, figure, what, bound, detail))


def detail_of(calls):
    return " (%s)" % ", ".join("%s %d" % pair for pair in sorted(calls.items())) if calls else ""


def hold_calls(report, calls, label, works):
    for work in works:
        hold(report, label + work, "system calls", sum(calls.of(work).values()), SYSTEM_CALLS[work], detail_of(calls.of(work)))


def hold_traced(report, measurement, label):
    """System calls and allocations."""
    calls, allocations = measurement.traced()
    known = calls.of("known")
    if (allocations["known"], sum(known.values())) != (KNOWN["allocations"], KNOWN["system calls"]):
        raise Failure("what is known is counted as %d allocations and%s" % (allocations["known"], detail_of(known)))
    hold_calls(report, calls, label, SYSTEM_CALLS)
    for work, bound in ALLOCATIONS.items():
        hold(report, label + work, "allocations", allocations[work], bound)


def hold_principal(report, measurement):
    """A principal's name is not canonicalised, so it costs no more where host names are."""
    hold_calls(report, measurement.traced(["init"])[0], "a principal's name, ", ["init"])


def exceeds(measurement):
    """MIT's own mechanism takes more of everything, and the same counters see it."""
    calls, allocations = measurement.traced()
    for work in ("init", "accept"):
        if sum(calls.of(work).values()) <= SYSTEM_CALLS[work]:
            raise Failure("%s: only%s" % (work, detail_of(calls.of(work))))
    for work, bound in ALLOCATIONS.items():
        if allocations[work] <= bound:
            raise Failure("%s: only %d allocations" % (work, allocations[work]))


def countable():
    """Raises Skipped unless the bounds on instructions are meant for this machine and this build."""
    if shutil.which("valgrind") is None:
        raise Skipped("there is no valgrind")
    if platform.machine() != "x86_64":
        raise Skipped("the bounds are those of x86_64, not of " + platform.machine())
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        if not {"aes", "ssse3"} <= set(file.read().split()):
            raise Skipped("the processor lacks AES or SSSE3 instructions")
    if not ssl.OPENSSL_VERSION.startswith("OpenSSL 3.0."):
        raise Skipped("the bounds are those of OpenSSL 3.0, not of " + ssl.OPENSSL_VERSION)
    with open(os.path.join(build_directory(), "Makefile"), encoding="utf-8") as file:
        chosen = dict(re.findall(r"^(CXX|CXXFLAGS) = (.*)$", file.read(), re.MULTILINE))
    if not re.search(r"\bg\+\+", chosen["CXX"]) or "-O2" not in chosen["CXXFLAGS"].split():
        raise Skipped("the bounds are those of g++ -O2, not of %(CXX)s %(CXXFLAGS)s" % chosen)


def hold_instructions(report, measurement, enctype):
    countable()
    figures = measurement.instructions()
    known = figures.pop("known")
    if not KNOWN["instructions"] <= known[0] <= 2 * KNOWN["instructions"] or known[1] != 0:
        raise Failure("what is known is counted as %d instructions, %d of them in the module" % known)
    for work, figure in figures.items():
        label = "%s, %s" % (ENCTYPES[enctype], work)
        bounds = [int(ALLOWANCE * measured) for measured in MEASURED[enctype][work]]
        hold(report, label, "instructions", figure[0], bounds[0])
        hold(report, label, "instructions in the module", figure[1], bounds[1])


class Costs:
    """A realm with a service of each type; `of` makes measurements."""

    def __init__(self, realm):
        self.realm = realm
        realm.add_user()
        for enctype in ENCTYPES:
            realm.add_service("type%d/%s" % (enctype, HOST), [enctype])
        realm.kinit()
        for enctype, name in ENCTYPES.items():
            realm.kadmin("setstr type%d/%s session_enctypes %s" % (enctype, HOST, name))
            realm.fetch_ticket("type%d/%s" % (enctype, HOST))

    def configuration(self, enctype):
        """The first type of the list is what both sides negotiate for messages (RFC 4537)."""
        others = [name for number, name in ENCTYPES.items() if number != enctype]
        return self.realm.configuration("krb5.%d.conf" % enctype, enctypes=" ".join([ENCTYPES[enctype], *others]))

    def of(self, enctype, mechanism="apex"):
        return Measurement(self.realm, mechanism, "type%d@%s" % (enctype, HOST), self.configuration(enctype))

    def of_principal(self, enctype):
        with open(self.configuration(enctype), encoding="utf-8") as file:
            text = file.read().replace("dns_canonicalize_hostname = false", "dns_canonicalize_hostname = true")
        return Measurement(self.realm, "apex", "type%d/%s" % (enctype, HOST), self.realm.write("krb5.canonical.conf", text))


def strace_obstacle():
    """Why strace cannot be used here; some containers forbid it."""
    if shutil.which("strace") is None:
        return "there is no strace"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode != 0 else ""


def try_all(report, costs):
    obstacle = strace_obstacle()
    if obstacle:
        report.skip("system calls and allocations", obstacle)
    else:
        for enctype, name in ENCTYPES.items():
            report.case(name + ": system calls and allocations are counted",
                        hold_traced, report, costs.of(enctype), name + ", ")
        report.case("a principal's name: system calls are counted", hold_principal, report, costs.of_principal(18))
        report.case("MIT's own mechanism exceeds the bounds", exceeds, costs.of(18, "mit"))
    for enctype in MEASURED:
        report.case(ENCTYPES[enctype] + ": instructions are counted",
                    hold_instructions, report, costs.of(enctype), enctype)


def show(costs):
    """Prints the figures beside those of MIT's own mechanism."""
    head = "calls allocs instructions (module)"
    for enctype in (18, 20):
        print("%s\n%-12s apex: %s   mit: %s" % (ENCTYPES[enctype], "work", head, head))
        rows = collections.defaultdict(list)
        for mechanism in ("apex", "mit"):
            measurement = costs.of(enctype, mechanism)
            calls, allocations = measurement.traced()
            for work, counts in measurement.instructions().items():
                rows[work].append("%11d %6d %12d %8d" % (sum(calls.of(work).values()), allocations[work], *counts))
        for work, cells in rows.items():
            print("%-12s %s" % (work, "  ".join(cells)))


def main(arguments):
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        costs = Costs(realm)
        if "show" in arguments:
            show(costs)
            return 0
        try_all(report, costs)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
