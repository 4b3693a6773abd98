# SPDX-License-Identifier: MIT
"""What a cluster that shares its replays is made of: engines, agents, a line between them that can fail, and questions."""
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

from realm import end_process, free_port

FRESH, SEEN, UNAVAILABLE, UNKNOWING, OVERLOADED, NOT_ALLOWED, MISUNDERSTOOD = range(1, 8)
STATUS = dict(enumerate("fresh seen unavailable unknowing overloaded not_allowed misunderstood".split(), 1))
LONG_AGO = 610000
REPLAYD = os.path.join(os.environ.get("APEX_BUILD", ""), "apex-replayd")
SKIPPED = 77


def until(condition, patience=10.0):
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


class Engine:
    """A redis-server of our own on loopback, without any file unless the options ask for one."""

    def __init__(self, directory, *options, name="engine", tls=()):
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, exist_ok=True)
        self.options = options
        self.port = free_port()
        self.tls = tls
        self.process = None
        self.start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self, *more):
        ports = ["--port", "0", "--tls-port", str(self.port), *self.tls] if self.tls else ["--port", str(self.port)]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", *ports, "--bind", "127.0.0.1", "--dir", self.directory, "--save", "", "--daemonize", "no",
                 "--unixsocket", os.path.join(self.directory, "sock"), *self.options, *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: "PONG" in self.command("PING", check=False) or "NOAUTH" in self.command("PING", check=False))

    def command(self, *words, check=True):
        done = subprocess.run(["redis-cli", "-s", os.path.join(self.directory, "sock"), *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10)
        if check and (done.returncode != 0 or "ERR" in done.stdout):
            raise AssertionError("redis-cli %s: %s" % (" ".join(words), done.stdout))
        return done.stdout

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        return False


class Agent:
    """An apex-replayd of our own."""

    started = 0

    def __init__(self, program, directory, engine, *options, name="agent", prefix=(), **more):
        self.socket = os.path.join(directory, name + ".sock")
        self.directory = directory
        self.command = [*prefix, program, "--engine", engine, *options]
        self.more = more
        self.process = None
        self.log = None
        self.start()

    def start(self):
        Agent.started += 1
        self.log = os.path.join(self.directory, "agent.%d.log" % Agent.started)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*self.command, "--socket", self.socket], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, **self.more)
        until(lambda: "listening at" in self.lines() or self.process.poll() is not None)

    def lines(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ready(self):
        try:
            until(lambda: "can be used; it" in self.lines())
        except AssertionError as error:
            raise AssertionError("the agent is not ready: %s" % self.lines()) from error
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        end_process(self.process)
        return False


class Asker:
    """One connection to an agent, as the module has it."""

    def __init__(self, agent, timeout=5.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(agent.socket)
        self.number = 0

    def send(self, tag, lifetime=LONG_AGO, age=0, version=1):
        self.number += 1
        self.socket.send(struct.pack(">4sB3xQ32sQQ", b"ApxQ", version, self.number, tag, lifetime, age))

    def receive(self):
        """The status and text of an answer to any question."""
        packet = self.socket.recv(300)
        if not packet:
            raise AssertionError("the agent closed the connection")
        mark, version, status, number = struct.unpack(">4sBBxxQ", packet[:16])
        assert (mark, version) == (b"ApxA", 1) and 0 < number <= self.number, packet
        return status, packet[16:].decode("ascii")

    def ask(self, tag, lifetime=LONG_AGO, age=0):
        self.send(tag, lifetime, age)
        return self.receive()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.socket.close()
        return False


class Line:
    """A TCP line to an engine that can be slow, be cut, lead elsewhere, or change the time that the engine tells."""

    def __init__(self, target):
        self.target = target  # port, or None: nobody answers
        self.delay = 0.0
        self.garbage = None
        self.ahead = 0  # seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(near)
            if self.garbage is not None:
                near.sendall(self.garbage)
            elif self.target is not None:
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                self.open.append(far)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source, sink):
        try:
            while True:
                octets = source.recv(65536)
                if not octets:
                    break
                time.sleep(self.delay)
                if self.target is not None:  # a cut line loses what is sent
                    sink.sendall(re.sub(rb"(\*2\r\n\$10\r\n)(\d{10})", self._shift, octets))
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _shift(self, reply):
        return reply[1] + b"%d" % (int(reply[2]) + self.ahead)

    def break_off(self):
        """Ends what is connected."""
        for each in self.open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        self.open = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.listener.close()
        self.break_off()
        return False


def tag(text):
    return text.encode().ljust(32, b".")[:32]


def expect(answer, status, *words):
    if answer[0] != status:
        raise AssertionError("%s instead of %s: %s" % (STATUS[answer[0]], STATUS[status], answer[1]))
    for word in words:
        if word not in answer[1]:
            raise AssertionError("the text lacks %r: %s" % (word, answer[1]))


def until_answer(agent, text, status, patience=10.0, **more):
    """Asks with ever new tags until the answer has this status; gives its text."""
    count = iter(range(1000000))

    def ask():
        with Asker(agent) as asker:
            answer = asker.ask(tag("%s %d" % (text, next(count))), **more)
            return answer if answer[0] == status else None
    return until(ask, patience)[1]


def names_of(kind, wanted):
    names = [name for name in vars(kind) if "_" in name and not name.startswith("_")]
    return [name for name in names if not wanted or name in wanted]


def something_is_missing():
    """Whether this cannot be tried here; says what is needed."""
    if os.access(REPLAYD, os.X_OK) and shutil.which("redis-server"):
        return False
    print("skip: needs apex-replayd, built with hiredis, and redis-server")
    return True
