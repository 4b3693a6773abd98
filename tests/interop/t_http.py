#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Apache with mod_auth_gssapi and curl --negotiate, both unmodified, on loopback in the temporary directory."""
import os
import pwd
import subprocess
import sys

from report import Report
from peer import Failure
from realm import (Environment, Realm, end_process, free_port, mechanism_under_test, turn_sigterm_into_exit,
                   wait_for_port)
from watch import Relay
import files

SERVICE = "HTTP/localhost"
MODULES = "/usr/lib/apache2/modules"
PAGE = "the protected page\n"
HTTPD_CONF = """ServerRoot {directory}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {directory}/apache.pid
ErrorLog {directory}/{log}
LogLevel info auth_gssapi:debug
Mutex posixsem
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_gssapi_module {modules}/mod_auth_gssapi.so
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MinSpareThreads 1
MaxSpareThreads 8
MaxRequestWorkers 8
DocumentRoot {directory}/www
<Directory {directory}/www>
    AuthType GSSAPI
    AuthName "Apex"
    GssapiCredStore keytab:{keytab}
    GssapiDelegCcacheDir {directory}/delegated
    GssapiDelegCcachePerms mode:0644
    GssapiLocalName {localname}
    Require valid-user
    Header always set X-Remote-User "expr=%{{REMOTE_USER}}"
</Directory>
"""


