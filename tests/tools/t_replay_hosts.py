#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Three hosts of a cluster accept a request once, by real requests of a real client.

A host is a replay store, an agent and an acceptor of its own. APEX_REPLAYD_ROUNDS is how often one request goes to three
hosts at once; without it that goes on for a few seconds.
"""
import os
import shutil
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))
sys.dont_write_bytecode = True

from peer import Peer, build_c_peer
from realm import HOST, Environment, Realm, turn_sigterm_into_exit
from replay_cluster import (REPLAYD, SKIPPED, UNAVAILABLE, Agent, Engine, Line, names_of, something_is_missing,
                            until_answer)
from report import Report

SERVICE = "http/" + HOST
TARGET = "http@" + HOST
SECONDS = 8.0
REPLAY = 34 - 1765328384


class Host:
    """One host of the cluster: its store, its agent, its settings and an acceptor."""

    def __init__(self, realm, environment, name, agent, **settings):
        self.realm = realm
        self.store = realm.path("store." + name)
        if not os.path.isdir(self.store):
            os.mkdir(self.store)
        self.agent = agent
        lines = {"replay_directory": self.store, "replay_agent": agent.socket, "replay_agent_timeout": "2000", **settings}
        self.trace = realm.path("trace." + name)
        lines["trace"] = self.trace
        conf = realm.configuration(name + ".conf", apex="\n    ".join("%s = %s" % each for each in lines.items()))
        self.env = environment(keytab=realm.keytab, KRB5_CONFIG=conf)
        self.peer = Peer([build_c_peer("mit")], self.env)

    def accept(self, token):
        facts = self.peer.begin("accept")
        assert facts["error"] == "COMPLETE", facts
        return self.peer.step(token)[0]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        return self.peer.__exit__(kind, value, trace)


class Cluster:
    """Cases with three hosts, by real requests of a real client."""

    def __init__(self, realm):
        self.realm = realm
        self.environment = Environment(realm, "apex")
        self.client = Peer([build_c_peer("mit")], self.environment())

    def token(self):
        facts = self.client.begin("initiate", "--service", TARGET, "--mutual")
        assert facts["error"] == "COMPLETE", facts
        return self.client.step()[1]

    def host(self, name, agent, **settings):
        return Host(self.realm, self.environment, name, agent, **settings)

    def agent(self, engine, name, *options):
        return Agent(REPLAYD, self.realm.directory, engine if isinstance(engine, str) else engine.address,
                     "--new-engine", *options, name=name)

    def one_of_three_hosts_accepts(self):
        rounds = int(os.environ.get("APEX_REPLAYD_ROUNDS", "0"))
        with Engine(self.realm.directory) as engine, self.agent(engine, "a") as one, self.agent(engine, "b") as two, \
                self.agent(engine, "c") as three:
            with self.host("a", one.ready()) as a, self.host("b", two.ready()) as b, self.host("c", three.ready()) as c:
                start = time.monotonic()
                number = 0
                while number < rounds if rounds else time.monotonic() < start + SECONDS:
                    self.present((a, b, c), number)
                    number += 1
                print("# %d rounds in %.1f s" % (number, time.monotonic() - start))

    def present(self, hosts, number):
        token = self.token()
        outcomes = [None] * len(hosts)

        def show(index):
            outcomes[index] = hosts[index].accept(token)
        threads = [threading.Thread(target=show, args=(index,)) for index in range(len(hosts))]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        accepted = [each for each in outcomes if each["error"] == "COMPLETE"]
        refused = [each for each in outcomes if signed(each["minor"]) == REPLAY]
        if len(accepted) != 1 or len(refused) != len(hosts) - 1:
            raise AssertionError("round %d: %s" % (number, outcomes))

    def a_replay_to_another_host_is_told(self):
        with Engine(self.realm.directory) as engine, self.agent(engine, "a") as one:
            with self.host("a", one.ready()) as a, self.host("b", one) as b:
                token = self.token()
                assert a.accept(token)["error"] == "COMPLETE"
                must_refuse(b.accept(token), REPLAY, "another host")
                must_refuse(a.accept(token), REPLAY)
                with open(b.trace, encoding="utf-8") as trace:
                    assert "agent " + one.socket in trace.read()

    def a_host_that_comes_back_refuses_what_it_accepted(self):
        with Engine(self.realm.directory) as engine, self.agent(engine, "a") as one:
            token = self.token()
            with self.host("a", one.ready()) as a:
                assert a.accept(token)["error"] == "COMPLETE"
            one.kill()
            engine.kill()
            engine.start()  # empty, and called new
            one.start()
            with self.host("a", one.ready()) as a:
                must_refuse(a.accept(token), REPLAY)
                assert a.accept(self.token())["error"] == "COMPLETE"

    def no_agent_refuses_or_goes_alone_as_configured(self):
        with Engine(self.realm.directory) as engine, self.agent(engine, "a") as one:
            one.ready()
            with self.host("a", one) as a, self.host("b", one, replay_agent_failure="local") as b:
                assert a.accept(self.token())["error"] == "COMPLETE"
                one.kill()
                token = self.token()
                must_refuse(a.accept(token), None, one.socket, "refused", "systemctl start apex-replayd.socket")
                assert b.accept(token)["error"] == "COMPLETE"
                must_refuse(b.accept(token), REPLAY)
                with open(b.trace, encoding="utf-8") as trace:
                    assert "this machine's alone" in trace.read()
                one.start()
                one.ready()
                must_refuse(a.accept(token), REPLAY)  # it is remembered though it was refused
                assert a.accept(self.token())["error"] == "COMPLETE"

    def no_engine_refuses_or_goes_alone_as_configured(self):
        with Engine(self.realm.directory) as engine, self.agent(engine, "a") as one:
            one.ready()
            with self.host("a", one) as a, self.host("b", one, replay_agent_failure="local") as b:
                engine.kill()
                until_answer(one, "down", UNAVAILABLE)
                token = self.token()
                must_refuse(a.accept(token), None, one.socket, engine.address, "repair the engine")
                assert b.accept(token)["error"] == "COMPLETE"
                must_refuse(b.accept(token), REPLAY)

    def a_slow_engine_is_waited_for_no_longer_than_configured(self):
        with Engine(self.realm.directory) as engine, Line(engine.port) as line, \
                self.agent(line.address, "a", "--engine-timeout", "5000") as one:
            one.ready()
            line.delay = 0.1
            with self.host("a", one, replay_agent_timeout="20") as hasty, self.host("b", one) as patient:
                token = self.token()
                must_refuse(hasty.accept(token), None, one.socket, "no answer within 20 ms", "replay_agent_timeout")
                time.sleep(0.5)
                must_refuse(patient.accept(token), REPLAY)  # the question was heard: who was refused comes again
                assert patient.accept(self.token())["error"] == "COMPLETE"

    def an_engine_that_forgot_refuses(self):
        with Engine(self.realm.directory) as engine, \
                Agent(REPLAYD, self.realm.directory, engine.address, name="a") as one:
            with self.host("a", one.ready()) as a:
                must_refuse(a.accept(self.token()), None, one.socket, "remembers the last", "wait")


def signed(minor):
    return minor - (1 << 32) if minor >= 1 << 31 else minor


def must_refuse(facts, minor, *words):
    if facts["error"] != "FAILURE" or (minor is not None and signed(facts["minor"]) != minor):
        raise AssertionError(facts)
    for word in words:
        if word not in facts["minor_text"]:
            raise AssertionError("the text lacks %r: %s" % (word, facts["minor_text"]))


def main():
    if something_is_missing() or not os.environ.get("APEX_MODULE"):
        return SKIPPED
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        realm.add_user()
        realm.add_service(SERVICE, [18])
        realm.kinit()
        realm.fetch_ticket(SERVICE)
        cluster = Cluster(realm)
        for name in names_of(Cluster, sys.argv[1:]):
            report.case(name.replace("_", " "), getattr(cluster, name))
            shutil.rmtree(realm.path("store.a"), ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
