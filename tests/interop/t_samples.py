#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gss-client and gss-server of krb5-gss-samples, unmodified, with their main options."""
import subprocess
import sys
import time

from report import Report, Skipped
from peer import Failure
from realm import (USER, Environment, Realm, end_process, free_port, mechanism_under_test, turn_sigterm_into_exit,
                   wait_for_port)
from watch import Relay

SERVICE = "host@localhost"
MESSAGE = "a message for the server"
# What the server says where the mechanism has no gss_export_sec_context at all.
NO_EXPORT = "exporting context: The operation or option is not available"
# name, options of the client, options of the server, lines the client must print, lines the server must print
VERIFIED = 'Signature verified.'
SAW_MESSAGE = 'Received message: "%s"' % MESSAGE
CASES = [
    ("plain", [], [], ["GSS_C_MUTUAL_FLAG", VERIFIED], [SAW_MESSAGE, "alice@APEX.TEST"]),
    ("mechanism by OID", ["-mech", "{ 1 2 840 113554 1 2 2 }"], [], [VERIFIED], [SAW_MESSAGE]),
    ("SPNEGO", ["-spnego"], [], [VERIFIED], [SAW_MESSAGE, "alice@APEX.TEST"]),
    ("delegation", ["-d"], [], ["GSS_C_DELEG_FLAG", VERIFIED], [SAW_MESSAGE, "GSS_C_DELEG_FLAG"]),
    ("sequence", ["-seq"], [], [VERIFIED], ["GSS_C_SEQUENCE_FLAG"]),
    ("no replay detection", ["-noreplay"], [], [VERIFIED], [SAW_MESSAGE]),
    ("not mutual", ["-nomutual"], [], [VERIFIED], [SAW_MESSAGE]),
    ("unsealed", ["-nx"], [], [VERIFIED], [SAW_MESSAGE, "GSS_C_INTEG_FLAG"]),
    ("not wrapped", ["-nw"], [], [VERIFIED], [SAW_MESSAGE]),
    ("no MIC", ["-nm"], [], [], [SAW_MESSAGE]),
    ("many messages", ["-mcount", "5"], [], [VERIFIED], [SAW_MESSAGE]),
    ("many connections", ["-ccount", "5"], [], [VERIFIED], [SAW_MESSAGE]),
    ("password", ["-user", USER, "-pass", "secret"], [], [VERIFIED], [SAW_MESSAGE, "alice@APEX.TEST"]),
    ("exported and imported context", [], ["-export"], [VERIFIED], [SAW_MESSAGE]),
    ("SPNEGO, delegation and sequence", ["-spnego", "-d", "-seq"], [], [VERIFIED],
     ["GSS_C_DELEG_FLAG", "GSS_C_SEQUENCE_FLAG"]),
]


def run_client(realm, env, port, options, relay):
    command = ["gss-client", "-port", str(port), *options, "localhost", SERVICE, MESSAGE]
    client = realm.spawn(command, env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True)
    relay.watch(client.pid)
    try:
        output = client.communicate(timeout=20)[0]
    except subprocess.TimeoutExpired as error:
        raise Failure("gss-client does not end") from error
    finally:
        end_process(client)
    return client.returncode, output


def read_when_written(realm, log, lines):
    """The server (line-buffered by stdbuf) may write its last line after the end of the client."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not all(line in realm.read(log) for line in lines):
        if NO_EXPORT in realm.read(log):
            break
        time.sleep(0.02)
    return realm.read(log)


def run_case(realm, environment, number, options, server_options, client_lines, server_lines):
    port = free_port()
    log = "gss-server.%d" % number
    env = environment()
    server = realm.spawn(["stdbuf", "-oL", "gss-server", "-port", str(port), "-verbose", *server_options, SERVICE],
                         env, output=log)
    if not wait_for_port(port, server):
        raise Failure("gss-server did not start: " + realm.read(log))
    try:
        with Relay(port, server.pid) as relay:
            status, output = run_client(realm, env, relay.port, options, relay)
        told = read_when_written(realm, log, server_lines)
    finally:
        end_process(server)
    if environment.mechanism == "apex" and NO_EXPORT in told:
        raise Skipped("the module does not export gss_export_sec_context")
    if status != 0:
        raise Failure("gss-client ended with %d: %s; server: %s" % (status, output[-400:], told[-400:]))
    for line in client_lines:
        if line not in output:
            raise Failure("gss-client did not print %r: %s" % (line, output[-600:]))
    for line in server_lines:
        if line not in told:
            raise Failure("gss-server did not print %r: %s" % (line, told[-600:]))
    if environment.mechanism == "apex" and not (relay.client_seen and relay.server_seen):
        raise Failure("not served by Apex: client %s, server %s" % (relay.client_seen, relay.server_seen))


def refused_without_credentials(realm, environment):
    port = free_port()
    server = realm.spawn(["gss-server", "-port", str(port), SERVICE], environment(), output="gss-server.refuses")
    if not wait_for_port(port, server):
        raise Failure("gss-server did not start: " + realm.read("gss-server.refuses"))
    try:
        with Relay(port, server.pid) as relay:
            _, output = run_client(realm, environment(ccache=realm.path("none")), relay.port, [], relay)
    finally:
        end_process(server)
    if VERIFIED in output or "GSS-API error initializing context" not in output:
        raise Failure("gss-client was not refused: " + output)
    if realm.path("none") not in output:
        raise Failure("the text does not name the credential cache: " + output)


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        realm.add_user()
        realm.add_service("host/localhost")
        realm.kinit()
        environment = Environment(realm, mechanism_under_test())
        for number, (name, *case) in enumerate(CASES):
            report.case("gss-client to gss-server: " + name, run_case, realm, environment, number, *case)
        report.case("gss-client without credentials is refused", refused_without_credentials, realm, environment)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
