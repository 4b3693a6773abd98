#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The system's unmodified ssh and sshd with GSSAPI authentication, in a private mount namespace, on loopback."""
import os
import subprocess
import sys
import time

from report import Report
from peer import Failure
from realm import (Environment, Realm, end_process, free_port, mechanism_under_test, served_by_apex,
                   turn_sigterm_into_exit, wait_for_port)
import files

LOGIN = "root"
SERVICE = "host/localhost"
SSHD_CONF = """Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PubkeyAuthentication no
PasswordAuthentication no
KbdInteractiveAuthentication no
GSSAPIAuthentication yes
GSSAPICleanupCredentials yes
GSSAPIStrictAcceptorCheck {strict}
LogLevel DEBUG1
"""
# sshd insists on /run/sshd, which a machine need not have; the namespace's own /run hides the machine's.
IN_NAMESPACE = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -D -e -f \"$0\""
REMOTE = "echo LOGIN-OK; klist; klist -s && echo CCACHE=$KRB5CCNAME; " \
         "grep -c mech_apex /proc/$PPID/maps | sed s/^/MAPPED=/; echo READY; read answer"


class Daemon:
    """One sshd in its own mount namespace, ended by its process id."""

    def __init__(self, realm, environment, name, keytab=None, strict="no"):
        self.realm = realm
        self.log = name + ".log"
        self.port = free_port()
        conf = realm.write(name + ".conf", SSHD_CONF.format(port=self.port, directory=realm.directory, strict=strict))
        self.process = realm.spawn(["unshare", "-m", "sh", "-c", IN_NAMESPACE, conf], environment(keytab=keytab),
                                   output=self.log)
        if not wait_for_port(self.port, self.process):
            raise Failure("sshd did not start: " + realm.read(self.log))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        end_process(self.process)
        return False


def ssh_command(realm, port, options):
    settings = ["GSSAPIAuthentication=yes", "PreferredAuthentications=gssapi-with-mic", "StrictHostKeyChecking=yes",
                "GlobalKnownHostsFile=none", "UserKnownHostsFile=" + realm.path("known_hosts"), "LogLevel=DEBUG1",
                "ControlPath=none", "ConnectTimeout=10", "BatchMode=yes", *options]
    command = ["ssh", "-F", "none", "-T", "-p", str(port), "-l", LOGIN]
    for setting in settings:
        command += ["-o", setting]
    return command + ["localhost", REMOTE]


def log_in(realm, env, daemon, *options):
    """Logs in, lets the far side look around, then ends the session; (status, output, served by Apex here)."""
    client = realm.spawn(ssh_command(realm, daemon.port, options), env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=open(realm.path("ssh.err"), "w", encoding="utf-8"), text=True)
    output, served = "", False
    try:
        for line in client.stdout:
            output += line
            if line.strip() == "READY":
                served = served_by_apex(client.pid)
                break
        client.stdin.write("end\n")
        client.stdin.close()
        client.wait(20)
    except (OSError, subprocess.TimeoutExpired):
        pass
    finally:
        end_process(client)
        client.stdout.close()
    return client.returncode, output, served


def value_of(output, name):
    for line in output.splitlines():
        if line.startswith(name + "="):
            return line[len(name) + 1:]
    return None


def must_log_in(realm, environment, daemon, *options, **settings):
    status, output, served = log_in(realm, environment(**settings), daemon, *options)
    if status != 0 or "LOGIN-OK" not in output:
        raise Failure("no login (status %s): %s %s" % (status, realm.read("ssh.err")[-500:],
                                                       realm.read(daemon.log)[-500:]))
    if environment.mechanism == "apex" and (not served or value_of(output, "MAPPED") in (None, "0")):
        raise Failure("not served by Apex: ssh %s, sshd %s" % (served, value_of(output, "MAPPED")))
    return output


def plain_login(realm, environment, daemon):
    output = must_log_in(realm, environment, daemon, "GSSAPIDelegateCredentials=no")
    if "CCACHE=" in output:
        raise Failure("the far side has credentials although none were delegated: " + output)


