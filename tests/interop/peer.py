# SPDX-License-Identifier: MIT
"""Builds the peers and drives them: one Peer is one process that runs case after case."""
import json
import os
import shutil
import struct
import subprocess
import tempfile

from realm import end_process

HERE = os.path.dirname(os.path.abspath(__file__))
C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
PACKAGES = {"mit": "krb5-gssapi", "heimdal": "heimdal-gssapi"}
SIZES = (0, 1, 16, 1000, 100000)
FLAGS = {"delegate": 1, "mutual": 2, "replay": 4, "sequence": 8, "conf": 16, "integ": 32,
         "prot_ready": 128, "trans": 256, "channel_bound": 0x800, "dce": 0x1000, "identify": 0x2000,
         "extended_error": 0x4000}

# Heimdal 7.8 as initiator without mutual authentication, with itself too, expects the acceptor's sequence numbers to
# start elsewhere: the first message it receives is dropped with GSS_S_GAP_TOKEN, all later ones are right.
LOSES_FIRST_MESSAGE = {"heimdal"}
GAP_TOKEN = 16


class Failure(Exception):
    """A case did not go as expected; the text is the reason that is printed."""


def build_directory():
    """$APEX_BUILD, or a directory that is made for this process and removed at its end."""
    chosen = os.environ.get("APEX_BUILD")
    if chosen:
        os.makedirs(chosen, exist_ok=True)
        return chosen
    import atexit
    directory = tempfile.mkdtemp(prefix="apex-peers-")
    atexit.register(shutil.rmtree, directory, True)
    os.environ["APEX_BUILD"] = directory
    return directory


def is_stale(product, sources):
    if not os.path.exists(product):
        return True
    return any(os.path.getmtime(source) > os.path.getmtime(product) for source in sources)


def build_c_peer(implementation):
    """Compiles gss_peer.c against MIT or Heimdal and returns the program's path."""
    program = os.path.join(build_directory(), "gss_peer_" + implementation)
    sources = [os.path.join(HERE, "peers", name) for name in ("gss_peer.c", "answer.h", "names.h")]
    if is_stale(program, sources):
        def ask(what):
            return subprocess.check_output(["pkg-config", what, PACKAGES[implementation]], text=True).split()
        fresh = "%s.%d" % (program, os.getpid())
        subprocess.check_call(["cc", *C_FLAGS, "-DPEER_" + implementation.upper(), *ask("--cflags"), sources[0],
                               "-o", fresh, *ask("--libs")])
        os.rename(fresh, program)
    return program


def build_java_peer():
    """Compiles JavaPeer.java and returns the directory of its classes."""
    directory = os.path.join(build_directory(), "java")
    source = os.path.join(HERE, "peers", "JavaPeer.java")
    if is_stale(os.path.join(directory, "JavaPeer.class"), [source]):
        os.makedirs(directory, exist_ok=True)
        subprocess.check_call(["javac", "-J-XX:-UsePerfData", "-nowarn", "-d", directory, source])
    return directory


def java_command(realm, configuration, ccache, keytab):
    """The command line of a Java peer that uses Java's own Kerberos with these files."""
    login = realm.write("jaas.%s.conf" % os.path.basename(ccache), """
com.sun.security.jgss.krb5.initiate {
    com.sun.security.auth.module.Krb5LoginModule required
    useTicketCache=true doNotPrompt=true ticketCache="%s";
};
com.sun.security.jgss.krb5.accept {
    com.sun.security.auth.module.Krb5LoginModule required
    useKeyTab=true storeKey=true doNotPrompt=true isInitiator=false principal="*" keyTab="%s";
};
""" % (ccache, keytab))
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData", "-Xmx256m",
            "-Djava.security.krb5.conf=" + configuration, "-Djava.security.auth.login.config=" + login,
            "-Djavax.security.auth.useSubjectCredsOnly=false", "-Dsun.security.jgss.native=false",
            "-Djava.io.tmpdir=" + realm.path("tmp"), "-cp", build_java_peer(), "JavaPeer"]


class Peer:
    """One peer process. Every request returns (facts, octets)."""

    def __init__(self, command, env, **more):
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        self.failed = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        end_process(self.process)
        self.process.stdout.close()
        return False

    def request(self, operation, payload=b""):
        try:
            self.process.stdin.write(operation + struct.pack(">I", len(payload)) + payload)
            self.process.stdin.flush()
            return json.loads(self._part().decode("ascii")), self._part()
        except (OSError, EOFError) as error:
            self.failed = "the peer process ended (status %s)" % self.process.wait(5)
            raise Failure(self.failed) from error

    def _part(self):
        length = struct.unpack(">I", self._octets(4))[0]
        return self._octets(length)

    def _octets(self, count):
        data = self.process.stdout.read(count)
        if len(data) != count:
            raise EOFError
        return data

    def hello(self):
        return self.request(b"H")[0]

    def begin(self, role, *options):
        return self.request(b"B", "\n".join((role,) + options).encode())[0]

    def step(self, token=b""):
        return self.request(b"S", token)

    def inquire(self):
        return self.request(b"Q")[0]

    def export(self):
        """The context as a token; the peer has it no more."""
        return self.request(b"X")

    def take(self, token):
        """Imports a context."""
        return self.request(b"I", token)[0]

    def end(self):
        self.request(b"E")


