#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demonstration behind `./bootstrap demo`: unmodified ssh and curl log in through Apex, on a realm of their own.

Shows the login, the six steps of its exchange as both sides traced them, what `apexctl status` says of both ends, and
three refusals as an operator meets them. Exits 0 only if everything came out as it should.
"""
import argparse
import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
sys.dont_write_bytecode = True

import files
import stage
from realm import HOST, INTERPOSER_OID, REALM, Realm, free_port, turn_sigterm_into_exit, wait_for_port
from watch import descendants

USER = stage.USER
TRACE_LINE = re.compile(r"^(?P<time>\S+) (?P<pid>\d+) (?P<role>\w+|-)(?: step (?P<step>\d))?: (?P<rest>.*)$")
FACT = re.compile(r'([a-z][a-z0-9-]*)=("[^"]*"|\S+)')


class Broken(Exception):
    """The demonstration did not come out as it should."""


def expect(condition, why):
    if not condition:
        raise Broken(why)


def title(text):
    print(f"\n== {text}")


def show(text, indent="   "):
    for line in text.rstrip().splitlines():
        print(indent + line)


class Demonstration:
    def __init__(self, realm, build, module):
        self.realm = realm
        self.apexctl = os.path.join(build, "apexctl")
        self.module = module  # None: the built-in mechanism, to try the demonstration itself
        self.log = stage.SystemLog()
        self.ssh_port, self.http_port = free_port(), free_port()

    # The stage.

    def traced(self, name, **more):
        """The environment of a program whose trace goes to a file of its own."""
        folder = self.realm.path("trace-" + name)
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o777)
        environment = self.realm.base_environment()
        for sanitizer in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if sanitizer in os.environ:
                environment[sanitizer] = os.environ[sanitizer]
        environment.update(more, APEX_TRACE=folder + "/trace")
        return environment

    def trace(self, name):
        with contextlib.suppress(FileNotFoundError):
            return self.realm.read(f"trace-{name}/trace").splitlines()
        return []

    def prepare(self):
        realm = self.realm
        title(f"A realm of its own: {REALM}, KDC on 127.0.0.1:{realm.port}, everything in {realm.directory}")
        realm.add_user(USER)
        for service in ("host", "HTTP"):
            realm.add_service(f"{service}/{HOST}")
        files.write_keytab(realm.path("wrong.keytab"), f"HTTP/{HOST}@{REALM}", 1, 18, b"\x55" * 32)
        os.chmod(realm.path("wrong.keytab"), 0o644)
        realm.kinit(USER)
        keytab = "FILE:" + realm.keytab
        sshd = stage.start_sshd(realm, self.ssh_port, self.traced("sshd", KRB5_KTNAME=keytab))
        apache = stage.start_apache(realm, self.http_port, HOST, self.traced("apache", KRB5_KTNAME=keytab))
        for name, process, port in (("sshd", sshd, self.ssh_port), ("Apache", apache, self.http_port)):
            if not wait_for_port(port, process):
                raise Broken(f"{name} did not start: " + realm.read("sshd.log" if name == "sshd" else "apache.out"))
            print(f"   {name} listens on 127.0.0.1:{port}")
        self.sshd, self.apache = sshd, apache
        self.status([])

    def client(self, name, ccache=None):
        return self.traced(name, KRB5CCNAME="FILE:" + (ccache or self.realm.ccache))

    # Which mechanism answers.

    def status(self, arguments, name=""):
        """Runs apexctl status and demands the answer that fits."""
        run = subprocess.run([self.apexctl, "status", *arguments], env=self.realm.base_environment(),
                             capture_output=True, text=True, timeout=60)
        print(f"   $ apexctl status {' '.join(arguments)}" + (f"   # {name}" if name else ""))
        show(run.stdout + run.stderr, "     ")
        wanted = 0 if self.module else 1
        expect(run.returncode == wanted, f"apexctl status ended with {run.returncode}, not {wanted}")

    # ssh.

    def ssh(self):
        title("ssh with delegation, nothing about it changed")
        command = ["ssh", "-F", "none", "-T", "-p", str(self.ssh_port), "-o", "GSSAPIAuthentication=yes",
                   "-o", "GSSAPIDelegateCredentials=yes", "-o", "PreferredAuthentications=gssapi-with-mic",
                   "-o", "UserKnownHostsFile=" + self.realm.path("known_hosts"), f"{USER}@{HOST}",
                   "id -un; klist -f; echo ready; read line"]
        print("   $ ssh -o GSSAPIDelegateCredentials=yes " + f"{USER}@{HOST} klist -f")
        with open(self.realm.path("ssh.log"), "w", encoding="utf-8") as complaints, \
                subprocess.Popen(command, env=self.client("ssh"), text=True, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=complaints) as ssh:
            answer = "".join(iter(ssh.stdout.readline, "ready\n")) if ssh.poll() is None else ""
            if not answer:
                raise Broken("ssh failed: " + self.realm.read("ssh.log") + self.realm.read("sshd.log"))
            show(answer, "     ")
            self.status(["--pid", str(ssh.pid)], "the client")
            self.status(["--pid", str(self.session_of_sshd())], "the server")
            ssh.stdin.close()
        expect(answer.startswith(USER + "\n"), f"the far side is not {USER}")
        expect(f"krbtgt/{REALM}@{REALM}" in answer, "klist on the far side shows no forwarded ticket")
        expect(re.search(r"Flags: \w*F?\w*f", answer), "the ticket on the far side is not marked as forwarded")
        print("   The far side holds the forwarded ticket (flag f).")

    def session_of_sshd(self):
        """The privileged process of the one session: the child of the listener."""
        children = [pid for pid in descendants(self.sshd.pid) if pid != self.sshd.pid]
        expect(children, "sshd has no session")
        return children[0]

    # The six steps.

    def six_steps(self):
        title("The six steps of that exchange, as both sides saw them")
        if self.module is None:
            print("   The built-in mechanism keeps no such trace.")
            return
        seen = set()
        for line in sorted(self.last_exchange(self.trace("ssh")) + self.trace("sshd")):
            match = TRACE_LINE.match(line)
            if match is None or match["step"] is None:
                continue
            sentence = FACT.split(match["rest"], maxsplit=1)[0].strip()
            side = {"initiator": "client", "acceptor": "server"}.get(match["role"], match["role"])
            print(f"   step {match['step']}  {side}  {match['time'][11:-1]}  {sentence}")
            for name, value in FACT.findall(match["rest"]):
                print(f"             {name} = {value.strip(chr(34))}")
            seen.add(int(match["step"]))
        expect(seen == {1, 2, 3, 4, 5, 6}, f"the traces tell of the steps {sorted(seen)} only")

    @staticmethod
    def last_exchange(lines):
        """ssh makes a context and drops it, to see whether it can, before the one that counts."""
        requests = [number for number, line in enumerate(lines) if "request made" in line]
        start = requests[-1] if requests else 0
        while start > 0 and "step 1: ticket" in lines[start - 1]:
            start -= 1
        return lines[start:]

    # curl.

    def curl(self, path="/page.txt", name="curl", ccache=None):
        """Fetches a page with a ticket and looks at both ends meanwhile; returns status, what came, what curl told."""
        with socket.create_server(("127.0.0.1", 0)) as held:
            hold = held.getsockname()[1]
            command = ["curl", "--negotiate", "-u", ":", "-sSiv", "--max-time", "20",
                       f"http://{HOST}:{self.http_port}{path}", f"http://127.0.0.1:{hold}/"]
            print(f"   $ curl --negotiate -u : http://{HOST}:{self.http_port}{path}")
            with subprocess.Popen(command, env=self.client(name, ccache), text=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as curl:
                held.settimeout(15)
                connection, _ = held.accept()  # curl has the page and now asks us, so it is there to be looked at
                with connection:
                    if name == "curl":
                        self.status(["--pid", str(curl.pid)], "the client")
                        self.status(["--pid", str(self.worker_of_apache())], "the server")
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
                page, told = curl.communicate(timeout=20)
        page = page.replace("\r", "").split("HTTP/1.0 204")[0]
        statuses = re.findall(r"^HTTP/1\.1 (\d+)", page, re.M)
        return int(statuses[-1]) if statuses else 0, page, told

    def worker_of_apache(self):
        """The worker that has the mechanism in use; any worker for the built-in one."""
        workers = [pid for pid in descendants(self.apache.pid) if pid != self.apache.pid]
        for pid in workers:
            with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
                if self.module and os.path.realpath(self.module) in maps.read():
                    return pid
        expect(workers, "Apache has no worker")
        return workers[0]

    def fetch(self):
        title("curl --negotiate, against Apache with mod_auth_gssapi")
        status, page, told = self.curl()
        last = page[page.rfind("HTTP/1.1"):]
        show("\n".join(line for line in last.splitlines()
                       if line.startswith(("HTTP", "X-Logged", "This page")) or not line), "     ")
        expect(status == 200, f"curl got the status {status}: {told}\n" + self.realm.read("apache.log"))
        expect(f"X-Logged-In-As: {USER}" in page, "Apache took somebody else for the user")
        tokens = re.findall(r"^> Authorization: Negotiate (\S+)", told.replace("\r", ""), re.M)
        expect(tokens, "curl does not show the token that it sent")
        return tokens[0]

    # Refusals.

    def refused(self, name, words):
        """Prints what the operator finds in the system log and in Apache's, and demands the words there."""
        deadline = time.monotonic() + 3
        lines = []
        while self.module and not lines and time.monotonic() < deadline:
            lines = self.log.take("apex")
            time.sleep(0.05)
        apache = [line.split("] ", 4)[-1] for line in self.realm.read("apache.log").splitlines()[self.read_of_apache:]
                  if "auth_gssapi" in line]
        print("   The system log says:" if lines else "   The system log says nothing.")
        show("\n".join(lines), "     ")
        print("   Apache's error log says:")
        show("\n".join(apache), "     ")
        if self.module:
            text = "\n".join(lines)
            for word in words:
                expect(re.search(word, text), f"the text about {name} lacks \"{word}\"")

    def refusals(self, token):
        self.log.take("apex")
        title("Refusal 1: the same request once more, as an eavesdropper would send it")
        self.mark()
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        connection.request("GET", "/page.txt", headers={"Host": HOST, "Authorization": "Negotiate " + token})
        self.denied(connection.getresponse().status)
        self.refused("the replay", ["replay"])

        title("Refusal 2: the service's keytab holds a wrong key")
        self.mark()
        self.denied(self.curl("/wrong-key/page.txt", "curl-wrong-key")[0])
        self.refused("the wrong key", [re.escape(f"HTTP/{HOST}@{REALM}"), "kvno 1", re.escape("wrong.keytab")])

        title("Refusal 3: the client's clock is ten minutes ahead")
        self.mark()
        ahead = files.copy_cache_with_clock_offset(self.realm.ccache, self.realm.path("ahead.ccache"), 600)
        self.denied(self.curl("/page.txt", "curl-ahead", ahead)[0])
        self.refused("the clock", ["client's clock is (599|600|601) s ahead"])

    def mark(self):
        self.read_of_apache = len(self.realm.read("apache.log").splitlines())

    @staticmethod
    def denied(status):
        print(f"   The answer: HTTP status {status}")
        expect(status == 401, f"the status should be 401, not {status}")

    def play(self):
        self.prepare()
        self.ssh()
        self.six_steps()
        self.refusals(self.fetch())