class Server:
    """One Apache in the foreground, ended by its process id."""

    def __init__(self, realm, environment, name, keytab=None, localname="Off"):
        self.realm = realm
        self.log = name + ".log"
        self.port = free_port()
        # Started by root, the workers run as www-data, as on a real machine; its files must be readable to them.
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        conf = realm.write(name + ".conf", HTTPD_CONF.format(
            directory=realm.directory, port=self.port, log=self.log, user=user, modules=MODULES,
            keytab=keytab or realm.keytab, localname=localname))
        self.process = realm.spawn(["apache2", "-f", conf, "-D", "FOREGROUND"], environment(keytab=keytab),
                                   output=name + ".out")
        if not wait_for_port(self.port, self.process):
            raise Failure("apache2 did not start: %s" % realm.read(name + ".out"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        end_process(self.process)
        return False


class Answer:
    """What curl got: the status of the last response, its headers, its body, and who served."""

    def __init__(self, status, headers, body, relay):
        self.status = status
        self.headers = headers
        self.body = body
        self.client_seen = relay.client_seen
        self.server_seen = relay.server_seen

    def header(self, name):
        found = [line.split(":", 1)[1].strip() for line in self.headers.splitlines()
                 if line.lower().startswith(name.lower() + ":")]
        return found[-1] if found else None


def fetch(realm, env, server, *options):
    head, body = realm.path("curl.head"), realm.path("curl.body")
    with Relay(server.port, server.process.pid) as relay:
        client = realm.spawn(["curl", "-s", "-S", "-D", head, "-o", body, "-w", "%{http_code}", *options,
                              "http://localhost:%d/page.txt" % relay.port], env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        relay.watch(client.pid)
        try:
            status = client.communicate(timeout=20)[0]
        finally:
            end_process(client)
    return Answer(status.strip()[-3:], realm.read("curl.head"), realm.read("curl.body"), relay)


NEGOTIATE = ("--negotiate", "-u", ":")


def must_get(realm, environment, server, *options, user="alice@APEX.TEST"):
    answer = fetch(realm, environment(), server, *NEGOTIATE, *options)
    if answer.status != "200" or answer.body != PAGE:
        raise Failure("status %s: %s" % (answer.status, realm.read(server.log)[-600:]))
    if answer.header("X-Remote-User") != user:
        raise Failure("REMOTE_USER is %s" % answer.header("X-Remote-User"))
    if not (answer.header("WWW-Authenticate") or "").startswith("Negotiate "):
        raise Failure("the answer bears no token for mutual authentication")
    if environment.mechanism == "apex" and not (answer.client_seen and answer.server_seen):
        raise Failure("not served by Apex: curl %s, apache2 %s" % (answer.client_seen, answer.server_seen))
    return answer


def page(realm, environment, server):
    must_get(realm, environment, server)
    if os.listdir(realm.path("delegated")):
        raise Failure("credentials were stored although none were delegated")


def many_pages(realm, environment, server):
    for _ in range(5):
        must_get(realm, environment, server)


def delegated(realm, environment, server):
    must_get(realm, environment, server, "--delegation", "always")
    stored = os.listdir(realm.path("delegated"))
    if len(stored) != 1:
        raise Failure("stored credentials: %s" % stored)
    shown = realm.run(["klist", realm.path("delegated", stored[0])], env=environment())
    if "Default principal: alice@APEX.TEST" not in shown or "krbtgt/APEX.TEST@APEX.TEST" not in shown:
        raise Failure("the stored credentials are not the forwarded ticket: " + shown)


def must_be_refused(realm, environment, server, words, env, *options):
    before = len(realm.read(server.log))
    answer = fetch(realm, env, server, *options)
    told = realm.read(server.log)[before:]
    if answer.status != "401" or answer.body == PAGE:
        raise Failure("status %s" % answer.status)
    said = [line for line in told.splitlines() if "auth_gssapi" in line and any(word in line for word in words)]
    print("# " + (said[-1] if said else "curl made no attempt"))
    if words and not said:
        raise Failure("refused for another reason: " + told[-600:])
    if environment.mechanism == "apex" and "(Success)" in told:
        raise Failure("the log says Success for a refusal: " + said[-1])


def no_attempt(realm, environment, server):
    must_be_refused(realm, environment, server, (), environment())


def no_ticket(realm, environment, server):
    must_be_refused(realm, environment, server, (), environment(ccache=realm.path("none")), *NEGOTIATE)


def damaged_token(realm, environment, server):
    header = "Authorization: Negotiate YIIBAAYJKoZIhvcSAQICAQBuggDv"
    must_be_refused(realm, environment, server, ("gss_accept_sec_context",), environment(), "-H", header)


def wrong_key(realm, environment):
    keytab = files.write_keytab(realm.path("wrong.keytab"), SERVICE + "@APEX.TEST", 1, 18, b"\x33" * 32)
    with Server(realm, environment, "apache.wrong", keytab=keytab) as server:
        must_be_refused(realm, environment, server, ("decrypt", "kvno"), environment(), *NEGOTIATE)


def keytab_unreadable(realm, environment):
    keytab = realm.path("secret.keytab")
    files.write_octets(keytab, files.read_octets(realm.keytab), 0o600)
    with Server(realm, environment, "apache.secret", keytab=keytab) as server:
        must_be_refused(realm, environment, server, ("gss_acquire_cred", "Keytab", "keytab"), environment(),
                        *NEGOTIATE)


def local_name(realm, environment):
    with Server(realm, environment, "apache.local", localname="On") as server:
        must_get(realm, environment, server, user="alice")


def prepare(realm):
    realm.add_user()
    realm.add_service(SERVICE)
    realm.kinit()
    os.mkdir(realm.path("www"))
    realm.write("www/page.txt", PAGE)
    os.mkdir(realm.path("delegated"))
    if os.geteuid() == 0:
        worker = pwd.getpwnam("www-data")
        os.chown(realm.path("delegated"), worker.pw_uid, worker.pw_gid)


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        prepare(realm)
        environment = Environment(realm, mechanism_under_test())
        with Server(realm, environment, "apache") as server:
            for name, function in (("page", page), ("many pages", many_pages), ("delegation", delegated),
                                   ("no attempt is refused", no_attempt), ("no ticket is refused", no_ticket),
                                   ("damaged token is refused", damaged_token)):
                report.case("curl to Apache: " + name, function, realm, environment, server)
        report.case("curl to Apache: wrong key in the keytab is refused", wrong_key, realm, environment)
        if os.geteuid() == 0:
            report.case("curl to Apache: unreadable keytab is refused", keytab_unreadable, realm, environment)
        else:
            report.skip("curl to Apache: unreadable keytab is refused", "only root can start other users' processes")
        report.case("curl to Apache: local name", local_name, realm, environment)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