def delegated_login(realm, environment, daemon):
    output = must_log_in(realm, environment, daemon, "GSSAPIDelegateCredentials=yes")
    if "Default principal: root@APEX.TEST" not in output or "krbtgt/APEX.TEST@APEX.TEST" not in output:
        raise Failure("klist on the far side does not show the forwarded ticket: " + output)
    name = (value_of(output, "CCACHE") or "").removeprefix("FILE:")
    if not name:
        raise Failure("no KRB5CCNAME on the far side: " + output)
    # sshd removes them after the client has gone.
    deadline = time.monotonic() + 10
    while os.path.exists(name) and time.monotonic() < deadline:
        time.sleep(0.02)
    if os.path.exists(name):
        os.unlink(name)
        raise Failure("sshd left the forwarded credentials behind in " + name)


def must_be_refused(realm, daemon, env, words):
    before = len(realm.read(daemon.log))
    status, output, _ = log_in(realm, env, daemon, "GSSAPIDelegateCredentials=no")
    if status == 0 or "LOGIN-OK" in output:
        raise Failure("ssh logged in")
    told = realm.read(daemon.log)[before:] + realm.read("ssh.err")
    print("# " + " | ".join(line for line in told.splitlines() if any(word in line for word in words)))
    if "Permission denied" not in told or not any(word in told for word in words):
        raise Failure("refused for another reason: " + told[-800:])


def wrong_key(realm, environment):
    keytab = files.write_keytab(realm.path("wrong.keytab"), SERVICE + "@APEX.TEST", 1, 18, b"\x33" * 32)
    with Daemon(realm, environment, "sshd.wrong", keytab=keytab) as daemon:
        must_be_refused(realm, daemon, environment(), ("decrypt", "kvno"))


def no_ticket(realm, environment, daemon):
    must_be_refused(realm, daemon, environment(ccache=realm.path("none")), ("No Kerberos credentials",))


def other_user(realm, environment, daemon):
    must_be_refused(realm, daemon, environment(ccache=realm.path("alice")), ("Failed gssapi-with-mic",))


def strict_acceptor(realm, environment):
    # With the strict check sshd acquires credentials for host@<its own host name>, which is not that of the ticket.
    realm.add_service("host/" + os.uname().nodename.lower())
    with Daemon(realm, environment, "sshd.strict", strict="yes") as daemon:
        status, output, _ = log_in(realm, environment(), daemon)
    if status == 0 or "LOGIN-OK" in output:
        raise Failure("sshd accepted a ticket for another of its names")


def main():
    turn_sigterm_into_exit()
    report = Report()
    if os.geteuid() != 0:
        report.skip("ssh", "sshd and a private mount namespace need root")
        return report.finish()
    with Realm() as realm:
        realm.add_user(LOGIN)
        realm.add_user("alice")
        realm.add_service(SERVICE)
        realm.kinit(LOGIN)
        realm.kinit("alice", ccache=realm.path("alice"))
        realm.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", realm.path("host_key")])
        environment = Environment(realm, mechanism_under_test())
        with Daemon(realm, environment, "sshd") as daemon:
            key = realm.read("host_key.pub")
            realm.write("known_hosts", "[localhost]:%d %s" % (daemon.port, key))
            for name, function in (("plain login", plain_login), ("login with delegation", delegated_login),
                                   ("no ticket is refused", no_ticket), ("another user is refused", other_user)):
                report.case("ssh to sshd: " + name, function, realm, environment, daemon)
        realm.write("known_hosts", "localhost %s[localhost]* %s" % (key, key))
        report.case("ssh to sshd: wrong key in the keytab is refused", wrong_key, realm, environment)
        name = "ssh to sshd: strict acceptor refuses another name"
        if os.uname().nodename.lower() == "localhost":
            report.skip(name, "this machine has no other name than localhost")
        else:
            report.case(name, strict_acceptor, realm, environment)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
