#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What GSS-API calls cost under Apex, MIT's built-in mechanism and Heimdal, in turn in one run, and what OpenSSL needs for
the cipher and the hash alone. Compare the columns of one run; the digits themselves belong to the machine.

Arguments: works of gss_bench.c, all if none are given. Environment: APEX_MODULE; BENCH_ROUNDS (3), BENCH_SECONDS of each
work in each round (0.3), BENCH_TYPES, numbers of encryption types (18 20).
"""
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))

from peer import PACKAGES, build_directory, is_stale
from realm import ENCTYPES, HOST, Environment, Realm, served_by_apex, turn_sigterm_into_exit

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
SIZES = (64, 1024, 65536, 1048576)
CONTEXTS = ("handshake", "acquire", "threads-1", "threads-2", "transfer")
SERVERS = ("apex", "mit", "heimdal")
COLUMNS = SERVERS + ("limit",)
# Heimdal's own form of a transfer is its own; MIT's and Apex's transfers go through the mechglue.
ORDER = ("init", "accept") + CONTEXTS


def works_of(arguments):
    messages = ["%s-%d" % (kind, size) for kind in ("wrap", "unwrap", "mic", "verify") for size in SIZES]
    return arguments or [*CONTEXTS, *messages, *("%s-%d" % (kind, size) for kind in ("iov-wrap", "iov-unwrap")
                                                 for size in SIZES[2:])]


def build(name, source, *flags):
    program = os.path.join(build_directory(), name)
    sources = [os.path.join(HERE, file) for file in (source, "gss_calls.h")]
    if is_stale(program, sources):
        subprocess.check_call(["cc", *FLAGS, sources[0], "-o", program, *flags])
    return program


def build_against(implementation, program="gss_bench"):
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", PACKAGES[implementation]], text=True).split()
    return build("%s_%s" % (program, implementation), program + ".c", "-DPEER_" + implementation.upper(), *flags)


def read_lines(process, by_apex):
    """{work: median} of a program's output, and whether the mechanism was the right one."""
    found = {}
    for line in process.stdout:
        work, _, median, low, high = line.split()
        found[work] = (float(median), float(low), float(high))
    if by_apex is not None and process.poll() is None and served_by_apex(process.pid) != by_apex:
        raise RuntimeError("the module %s, wrongly" % ("does not serve" if by_apex else "serves"))
    process.stdin.close()
    if process.wait() != 0:
        raise RuntimeError("%s ended with %d" % (process.args[0], process.returncode))
    return found


def measure(column, programs, environments, enctype, seconds, works):
    first = str(enctype) if column == "limit" else "type%d@%s" % (enctype, HOST)
    command = [programs[column], first, str(seconds), *works]
    with subprocess.Popen(command, env=environments.get(column), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        return read_lines(process, {"limit": None, "heimdal": None}.get(column, column == "apex"))


def show(enctype, results):
    """A table: medians over the rounds in microseconds, and how many times as long as Apex the others take."""
    print("\n%s; microseconds, and times Apex's" % ENCTYPES[enctype])
    print("%-18s %10s %10s %7s %10s %7s %10s %7s" % ("work", "apex", "mit", "", "heimdal", "", "limit", ""))
    names = [work for rounds in results.values() for each in rounds for work in each]
    for work in sorted(set(names), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), names.index(name))):
        medians = {column: statistics.median(each[work][0] for each in rounds) / 1000
                   for column, rounds in results.items() if rounds and work in rounds[0]}
        cells = ["%10.2f" % medians["apex"] if "apex" in medians else " " * 10]
        for column in COLUMNS[1:]:
            cells.append("%10.2f %6.2fx" % (medians[column], medians[column] / medians["apex"])
                         if {column, "apex"} <= set(medians) else " " * 18)
        print("%-18s %s" % (work, " ".join(cells)), flush=True)


def spread(results):
    """The largest quartile distance among Apex's works, in parts of the median: how noisy the machine was."""
    shares = [(high - low) / median for each in results["apex"] for median, low, high in each.values()]
    return "quartiles lie up to %.0f %% apart, half of them within %.0f %%" % (100 * max(shares),
                                                                             100 * statistics.median(shares))


def main(arguments):
    turn_sigterm_into_exit()
    rounds, seconds = int(os.environ.get("BENCH_ROUNDS", "3")), float(os.environ.get("BENCH_SECONDS", "0.3"))
    types = [int(word) for word in os.environ.get("BENCH_TYPES", "18 20").split()]
    works = works_of(arguments)
    programs = {"apex": build_against("mit"), "mit": build_against("mit"), "heimdal": build_against("heimdal"),
                "limit": build("cipher_limit", "cipher_limit.c", "-lcrypto")}
    with Realm() as realm:
        realm.add_user()
        for enctype in types:
            realm.add_service("type%d/%s" % (enctype, HOST), [enctype])
        realm.kinit()
        for enctype in types:
            # The first of the list is what both sides negotiate for messages (RFC 4537).
            listed = [ENCTYPES[enctype], *(name for number, name in ENCTYPES.items() if number != enctype)]
            configuration = realm.configuration("krb5.%d.conf" % enctype, enctypes=" ".join(listed))
            environments = {column: Environment(realm, column)(KRB5_CONFIG=configuration) for column in SERVERS}
            realm.kadmin("setstr type%d/%s session_enctypes %s" % (enctype, HOST, ENCTYPES[enctype]))
            realm.fetch_ticket("type%d/%s" % (enctype, HOST))
            results = {column: [] for column in COLUMNS}
            for _ in range(rounds):
                for column in COLUMNS:
                    results[column].append(measure(column, programs, environments, enctype, seconds, works))
            show(enctype, results)
            print(spread(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
