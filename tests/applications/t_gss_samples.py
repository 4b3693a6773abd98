#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gss-client and gss-server of krb5-gss-samples with the options that tests/interop/t_samples.py leaves out."""
import socket
import subprocess
import sys

from program import Daemon, expect, free_port, play, run, show, within, wrong_keytab
import t_samples
from t_samples import MESSAGE, SAW_MESSAGE, SERVICE, VERIFIED

PACKAGES = ("krb5-gss-samples",)
ALICE = "alice@APEX.TEST"
# name, options of the client, options of the server, lines the client must print, lines the server must print
CASES = [
    ("-krb5", ["-krb5"], [], [VERIFIED], [SAW_MESSAGE, ALICE]),
    ("-dce", ["-dce"], [], [VERIFIED], [SAW_MESSAGE, ALICE]),
    ("-dce with SPNEGO", ["-dce", "-spnego"], [], [VERIFIED], [SAW_MESSAGE, ALICE]),
    ("-q with many messages", ["-q", "-mcount", "3"], [], [], [SAW_MESSAGE]),
    ("-nomutual, -seq and -d at once", ["-nomutual", "-seq", "-d"], [], [VERIFIED], [SAW_MESSAGE, "GSS_C_DELEG_FLAG"]),
    ("-nw, -nx and -nm at once", ["-nw", "-nx", "-nm"], [], [], [SAW_MESSAGE]),
    ("-user and -pass with -spnego", ["-spnego", "-user", "alice", "-pass", "secret"], [], [VERIFIED], [SAW_MESSAGE, ALICE]),
    ("-export with -spnego", ["-spnego"], ["-export"], [VERIFIED], [SAW_MESSAGE]),
    ("-export with -dce", ["-dce"], ["-export"], [VERIFIED], [SAW_MESSAGE]),
    ("-export with -nomutual and -seq", ["-nomutual", "-seq"], ["-export"], [VERIFIED], [SAW_MESSAGE]),
]


def client(traced, port, *options, message=MESSAGE, service=SERVICE, **settings):
    traced.forget("gss-client")
    return run(["gss-client", "-port", str(port), *options, "localhost", service, message], traced("gss-client", **settings))


def file_and_logfile(realm, traced):
    """-f sends a file's octets, -logfile and -once are the server's."""
    letter, log, port = realm.write("letter", "octets of a file\n" * 500), realm.path("gss.log"), free_port()
    with Daemon(realm, "gss-server.once", ["gss-server", "-port", str(port), "-once", "-verbose", "-logfile", log, SERVICE],
                traced("gss-server"), port=None) as server:
        within(5, lambda: listens(port))
        status, told = client(traced, port, "-f", message=letter)
        expect(status == 0 and VERIFIED in told, "gss-client: " + told)
        server.process.wait(5)
    expect(realm.read("gss.log").count("octets of a file") == 500, "the server's log lacks the file")
    traced.must_have_served("gss-client", "gss-server")


def listens(port):
    """As the kernel's table has it: -once counts every connection."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A" for line in table.readlines()[1:])


def inetd(realm, traced):
    """-inetd finds the connection at its standard input."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = realm.spawn(["gss-client", "-port", str(listener.getsockname()[1]), "localhost", SERVICE, MESSAGE],
                            traced("gss-client"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        connection, _ = listener.accept()
        with connection, open(realm.path("inetd.err"), "wb") as errors:
            server = subprocess.Popen(["gss-server", "-inetd", "-logfile", realm.path("inetd.log"), SERVICE], stdin=connection,
                                      stdout=connection, stderr=errors, env=traced("gss-server.inetd"))
        told = begun.communicate(timeout=20)[0]
        expect(server.wait(10) == 0 and begun.returncode == 0 and VERIFIED in told, told + realm.read("inetd.err"))
    traced.must_have_served("gss-client", "gss-server.inetd")


def other_keytab(realm, traced):
    """-keytab wins over the environment's, which holds a wrong key; without it that one is taken and refuses."""
    wrong, right = wrong_keytab(realm, "host/localhost"), realm.keytab
    for name, options, works in (("right", ["-keytab", right], True), ("wrong", [], False)):
        port, trace = free_port(), "gss-server." + name
        with Daemon(realm, trace, ["stdbuf", "-oL", "gss-server", "-port", str(port), *options, SERVICE],
                    traced(trace, keytab=wrong), port) as server:
            _, told = client(traced, port)
            expect((VERIFIED in told) == works, "gss-client: " + told)
            if works:
                traced.must_have_served("gss-client", trace)
                continue
            traced.must_have_refused(trace)
            show("gss-client", told, "GSS-API error")
            within(3, lambda: "decrypt" in server.told())
            show("gss-server", server.told(), "decrypt")


def beside_apex(traced, client_options, server_options, client_lines):
    """What is not Apex's work goes on as it did. (-v1 works with nobody: its two ends of 1.20.1 disagree.)"""
    port = free_port()
    with Daemon(traced.realm, "gss-server.beside", ["stdbuf", "-oL", "gss-server", "-port", str(port), "-verbose",
                                                    *server_options, SERVICE], traced("gss-server.beside"), port) as server:
        status, told = client(traced, port, *client_options)
        expect(status == 0 and client_lines in told, "gss-client: " + told)
        expect(within(3, lambda: SAW_MESSAGE in server.told()), "gss-server: " + server.told()[-800:])


def another_service(realm, traced):
    realm.add_service("other/localhost")
    port = free_port()
    with Daemon(realm, "gss-server.host", ["stdbuf", "-oL", "gss-server", "-port", str(port), SERVICE],
                traced("gss-server.host"), port) as server:
        _, told = client(traced, port, service="other@localhost")
        expect(VERIFIED not in told, "gss-client got in: " + told)
        show("gss-client", told, "GSS-API error")
        within(3, lambda: "GSS-API error" in server.told())
        show("gss-server", server.told(), "other/localhost")
    traced.must_have_refused("gss-server.host")


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service("host/localhost")
    realm.kinit("alice")
    for number, (name, *case) in enumerate(CASES):
        report.case("gss-client to gss-server: " + name, t_samples.run_case, realm, traced.plain, number, *case)
    report.case("gss-client to gss-server: -f, -once and -logfile", file_and_logfile, realm, traced)
    report.case("gss-client to gss-server: -inetd", inetd, realm, traced)
    report.case("gss-client to gss-server: -keytab, and a wrong key is refused", other_keytab, realm, traced)
    report.case("gss-client to gss-server: -iakerb, which is MIT's", beside_apex, traced,
                ["-iakerb", "-user", "alice", "-pass", "secret"], ["-iakerb"], VERIFIED)
    report.case("gss-client to gss-server: -na, without any mechanism", beside_apex, traced, ["-na"], [],
                "Response received.")
    report.case("gss-client to gss-server: a ticket for another service is refused", another_service, realm, traced)


if __name__ == "__main__":
    sys.exit(play("gss-samples", PACKAGES, ("gss-client", "gss-server"), cases, root=False))
