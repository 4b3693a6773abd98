#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A service in front that acts for its users towards one at the back ([MS-SFU]): by resource-based delegation, where the
back says who may, and for users whom it knows by their certificates only.

MIT's own mechanism is the measure: it runs every case first, and majors and minors of refusals are those that it gave.
The texts are judged for Apex only.
"""
import collections
import itertools
import os
import sys

from gss import (ACCEPT, BOTH, CERTIFICATE, ENTERPRISE, INITIATE, PRINCIPAL, Context, Credential, Refused, apart,
                 import_name, log_in)
from peer import Failure, Peer, build_c_peer
from delegation_realm import DelegationRealm, lacking
from realm import HOST, REALM, USER, Environment, mechanism_under_test, served_by_apex, turn_sigterm_into_exit
from report import Report

KRB5 = -1765328384
BAD_OPTION = KRB5 + 13
CLIENT_UNKNOWN = KRB5 + 6
INVALID_CERTIFICATE = KRB5 + 71
FRONT, BACK, OTHER = "http/" + HOST, "nfs/" + HOST, "imap/" + HOST
FRONT_NAME, BACK_NAME = "http@" + HOST, "nfs@" + HOST
ALICE = USER + "@" + REALM
CAROL = r"carol\@corp.test@" + REALM
MESSAGE = b"on behalf of a user"
# Who the user is, and how the front comes by a credential of hers; the function runs in the front's process.
Evidence = collections.namedtuple("Evidence", "who client obtain")


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Stage:
    """The realm, the two services' keytabs, the front's tickets, and what MIT's mechanism answered."""

    def __init__(self, realm, kinds):
        self.realm = realm
        self.environments = {kind: Environment(realm, kind) for kind in kinds}
        self.front_keytab, self.back_keytab = realm.path("front.keytab"), realm.path("back.keytab")
        self.front_ccache, self.rigid_ccache = realm.path("front.ccache"), realm.path("rigid.ccache")
        self.certificates = {}
        self.measured = {}

    def prepare(self):
        realm = self.realm
        realm.add_user()
        realm.add_user(CAROL)
        realm.add_service(FRONT, keytab=self.front_keytab)
        realm.add_service(BACK, keytab=self.back_keytab)
        realm.kinit()
        realm.run(["kinit", "-F", "-c", self.rigid_ccache, USER], realm.base_environment(), text="secret\n")
        realm.run(["kinit", "-f", "-k", "-t", self.front_keytab, "-c", self.front_ccache, FRONT], realm.base_environment())
        known = realm.make_certificate("known", USER)
        realm.register(known, USER)
        self.certificates = {"known": known, "unknown": realm.make_certificate("unknown", USER), "cut": known[:-1]}

    def in_front(self, kind, function, *arguments):
        """Runs a function in the front's process; it must have been served by the mechanism of that kind."""
        def watched():
            return function(*arguments), served_by_apex(os.getpid())
        result, apex = apart(self.environments[kind](ccache=self.front_ccache, keytab=self.front_keytab), watched)
        expect(apex == (kind == "apex"), "mech_apex.so is %smapped" % ("" if apex else "not "))
        return result

    def service(self, kind, keytab):
        """A process of the service that has the keytab, and awaits a login."""
        peer = Peer([build_c_peer("mit")], self.environments[kind](ccache=self.realm.path("none"), keytab=keytab))
        facts = peer.begin("accept")
        expect(facts["error"] == "COMPLETE", "the acceptor: %s" % facts)
        return peer

    def log(self):
        return self.realm.read("kdc.log")


# How the front comes by the credential of a user.

def by_login(ccache):
    alice = Credential(store={"ccache": "FILE:" + ccache})
    return Credential.delegated_to(log_in(Context(alice, import_name(FRONT_NAME)), Context(Credential(BOTH))))


def by_name(user, kind):
    return Credential.on_behalf_of(import_name(user, kind), Credential())


def by_certificate(certificate, way=Credential.on_behalf_of):
    return way(import_name(certificate, CERTIFICATE), Credential())


def checked(evidence):
    """The credential, which says whose it is and who acts with it."""
    credential = evidence.obtain()
    expect(credential.name() == evidence.client, "the credential is of " + credential.name())
    expect(credential.impersonator() == FRONT + "@" + REALM, "the impersonator is " + credential.impersonator())
    return credential


# What the front does with it.

def reach(evidence, target, peer):
    """Logs in to a peer with the credential of a user, and sends it a message."""
    context = Context(checked(evidence), import_name(target))
    token, _ = context.step()
    facts, answer = peer.step(token)
    expect(facts["error"] == "COMPLETE", "the acceptor: %s" % facts)
    expect(not context.step(answer)[1], "the initiator awaits more")
    facts, message = peer.request(b"U", context.wrap(MESSAGE))
    expect(message == MESSAGE, "the message: %s" % facts)


def refusal(function, *arguments):
    """The call that was refused, its major, minor and text."""
    try:
        function(*arguments)
    except Refused as refused:
        return str(refused).partition(":")[0], refused.error, refused.minor, refused.text
    raise Failure("nothing was refused")


def refused_token(evidence):
    return refusal(Context(checked(evidence), import_name(BACK_NAME)).step)


