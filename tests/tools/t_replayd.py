#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apex-replayd calls a request new once, whatever becomes of the engine behind it, and else says that it cannot tell."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))
sys.dont_write_bytecode = True

from realm import turn_sigterm_into_exit
from replay_cluster import (FRESH, LONG_AGO, MISUNDERSTOOD, NOT_ALLOWED, OVERLOADED, REPLAYD, SEEN, SKIPPED, STATUS,
                            UNAVAILABLE, UNKNOWING, Agent, Asker, Engine, Line, expect, names_of, something_is_missing,
                            tag, until, until_answer)
from report import Report, Skipped

NOBODY = 65534


class Cases:
    """Cases about agents and engines, which need no Kerberos. Each has a directory of its own."""

    def __init__(self, directory):
        self.directory = directory

    def agent(self, engine, *options, **more):
        return Agent(REPLAYD, self.directory, engine if isinstance(engine, str) else engine.address, *options, **more)

    def a_tag_is_fresh_once(self):
        with Engine(self.directory) as engine, self.agent(engine, "--new-engine") as agent, Asker(agent.ready()) as asker:
            expect(asker.ask(tag("one"), age=LONG_AGO), FRESH)
            expect(asker.ask(tag("one"), age=LONG_AGO), SEEN)
            expect(asker.ask(tag("two"), age=LONG_AGO), FRESH)
            expect(asker.ask(tag("brief"), lifetime=200), FRESH)
            expect(asker.ask(tag("brief"), lifetime=200), SEEN)
            time.sleep(0.3)
            expect(asker.ask(tag("brief"), lifetime=200), FRESH)

    def the_engine_may_listen_on_a_unix_socket(self):
        with Engine(self.directory) as engine, \
                self.agent("unix:" + os.path.join(engine.directory, "sock")) as agent, Asker(agent.ready()) as asker:
            expect(asker.ask(tag("one")), FRESH)
            expect(asker.ask(tag("one")), SEEN)

    def one_of_three_agents_calls_a_tag_fresh_in_10000_rounds(self):
        with Engine(self.directory) as engine, self.agent(engine, name="a") as one, self.agent(engine, name="b") as two, \
                self.agent(engine, name="c") as three:
            askers = [Asker(each.ready()) for each in (one, two, three)]
            start = time.monotonic()
            for number in range(10000):
                for asker in askers:
                    asker.send(tag("round %d" % number))
                answers = sorted(asker.receive()[0] for asker in askers)
                if answers != [FRESH, SEEN, SEEN]:
                    raise AssertionError("round %d: %s" % (number, [STATUS[each] for each in answers]))
            print("# 10000 rounds in %.1f s" % (time.monotonic() - start))
            for asker in askers:
                asker.socket.close()

    def many_questions_travel_together(self):
        with Engine(self.directory) as engine, self.agent(engine) as agent:
            agent.ready()
            counts = []

            def work(name):
                with Asker(agent) as asker:
                    for number in range(100):
                        for each in range(50):
                            asker.send(tag("%s %d %d" % (name, number, each)))
                        counts.append(sum(asker.receive()[0] == FRESH for _ in range(50)))
            start = time.monotonic()
            threads = [threading.Thread(target=work, args=("thread %d" % each,)) for each in range(4)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            print("# %d answers in %.2f s" % (sum(counts), time.monotonic() - start))
            assert sum(counts) == 20000, sum(counts)

    def an_engine_that_is_new_cannot_tell_of_the_past(self):
        with Engine(self.directory) as engine, self.agent(engine) as agent, Asker(agent.ready()) as asker:
            expect(asker.ask(tag("old"), age=LONG_AGO), UNKNOWING, "remembers the last", "610 s ago")
            time.sleep(2.2)
            expect(asker.ask(tag("young"), age=1000), FRESH)

    def an_engine_that_is_killed_and_started_empty_cannot_tell(self):
        with Engine(self.directory) as engine, self.agent(engine, "--new-engine") as agent, Asker(agent.ready()) as asker:
            expect(asker.ask(tag("before"), age=LONG_AGO), FRESH)
            engine.kill()
            text = until_answer(agent, "down", UNAVAILABLE, age=LONG_AGO)
            assert engine.address in text and "onnection" in text, text
            engine.start()  # no engine is called new twice
            until_answer(agent, "up", UNKNOWING, age=LONG_AGO)
            expect(asker.ask(tag("before"), age=LONG_AGO), UNKNOWING)
            expect(asker.ask(tag("after"), age=0), FRESH)

    def an_engine_that_is_emptied_is_noticed_before_the_next_answer(self):
        with Engine(self.directory) as engine, self.agent(engine, "--new-engine") as agent, Asker(agent.ready()) as asker:
            for number in range(20):
                expect(asker.ask(tag("kept %d" % number), age=LONG_AGO), FRESH)
            engine.command("FLUSHALL")
            for number in range(20):
                status, text = asker.ask(tag("kept %d" % number), age=LONG_AGO)
                assert status in (UNKNOWING, UNAVAILABLE), (number, STATUS[status], text)

    def an_older_snapshot_cannot_tell(self):
        with Engine(self.directory) as engine, self.agent(engine, "--new-engine") as agent, Asker(agent.ready()) as asker:
            engine.command("SAVE")  # the marker is in it
            expect(asker.ask(tag("after the snapshot"), age=LONG_AGO), FRESH)
            agent.kill()
            engine.kill()
            engine.start()
            assert "apex:replay:since" in engine.command("KEYS", "*")
            with self.agent(engine, name="second") as second, Asker(second.ready()) as asker:
                expect(asker.ask(tag("after the snapshot"), age=LONG_AGO), UNKNOWING)

    def a_durable_engine_is_trusted_after_a_restart(self):
        options = ("--appendonly", "yes", "--appendfsync", "always")
        with Engine(self.directory, *options) as engine:
            with self.agent(engine, "--new-engine", "--durable-engine") as agent, Asker(agent.ready()) as asker:
                expect(asker.ask(tag("kept"), age=LONG_AGO), FRESH)
            engine.kill()
            engine.start()
            with self.agent(engine, "--durable-engine", name="second") as second, Asker(second.ready()) as asker:
                expect(asker.ask(tag("kept"), age=LONG_AGO), SEEN)
                expect(asker.ask(tag("new"), age=LONG_AGO), FRESH)

    def a_paused_engine_is_given_up_and_known_again(self):
        with Engine(self.directory) as engine, self.agent(engine, "--new-engine", "--engine-timeout", "300") as agent, \
                Asker(agent.ready()) as asker:
            expect(asker.ask(tag("before"), age=LONG_AGO), FRESH)
            engine.signal(signal.SIGSTOP)
            start = time.monotonic()
            expect(asker.ask(tag("meanwhile"), age=LONG_AGO), UNAVAILABLE, engine.address, "no answer within 300 ms")
            assert 0.2 < time.monotonic() - start < 3, time.monotonic() - start
            engine.signal(signal.SIGCONT)
            until_answer(agent, "again", FRESH, age=LONG_AGO)
            expect(asker.ask(tag("before"), age=LONG_AGO), SEEN)

    def a_replica_that_takes_over_cannot_tell(self):
        with Engine(self.directory) as first, \
                Engine(self.directory, "--replicaof", "127.0.0.1", str(first.port), name="replica") as second, \
                Line(first.port) as line, self.agent(line.address, "--new-engine") as agent:
            until(lambda: "master_link_status:up" in second.command("INFO", "replication"))
            with self.agent(second, name="wrong") as wrong:
                until(lambda: 'its role is "slave"' in wrong.lines())
            agent.ready()
            agent.kill()
            with self.agent(line.address, name="after") as agent, Asker(agent.ready()) as asker:
                expect(asker.ask(tag("before"), age=LONG_AGO), FRESH)
                second.command("REPLICAOF", "NO", "ONE")
                line.target = second.port
                line.break_off()
                until_answer(agent, "after", UNKNOWING, age=LONG_AGO)
                expect(asker.ask(tag("new"), age=0), FRESH)

    def an_engine_whose_clock_is_set_forward_is_noticed_before_the_next_answer(self):
        with Engine(self.directory) as engine, Line(engine.port) as line, \
                self.agent(line.address, "--new-engine") as agent, Asker(agent.ready()) as asker:
            for number in range(20):
                expect(asker.ask(tag("before %d" % number), age=LONG_AGO), FRESH)
            line.ahead = 60
            expect(asker.ask(tag("after"), age=LONG_AGO), UNKNOWING, "remembers the last 0 s")
            expect(asker.ask(tag("later"), age=LONG_AGO), UNKNOWING)
            expect(asker.ask(tag("later"), age=0), FRESH)

    def a_cut_line_is_given_up(self):
        with Engine(self.directory) as engine, Line(engine.port) as line, \
                self.agent(line.address, "--new-engine", "--engine-timeout", "300") as agent, \
                Asker(agent.ready()) as asker:
            expect(asker.ask(tag("before"), age=LONG_AGO), FRESH)
            line.target = None
            expect(asker.ask(tag("meanwhile"), age=LONG_AGO), UNAVAILABLE, line.address, "no answer within 300 ms")
            line.target = engine.port
            until_answer(agent, "again", FRESH, age=LONG_AGO)
            expect(asker.ask(tag("before"), age=LONG_AGO), SEEN)

    def noise_instead_of_an_engine_is_told(self):
        with Line(None) as line:
            line.garbage = b"SSH-2.0-OpenSSH_9.2\r\n"
            with self.agent(line.address) as agent:
                text = until_answer(agent, "noise", UNAVAILABLE)
                assert "no reply of Redis" in until_text(agent, "no reply of Redis"), text
            line.garbage = b"+OK\r\n" * 10
            with self.agent(line.address, name="second") as agent:
                assert "run_id" in until_text(agent, "run_id")

    def an_engine_that_evicts_is_refused(self):
        with Engine(self.directory, "--maxmemory-policy", "allkeys-lru") as engine, self.agent(engine) as agent:
            text = until_text(agent, "allkeys-lru")
            assert "set noeviction" in text, text
            engine.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            until_answer(agent, "right", FRESH)
            engine.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
            until_text(agent, "volatile-ttl")

    def a_full_engine_refuses(self):
        with Engine(self.directory) as engine, self.agent(engine) as agent, Asker(agent.ready()) as asker:
            expect(asker.ask(tag("one")), FRESH)
            engine.command("CONFIG", "SET", "maxmemory", "1")
            expect(asker.ask(tag("two")), UNAVAILABLE, "it refuses: OOM")

    def the_password_must_be_right(self):
        with Engine(self.directory, "--requirepass", "open sesame") as engine:
            file = self.secret("password", "open sesame\n")
            with self.agent(engine, "--password-file", file) as agent, Asker(agent.ready()) as asker:
                expect(asker.ask(tag("one")), FRESH)
                with open("/proc/%d/cmdline" % agent.process.pid, "rb") as command:
                    assert b"sesame" not in command.read()
                assert "sesame" not in agent.lines()
            with self.agent(engine, "--password-file", self.secret("wrong", "close sesame\n"), name="wrong") as agent:
                text = until_text(agent, "does not take the password")
                assert "sesame" not in text, text
            with self.agent(engine, name="none") as agent:
                until_text(agent, "NOAUTH")
            os.chmod(file, 0o644)
            with self.agent(engine, "--password-file", file, name="open") as agent:
                assert agent.process.wait(5) == 1
                assert "others can neither read" in agent.lines(), agent.lines()

    def tls_is_spoken_with_the_right_engine_only(self):
        authority, certificate, key = self.certificates()
        tls = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority,
               "--tls-auth-clients", "no")
        with Engine(self.directory, tls=tls) as engine:
            with self.agent(engine, "--tls", "--tls-ca", authority) as agent, Asker(agent.ready()) as asker:
                expect(asker.ask(tag("one")), FRESH)
                expect(asker.ask(tag("one")), SEEN)
            with self.agent(engine, "--tls", name="untrusted") as agent:
                until_text(agent, "not trusted")
            with self.agent(engine, "--tls", "--tls-ca", authority, "--tls-name", "other.test", name="other") as agent:
                until_text(agent, "mismatch")
            with self.agent(engine, "--engine-timeout", "300", name="bare") as agent:
                until_answer(agent, "bare", UNAVAILABLE)

    def a_client_certificate_is_shown(self):
        authority, certificate, key = self.certificates()
        tls = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority)
        options = ("--tls", "--tls-ca", authority)
        with Engine(self.directory, tls=tls) as engine:
            with self.agent(engine, *options, "--tls-cert", certificate, "--tls-key", key) as agent:
                agent.ready()
            with self.agent(engine, *options, name="without") as agent:
                until_answer(agent, "without", UNAVAILABLE)

    def too_many_questions_are_turned_away(self):
        with Engine(self.directory) as engine, self.agent(engine, "--engine-timeout", "2000") as agent, \
                Asker(agent.ready()) as asker:
            engine.signal(signal.SIGSTOP)
            for number in range(100):
                asker.send(tag("flood %d" % number))
            expect(asker.receive(), OVERLOADED, "wait already")
            engine.signal(signal.SIGCONT)
            answers = [asker.receive()[0] for _ in range(99)]
            assert answers.count(FRESH) == 64 and answers.count(OVERLOADED) == 35, answers

    def what_is_no_question_is_answered_so(self):
        with Engine(self.directory) as engine, self.agent(engine) as agent, Asker(agent.ready()) as asker:
            asker.send(tag("one"), version=2)
            expect(asker.receive(), MISUNDERSTOOD, "no question of version 1")
            expect(asker.ask(tag("one"), lifetime=0), MISUNDERSTOOD)
            expect(asker.ask(tag("one"), lifetime=8 * 24 * 3600 * 1000), MISUNDERSTOOD)
            expect(asker.ask(tag("one")), FRESH)
            for octets in (b"x", os.urandom(63), os.urandom(65), os.urandom(60000)):
                with Asker(agent) as other:
                    other.socket.send(octets)
                    assert other.socket.recv(300)[5] == MISUNDERSTOOD
            expect(asker.ask(tag("one")), SEEN)

    def a_client_that_takes_no_answers_hurts_nobody(self):
        with Engine(self.directory) as engine, self.agent(engine) as agent, Asker(agent.ready()) as asker:
            with Asker(agent, timeout=0.2) as deaf:
                try:
                    for number in range(100000):
                        deaf.send(tag("deaf %d" % number))
                except OSError:
                    pass
                expect(asker.ask(tag("one")), FRESH)
            with open("/proc/%d/status" % agent.process.pid, encoding="ascii") as file:
                resident = [int(line.split()[1]) for line in file if line.startswith("VmRSS")][0]
            assert resident < 60000, resident

    def only_those_who_may_ask_are_answered(self):
        if os.geteuid() != 0:
            raise Skipped("only root can become another user")
        with Engine(self.directory) as engine:
            for options, allowed in (((), True), (("--allow-user", "daemon"), False), (("--allow-user", "nobody"), True),
                                     (("--allow-group", "daemon"), False), (("--allow-group", "nogroup"), True)):
                with self.agent(engine, *options) as agent:
                    agent.ready()
                    status = as_nobody(agent)
                    assert status == (FRESH if allowed else NOT_ALLOWED), (options, STATUS[status])
                    engine.command("DEL", "apex:replay:" + tag("nobody's").hex())

    def systemd_may_hand_over_the_socket(self):
        place = os.path.join(self.directory, "activated.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(place)
        listener.listen(8)
        prefix = ["sh", "-c", 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"' % listener.fileno(), "sh"]
        with Engine(self.directory) as engine, \
                self.agent(engine, name="activated.other", prefix=prefix, pass_fds=[listener.fileno()]) as agent:
            assert "the socket that systemd gave" in agent.lines(), agent.lines()
            agent.socket = place
            with Asker(agent.ready()) as asker:
                expect(asker.ask(tag("one")), FRESH)
        assert os.path.exists(place)
        listener.close()

    def a_socket_of_a_killed_agent_is_taken_over_and_that_of_a_living_one_is_not(self):
        with Engine(self.directory) as engine, self.agent(engine) as agent:
            with self.agent(engine) as second:
                assert second.process.wait(5) == 1
                assert "somebody listens there already" in second.lines()
            agent.kill()
            with self.agent(engine) as third, Asker(third.ready()) as asker:
                expect(asker.ask(tag("one")), FRESH)
            assert not os.path.exists(third.socket)

    def secret(self, name, text):
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        return path

    def certificates(self):
        """An authority and a certificate for 127.0.0.1 with its key."""
        paths = [os.path.join(self.directory, name) for name in ("ca.pem", "cert.pem", "key.pem", "ca.key", "csr", "ext")]
        authority, certificate, key, authority_key, request, extensions = paths
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName = IP:127.0.0.1\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        for command in (["req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-subj", "/CN=test"],
                        ["req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=engine"],
                        ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial",
                         "-out", certificate, "-extfile", extensions]):
            subprocess.run(["openssl", *command], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return authority, certificate, key


def until_text(agent, part):
    """Waits until an answer tells of this."""
    def ask():
        with Asker(agent) as asker:
            answer = asker.ask(tag("why"))
            return answer[1] if part in answer[1] else None
    return until(ask)


def as_nobody(agent):
    """The status of the answer that the user nobody gets."""
    child = os.fork()
    if child == 0:
        status = 0
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with Asker(agent) as asker:
                status = asker.ask(tag("nobody's"))[0]
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    if something_is_missing():
        return SKIPPED
    turn_sigterm_into_exit()
    report = Report()
    for name in names_of(Cases, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="apex-replayd-") as directory:
            os.chmod(directory, 0o755)
            report.case(name.replace("_", " "), getattr(Cases(directory), name))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