class Outcome:
    """How one establishment went: the last answer of each side and the tokens that travelled."""

    def __init__(self):
        self.initiator = None
        self.acceptor = None
        self.tokens = []

    def established(self):
        return all(side is not None and side["error"] == "COMPLETE" for side in (self.initiator, self.acceptor))

    def errors(self):
        return tuple(side["error"] if side else "-" for side in (self.initiator, self.acceptor))

    def describe(self):
        parts = []
        for label, side in (("initiator", self.initiator), ("acceptor", self.acceptor)):
            if side is None:
                parts.append(label + " not asked")
            elif side["error"] not in ("COMPLETE", "CONTINUE_NEEDED"):
                parts.append("%s %s %s (%s)" % (label, side["call"], side["error"], side.get("minor_text", "")))
            else:
                parts.append(label + " " + side["error"])
        return "; ".join(parts)


def begin_both(initiator, acceptor, initiate_options, accept_options):
    """Begins a case on both sides; the outcome says so when a side fails already here."""
    outcome = Outcome()
    facts = initiator.begin("initiate", *initiate_options)
    if facts["error"] != "COMPLETE":
        outcome.initiator = facts
        return outcome
    facts = acceptor.begin("accept", *accept_options)
    if facts["error"] != "COMPLETE":
        outcome.acceptor = facts
    return outcome


def establish(initiator, acceptor, initiate_options, accept_options=(), alter=None):
    """Runs the exchange to its end. alter(number, token) may change a token that travels, or give None to stop."""
    outcome = begin_both(initiator, acceptor, initiate_options, accept_options)
    if outcome.initiator or outcome.acceptor:
        return outcome
    token = b""
    for number in range(12):
        side, label = (initiator, "initiator") if number % 2 == 0 else (acceptor, "acceptor")
        last = getattr(outcome, label)
        if last is not None and last["error"] not in ("COMPLETE", "CONTINUE_NEEDED"):
            break
        facts, token = side.step(token)
        setattr(outcome, label, facts)
        if alter is not None and token:
            token = alter(number, token)
            if token is None:
                break
        outcome.tokens.append(token)
        if not token:
            break
    return outcome


def send_wrapped(sender, receiver, size, conf):
    message = (b"Apex\x00\xff" * (size // 6 + 1))[:size]
    facts, token = sender.request(b"W", bytes([conf]) + message)
    label = "%s of %d octets" % ("sealed wrap" if conf else "unsealed wrap", size)
    if facts["error"] != "COMPLETE" or facts["conf"] != bool(conf):
        raise Failure("%s: gss_wrap %s %s" % (label, facts["error"], facts.get("minor_text", "")))
    if conf and size >= 16 and message in token:
        raise Failure(label + ": the message can be read in the token")
    facts, received = receiver.request(b"U", token)
    if facts["error"] != "COMPLETE":
        raise Failure("%s: gss_unwrap %s %s" % (label, facts["error"], facts.get("minor_text", "")))
    if received != message or facts["conf"] != bool(conf):
        raise Failure(label + ": unwrapped message or conf state differs")


def send_mic(sender, receiver, size):
    message = (b"Mic\x00\xfe" * (size // 5 + 1))[:size]
    facts, mic = sender.request(b"M", message)
    if facts["error"] != "COMPLETE":
        raise Failure("MIC of %d octets: gss_get_mic %s" % (size, facts["error"]))
    facts, _ = receiver.request(b"V", struct.pack(">I", len(mic)) + mic + message)
    if facts["error"] != "COMPLETE":
        raise Failure("MIC of %d octets: gss_verify_mic %s %s" % (size, facts["error"], facts.get("minor_text", "")))
    return mic


def lose_first_message(sender, receiver):
    _, token = sender.request(b"W", b"\x01lost")
    facts, _ = receiver.request(b"U", token)
    if facts["major"] != GAP_TOKEN:
        raise Failure("the first message: gss_unwrap %s instead of GSS_S_GAP_TOKEN" % facts["error"])


def exchange_messages(initiator, acceptor, sizes=SIZES):
    """Wrap, sealed and not, and MIC, both ways, in every size; then one altered MIC must be refused."""
    for sender, receiver in ((initiator, acceptor), (acceptor, initiator)):
        for size in sizes:
            send_wrapped(sender, receiver, size, 1)
            send_wrapped(sender, receiver, size, 0)
            send_mic(sender, receiver, size)
    facts, mic = initiator.request(b"M", b"true message")
    facts, _ = acceptor.request(b"V", struct.pack(">I", len(mic)) + mic + b"true massage")
    if facts["error"] != "BAD_MIC":
        raise Failure("a MIC over another message: gss_verify_mic %s instead of BAD_MIC" % facts["error"])