def acts_for_user(stage, pair, evidence, target, keytab, kdc_says):
    known = len(stage.log())
    with stage.service(pair[1], keytab) as peer:
        stage.in_front(pair[0], reach, evidence, target, peer)
        facts = peer.inquire()
        expect(facts["source"] == evidence.client, "the acceptor sees %s" % facts["source"])
        expect(peer.hello()["apex"] == (pair[1] == "apex"), "the acceptor is not served by " + pair[1])
    told = stage.log()[known:]
    expect(kdc_says + " s4u-client=" + evidence.client in told, "the KDC tells of no such request: " + told[-400:])


def reaches_back(stage, pair, evidence):
    acts_for_user(stage, pair, evidence, BACK_NAME, stage.back_keytab, "CONSTRAINED-DELEGATION")


def reaches_itself(stage, pair, evidence):
    acts_for_user(stage, pair, evidence, FRONT_NAME, stage.front_keytab, "PROTOCOL-TRANSITION")


def same_refusal(stage, kind, what, expected, words, function, *arguments):
    """MIT's mechanism is asked first; call, major and minor must be the same."""
    *found, text = stage.in_front(kind, function, *arguments)
    print("#   %s: %s" % (kind, text), flush=True)
    measured = stage.measured.setdefault(what, found)
    expect(found == measured, "%s instead of %s" % (found, measured))
    expect(found == list(expected), "%s instead of %s" % (found, list(expected)))
    if kind == "apex":
        expect(all(word in text for word in words), "it does not tell of %s: %s" % (words, text))


def not_allowed(stage, kind, what, evidence):
    """The back's entry names nobody, or somebody else, or the evidence is not forwardable."""
    same_refusal(stage, kind, (what, evidence.who), ("gss_init_sec_context", "FAILURE", BAD_OPTION),
                 (evidence.client, FRONT + "@" + REALM, BACK + "@" + REALM, "S4U2Proxy", "perhaps it is not allowed to",
                  "KDC can't fulfill requested option"), refused_token, evidence)


def certificate_refused(stage, kind, what, minor, call, way):
    same_refusal(stage, kind, (what, call), (call, "FAILURE", minor), ("certificate", FRONT + "@" + REALM, "S4U2Self"),
                 refusal, by_certificate, stage.certificates[what], way)


def serves_nothing_else(stage, kind):
    """A certificate's name is for the KDC: nobody's cache, keytab or service is called so."""
    def named():
        return import_name(stage.certificates["known"], CERTIFICATE)

    def answers():
        asked = [(Credential, INITIATE, named()), (Credential, ACCEPT, named()), (Context(target=named()).step,)]
        return [refusal(*call)[:3] for call in asked]
    found = stage.in_front(kind, answers)
    measured = stage.measured.setdefault("elsewhere", found)
    expect(found == measured, "%s instead of %s" % (found, measured))


def delegations(report, stage, pairs):
    users = [Evidence("who logged in", ALICE, lambda: by_login(stage.realm.ccache)),
             Evidence("known by name", ALICE, lambda: by_name(USER, PRINCIPAL)),
             Evidence("known by enterprise name", CAROL, lambda: by_name("carol@corp.test", ENTERPRISE)),
             Evidence("known by certificate", ALICE, lambda: by_certificate(stage.certificates["known"]))]
    rigid = Evidence("whose ticket is not forwardable", ALICE, lambda: by_login(stage.rigid_ccache))
    stage.realm.allow(FRONT, BACK)
    for pair, user in itertools.product(pairs, users):
        report.case("%s to %s: resource-based delegation for a user %s" % (*pair, user.who), reaches_back, stage, pair, user)
    for kind in stage.environments:
        report.case("%s: no delegation for a user %s" % (kind, rigid.who), not_allowed, stage, kind, "allowed", rigid)
    for what, forbid in (("without an entry at the back", lambda: stage.realm.disallow(BACK)),
                         ("with an entry for another service", lambda: stage.realm.allow(OTHER, BACK))):
        forbid()
        for kind, user in itertools.product(stage.environments, users):
            report.case("%s: %s, no delegation for a user %s" % (kind, what, user.who), not_allowed, stage, kind, what, user)


def certificates(report, stage, pairs):
    calls = [("gss_acquire_cred_impersonate_name", Credential.on_behalf_of),
             ("gss_add_cred_impersonate_name", Credential.added_on_behalf_of)]
    for pair, (call, way) in itertools.product(pairs, calls):
        user = Evidence(call, ALICE, lambda way=way: by_certificate(stage.certificates["known"], way))
        report.case("%s to %s: %s by certificate" % (*pair, call), reaches_itself, stage, pair, user)
    for kind, (call, way) in itertools.product(stage.environments, calls):
        report.case("%s: %s refuses a certificate that the KDC does not know" % (kind, call), certificate_refused, stage,
                    kind, "unknown", CLIENT_UNKNOWN, call, way)
        report.case("%s: %s refuses a certificate that is cut" % (kind, call), certificate_refused, stage, kind, "cut",
                    INVALID_CERTIFICATE, call, way)
    for kind in stage.environments:
        report.case("%s: a certificate's name serves nothing else" % kind, serves_nothing_else, stage, kind)


def main():
    turn_sigterm_into_exit()
    report = Report()
    if lacking():
        report.skip("delegation", "missing: " + ", ".join(lacking()))
        return report.finish()
    # MIT's mechanism first: the others are held against it.
    kinds = list(dict.fromkeys(["mit", mechanism_under_test()]))
    with DelegationRealm() as realm:
        stage = Stage(realm, kinds)
        stage.prepare()
        pairs = list(itertools.product(kinds, repeat=2))
        delegations(report, stage, pairs)
        certificates(report, stage, pairs)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