def module_of(build):
    """The module of the build, or a clear message."""
    for folder in (".libs", "."):
        path = os.path.join(build, folder, "mech_apex.so")
        if os.path.exists(path):
            return path
    sys.exit(f"demo: there is no mech_apex.so below {build}: run ./bootstrap build first")


def check_tools(build):
    if not os.path.exists(os.path.join(build, "apexctl")):
        sys.exit(f"demo: there is no apexctl in {build}: run ./bootstrap build first")
    needed = ("krb5kdc", "kadmin.local", "kdb5_util", "kinit", "klist", "ssh", "sshd", "curl", "apache2", "unshare")
    absent = [name for name in needed if shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") is None]
    if absent:
        sys.exit(f"demo: these programs are missing: {', '.join(absent)}; run ./bootstrap install-deps")


def main():
    parser = argparse.ArgumentParser(description="Shows ssh and curl logging in through Apex.")
    parser.add_argument("--build", default=".", help="folder with apexctl and mech_apex.so")
    parser.add_argument("--built-in", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    module = None if options.built_in else module_of(build)
    check_tools(build)
    stage.enter_namespace(os.path.abspath(__file__), sys.argv[1:])
    started = time.monotonic()
    turn_sigterm_into_exit()
    entry = f"apex {INTERPOSER_OID} {module} <interposer>\n" if module else None
    stage.set_stage(HOST, entry, {TOP, build})
    os.environ["TMPDIR"] = "/run"
    try:
        with Realm() as realm:
            Demonstration(realm, build, module).play()
    except Broken as problem:
        print(f"\ndemo: FAILED: {problem}", flush=True)
        return 1
    print(f"\nAll as it should be, in {time.monotonic() - started:.0f} seconds; everything is cleaned up.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
