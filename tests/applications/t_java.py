#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Java's GSS-API with -Dsun.security.jgss.native=true, which calls the system's library and so reaches Apex."""
import glob
import sys

from program import Failure, expect, play, show, wrong_keytab
from peer import FLAGS, Peer, build_c_peer, establish, exchange_messages, java_command
from realm import Environment

PACKAGES = ("openjdk-17-jdk-headless",)
LIBRARY = (glob.glob("/usr/lib/*/libgssapi_krb5.so.2") + [""])[0]
SERVICE = "http/localhost"
TARGET = "http@localhost"
BINDINGS = ("tls-server-end-point:one", "tls-server-end-point:two")
# JDK 17 gives null for an empty message, which JavaPeer shows as one; see its unwrap.
SIZES = (0, 1, 16, 1000, 100000)


def native_command(realm, ccache, keytab):
    command = java_command(realm, realm.krb5_conf, ccache, keytab)
    where = command.index("-Dsun.security.jgss.native=false")
    return command[:where] + ["-Dsun.security.jgss.native=true", "-Dsun.security.jgss.lib=" + LIBRARY] + command[where + 1:]


def start(realm, traced, kind, name, ccache=None, keytab=None):
    """A peer: `native` traces under its name; `java` has Java's own Kerberos, `mit` MIT's."""
    files = {"ccache": ccache or realm.ccache, "keytab": keytab or realm.keytab}
    if kind == "native":
        return Peer(native_command(realm, **files), traced(name, **files))
    environment = Environment(realm, "mit")(**files)
    if kind == "java":
        return Peer(java_command(realm, realm.krb5_conf, **files), environment)
    return Peer([build_c_peer("mit")], environment)


def exchange(initiator, acceptor, *options, bindings=(None, None)):
    initiate, accept = ["--service", TARGET, *options], []
    for side, text in ((initiate, bindings[0]), (accept, bindings[1])):
        side += ["--bindings", text, "--bindings-type", "255"] if text else []
    return establish(initiator, acceptor, initiate, accept)


def must_establish(traced, pair, initiator, acceptor, *options, bindings=(None, None)):
    traced.forget("initiator", "acceptor")
    outcome = exchange(initiator, acceptor, *options, bindings=bindings)
    expect(outcome.established(), outcome.describe())
    traced.must_have_served(initiator="initiator" if pair[0] == "native" else None,
                            acceptor="acceptor" if pair[1] == "native" else None)
    theirs = acceptor.inquire()
    expect(theirs["source"] == "alice@APEX.TEST", "the acceptor sees " + theirs["source"])
    expect(bool(theirs["flags"] & FLAGS["mutual"]) == ("--mutual" in options), "flags %#x" % theirs["flags"])
    expect(theirs["delegated"] == ("--delegate" in options), "delegated: %s" % theirs["delegated"])
    if theirs["delegated"]:
        facts, _ = acceptor.request(b"D", TARGET.encode())
        expect(facts["error"] == "CONTINUE_NEEDED", "the delegated credentials are of no use: %s" % facts)
    exchange_messages(initiator, acceptor, SIZES)
    for peer in (initiator, acceptor):
        peer.end()


def must_refuse(traced, initiator, acceptor, side, error, words, name=None, bindings=(None, None)):
    outcome = exchange(initiator, acceptor, "--mutual", bindings=bindings)
    facts = getattr(outcome, side)
    if facts is None or facts["error"] != error:
        raise Failure("expected %s of the %s: %s" % (error, side, outcome.describe()))
    if side == "initiator":
        show("GSSException", facts.get("minor_text", ""), *words)
    elif traced.apex:
        # JDK 17 makes of every refusal with an error token "Security context init/accept not yet called or context
        # deleted", whatever the mechanism; so an operator must look at the trace or at the system's log.
        show("trace", "\n".join(traced.trace(name)), *words)
    for peer in (initiator, acceptor):
        peer.end()


def pair_cases(report, realm, traced, pair):
    title = "Java %s initiates, %s accepts: " % pair
    with start(realm, traced, pair[0], "initiator") as initiator, start(realm, traced, pair[1], "acceptor") as acceptor:
        for name, options in (("mutual", ("--mutual",)), ("not mutual", ()), ("delegation", ("--mutual", "--delegate")),
                              ("SPNEGO", ("--mutual", "--mech", "spnego"))):
            if name == "SPNEGO" and pair != ("native", "native"):
                continue
            report.case(title + name, must_establish, traced, pair, initiator, acceptor, *options)
        report.case(title + "equal channel bindings", lambda: must_establish(
            traced, pair, initiator, acceptor, "--mutual", bindings=BINDINGS[:1] * 2))
        if pair[1] == "native":
            report.case(title + "different channel bindings are refused", must_refuse, traced, initiator, acceptor,
                        "acceptor", "NO_CONTEXT", ("fault=BindingsMismatch",), "acceptor", BINDINGS)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    for pair in (("native", "native"), ("native", "java"), ("java", "native"), ("native", "mit"), ("mit", "native")):
        pair_cases(report, realm, traced, pair)
    with start(realm, traced, "mit", "initiator") as initiator, \
            start(realm, traced, "native", "wrong", keytab=wrong_keytab(realm, SERVICE)) as acceptor:
        report.case("Java native accepts: wrong key in the keytab is refused", must_refuse, traced, initiator, acceptor,
                    "acceptor", "NO_CONTEXT", ("fault=TicketIntegrity",), "wrong")
    with start(realm, traced, "native", "none", ccache=realm.path("none")) as initiator, \
            start(realm, traced, "mit", "acceptor") as acceptor:
        report.case("Java native initiates: no ticket is refused", must_refuse, traced, initiator, acceptor,
                    "initiator", "NO_CRED", (realm.path("none"),))


if __name__ == "__main__":
    sys.exit(play("Java", PACKAGES, ("java", "javac", LIBRARY), cases, root=False))
