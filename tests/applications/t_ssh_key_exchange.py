#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ssh and sshd with GSS-API key exchange (RFC 4462, RFC 8732): the ticket stands for the host's key, which nobody knows."""
import functools
import os
import sys

from program import expect, play, run, show, within, wrong_keytab
import t_ssh

PACKAGES = ("openssh-server", "openssh-client")
METHODS = ("gss-group14-sha256-", "gss-group16-sha512-", "gss-nistp256-sha256-", "gss-curve25519-sha256-")
t_ssh.SSHD_CONF += "GSSAPIKeyExchange yes\nGSSAPIStoreCredentialsOnRekey yes\nGSSAPIKexAlgorithms %s\n" % ",".join(METHODS)
OPTIONS = ["GSSAPIKeyExchange=yes", "GSSAPIAuthentication=yes", "PreferredAuthentications=gssapi-keyex", "ControlPath=none",
           "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=none", "UserKnownHostsFile=none", "LogLevel=DEBUG1",
           "BatchMode=yes", "ConnectTimeout=10"]
REKEY_BYTES = 5000000


def ssh(traced, daemon, command, *options, **settings):
    traced.forget("ssh", "sshd")
    arguments = ["ssh", "-F", "none", "-T", "-p", str(daemon.port), "-l", t_ssh.LOGIN]
    for option in (*options, *OPTIONS):
        arguments += ["-o", option]
    return run(arguments + ["localhost", command], traced("ssh", **settings))


def must_log_in(traced, daemon, command, *options, **more):
    status, told = ssh(traced, daemon, command, *options, **more)
    expect(status == 0, "status %d: %s %s" % (status, told[-800:], daemon.realm.read(daemon.log)[-800:]))
    expect("Authenticated to localhost" in told and 'using "gssapi-keyex"' in told, "another way in: " + told[-800:])
    traced.must_have_served("ssh", "sshd")
    return told


def each_method(traced, daemon, method):
    told = must_log_in(traced, daemon, "echo LOGIN-OK", "GSSAPIKexAlgorithms=" + method)
    expect("LOGIN-OK" in told and "kex: algorithm: " + method in told, "another method: " + told[-1500:])


def delegation(traced, daemon):
    told = must_log_in(traced, daemon, "klist", "GSSAPIDelegateCredentials=yes")
    expect("krbtgt/APEX.TEST@APEX.TEST" in told, "the far side has no ticket: " + told[-800:])


def rekeying(traced, daemon):
    """About every megabyte another key exchange, each with a context of its own, while data flow."""
    told = must_log_in(traced, daemon, "head -c %d /dev/zero | wc -c; head -c %d /dev/zero | tr '\\0' x" % (
        REKEY_BYTES, REKEY_BYTES), "RekeyLimit=1M")
    expect(told.count("x" * 1000) * 1000 >= REKEY_BYTES * 0.9, "data are missing")
    if traced.apex:
        contexts = "\n".join(traced.trace("sshd")).count("acceptor: context established")
        expect(contexts >= 3, "only %d contexts on the server" % contexts)


def refused(traced, daemon, name, client_words, server_words, **settings):
    before = len(daemon.realm.read(daemon.log))
    status, told = ssh(traced, daemon, "echo LOGIN-OK", **settings)
    expect(status != 0 and "LOGIN-OK\n" not in told, "ssh logged in: " + told[-800:])
    show("ssh", told, *client_words)
    if server_words:
        within(3, lambda: any(word in daemon.realm.read(daemon.log)[before:] for word in server_words))
        show("sshd", daemon.realm.read(daemon.log)[before:], *server_words)


def wrong_key(realm, traced):
    environment = functools.partial(traced, "sshd.wrong")
    with t_ssh.Daemon(realm, environment, "sshd.wrong", keytab=wrong_keytab(realm, t_ssh.SERVICE)) as daemon:
        refused(traced, daemon, "sshd.wrong", ("closed", "Connection"), ("decrypt ticket",))
        traced.must_have_refused("sshd.wrong")


def cases(report, realm, traced):
    for name in (t_ssh.LOGIN, "alice"):
        realm.add_user(name)
    realm.add_service(t_ssh.SERVICE)
    realm.kinit(t_ssh.LOGIN)
    realm.kinit("alice", ccache=realm.path("alice"))
    realm.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", realm.path("host_key")])
    with t_ssh.Daemon(realm, functools.partial(traced, "sshd"), "sshd") as daemon:
        for method in METHODS:
            report.case("ssh key exchange: " + method, each_method, traced, daemon, method)
        report.case("ssh key exchange: delegation", delegation, traced, daemon)
        report.case("ssh key exchange: keys are renewed while data flow", rekeying, traced, daemon)
        report.case("ssh key exchange: no ticket is refused", lambda: refused(
            traced, daemon, "sshd", ("Host key verification failed", "No matching", "no matching"), (),
            ccache=realm.path("none")))
        report.case("ssh key exchange: another user is refused", lambda: refused(
            traced, daemon, "sshd", ("Permission denied",), ("Failed gssapi-keyex",), ccache=realm.path("alice")))
    report.case("ssh key exchange: wrong key in the keytab is refused", wrong_key, realm, traced)


if __name__ == "__main__":
    sys.exit(play("ssh key exchange", PACKAGES, ("ssh", "/usr/sbin/sshd", "unshare"), cases))
