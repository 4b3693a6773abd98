#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PACs that a Samba domain controller issues: logins with its tickets, the attributes that an acceptor gets out of them held
against the domain's database and against MIT's acceptor, and PACs that somebody changed who has the service's key."""
from datetime import datetime, timedelta, timezone
import struct
import sys

from program import WRONG_KEY, Environment, expect, play
from gss import (ENTERPRISE, PRINCIPAL, Context, Credential, Refused, apart, attribute_names, attribute_values, import_name,
                 name_text)
from peer import Peer, build_c_peer
from realm import ENCTYPES
from samba_realm import DOMAIN, DOMAIN_LOCAL, NEEDED, PACKAGES, RC4, SambaRealm
from tickets import Kerberos, Ticket
import files

REALM = "APEX.TEST"
ALICE = "alice@" + REALM
UPN = "alice.liddell@apex.test"
SERVICES = {number: "HTTP/type%d.apex.test" % number for number in (18, 17, 23)}
TYPES = {18: ENCTYPES[18], 17: ENCTYPES[17], 23: RC4}
PAIRS = (("apex", "apex"), ("mit", "apex"), ("apex", "mit"))
PAC, LOGON_INFO, SERVER_SIGNATURE, CLIENT_INFO = "urn:mspac:", 1, 6, 10
DOMAIN_USERS, DOMAIN_ADMINS, ENABLED = 513, 512, 7
PLAIN = "urn:apex:"
# Among the groups stands who saw the user's proof: the KDC, or a service that vouches for her ([MS-DTYP] 2.4.2.4).
ASSERTED_BY_KDC, ASSERTED_BY_SERVICE = "S-1-18-1", "S-1-18-2"


def make_accounts(directory, keytab):
    """Alice is in groups of every kind; what the domain knows of her, in the words of the attributes. Carol's PAC is as long
    as hers."""
    directory.add_user("alice", upn=UPN)
    directory.add_user("carol", upn=UPN.replace("alice", "carol"))
    directory.add_group("inner", "alice", "carol")
    directory.add_group("outer", "inner")
    directory.add_group("team", "alice", "carol")
    directory.add_group("resource", "alice", "carol", scope=DOMAIN_LOCAL)
    directory.add_group("strangers")
    for number, service in SERVICES.items():
        directory.add_service(service, number, keytab)
    directory.may_act_for_anybody(SERVICES[18], SERVICES[17])
    return facts_of(directory, "alice")


def facts_of(directory, name):
    entry = directory.entry(name, "objectSid", "sAMAccountName", "userPrincipalName", "primaryGroupID")
    user = directory.sid(entry)
    primary = "%s-%s" % (user.rpartition("-")[0], entry["primaryGroupID"][0])
    return {"user-sid": [user], "primary-group-sid": [primary], "logon-name": [str(entry["sAMAccountName"][0])],
            "upn": [str(entry["userPrincipalName"][0])], "domain-name": [DOMAIN], "dns-domain-name": [REALM],
            "group-sids": [primary, *directory.groups(str(entry.dn))]}


class Accepted:
    """What an acceptor's process sends home: the client's name and the attributes, and why they cannot be read."""

    def __init__(self, answer, source):
        self.answer = answer
        self.client = name_text(source)
        self.names = attribute_names(source)
        self.values, self.hidden, self.why = {}, set(), ""
        for name in [PAC] + self.names + [PLAIN + "user-sid", PLAIN + "group-sids"]:
            try:
                self.values[name] = attribute_values(source, name)
            except Refused as refusal:
                self.hidden.add(name)
                self.why = self.why or "%s: %s" % (refusal.error, refusal.text)

    def raw(self):
        return {name: [value.octets for value in values] for name, values in self.values.items() if name.startswith(PAC)}

    def plain(self):
        return {name[len(PLAIN):]: [value.shown.decode() for value in values] for name, values in self.values.items()
                if name.startswith(PLAIN)}


def accept(token):
    context = Context()
    answer, _ = context.step(token)
    return Accepted(answer, context.source)


class Stage:
    """The domain, the facts of Alice in it, and processes under one of the mechanisms."""

    def __init__(self, realm, traced, facts):
        self.realm = realm
        self.traced = traced
        self.facts = facts
        self.mit = Environment(realm, "mit")
        self.from_mit = {}

    def environment(self, kind, name, **settings):
        return self.traced(name, **settings) if kind == "apex" else self.mit(**settings)

    def log_in(self, number, pair, ccache=None, **acceptor_settings):
        """Logs in with the ticket for the service of a type; what the acceptor got."""
        self.traced.forget("initiator", "acceptor")
        with Peer([build_c_peer("mit")], self.environment(pair[0], "initiator", ccache=ccache)) as initiator:
            initiator.begin("initiate", "--service", SERVICES[number], "--mutual")
            begun, token = initiator.step()
            expect(begun["error"] == "CONTINUE_NEEDED", "the initiator: %s" % begun)
            accepted = apart(self.environment(pair[1], "acceptor", **acceptor_settings), accept, token)
            ended, _ = initiator.step(accepted.answer)
            expect(ended["error"] == "COMPLETE", "the initiator: %s" % ended)
        self.must_have_served(pair, "initiator")
        return accepted

    def must_have_served(self, pair, role):
        """Apex has the traces of its sides; a requester is an initiator that did not wait for the answer."""
        names = {role: "initiator" if pair[0] == "apex" else None, "acceptor": "acceptor" if pair[1] == "apex" else None}
        self.traced.must_have_served(**names)

    def ticket(self, number):
        return Ticket(Kerberos(self.realm.keytab), self.realm.ccache, SERVICES[number] + "@" + REALM)

    def with_ticket_changed(self, number, change):
        """A cache whose ticket for the service of a type was changed under the service's key."""
        ticket = self.ticket(number)
        return ticket.copy_with_plain(self.realm.path("changed"), change(ticket.plain))

    def pac(self, number):
        return self.from_mit[number].raw()[PAC][0]


def mit_reads_it(stage, number):
    """The measure: MIT's own mechanism on both sides, with the same ticket."""
    accepted = stage.log_in(number, ("mit", "mit"))
    expect(accepted.client == ALICE, "the client is " + accepted.client)
    shown = stage.realm.run(["klist", "-e"], env=stage.mit())
    expect(TYPES[number] in shown, "the ticket is of another type: " + shown)
    expect(PAC + "logon-info" in accepted.raw(), "MIT found no PAC: %s" % accepted.names)
    expect(all(value.authenticated for name in accepted.raw() for value in accepted.values[name]), "MIT did not verify it")
    stage.from_mit[number] = accepted


def attributes_are_alike(stage, number, pair):
    accepted, by_mit = stage.log_in(number, pair), stage.from_mit[number]
    expect(accepted.client == ALICE, "the client is " + accepted.client)
    expect(accepted.raw() == by_mit.raw(), "the PAC differs from what MIT gives: %s and %s" % (accepted.names, by_mit.names))
    expect([name for name in accepted.names if not name.startswith(PLAIN)] == by_mit.names,
           "%s instead of %s" % (accepted.names, by_mit.names))
    for name, values in accepted.values.items():
        expect(all(value.authenticated and value.complete for value in values), name + " is not authenticated")
    if pair[1] == "apex" and stage.traced.apex:
        facts_are_hers(stage, accepted, ASSERTED_BY_KDC)


def facts_are_hers(stage, accepted, asserted):
    """The plain attributes are what the domain's database says."""
    plain = accepted.plain()
    facts = dict(stage.facts, **{"group-sids": sorted(stage.facts["group-sids"] + [asserted])})
    for name, expected in facts.items():
        expect(sorted(plain.get(name, ())) == expected, "%s: %s instead of %s" % (name, plain.get(name), expected))
    expect(set(plain) == set(facts), "further attributes: %s" % plain)


def by_upn(stage):
    """Enterprise names are the ones that users of a domain type; the KDC makes its own of them."""
    ccache = stage.realm.kinit(UPN, ccache=stage.realm.path("by.upn"), options=("-C", "-E"))
    accepted = stage.log_in(18, ("apex", "apex"), ccache=ccache)
    expect(accepted.client == ALICE, "the client is " + accepted.client)
    expect(PAC in accepted.values, "the PAC is hidden: " + accepted.why)
    if stage.traced.apex:
        facts_are_hers(stage, accepted, ASSERTED_BY_KDC)


def buffer_place(pac, kind):
    """Where a buffer of a PAC stands in it ([MS-PAC] 2.3)."""
    for index in range(struct.unpack_from("<I", pac)[0]):
        found, size, offset = struct.unpack_from("<IIQ", pac, 8 + 16 * index)
        if found == kind:
            return slice(offset, offset + size)
    raise ValueError("the PAC has no buffer of type %d" % kind)


def in_pac(stage, number, change):
    """The change of a ticket that changes its PAC only."""
    def changed(ticket):
        pac = stage.pac(number)
        expect(ticket.count(pac) == 1, "the PAC is not found in the ticket")
        return ticket.replace(pac, change(pac))
    return changed


def with_promotion(stage, number):
    """One bit makes Domain Users to Domain Admins."""
    def promoted(pac):
        place = buffer_place(pac, LOGON_INFO)
        members, admins = struct.pack("<II", DOMAIN_USERS, ENABLED), struct.pack("<II", DOMAIN_ADMINS, ENABLED)
        expect(pac[place].count(members) == 1, "Domain Users is not found once")
        return pac[:place.start] + pac[place].replace(members, admins) + pac[place.stop:]
    return in_pac(stage, number, promoted)


def with_signature_bent(stage, number):
    """One bit of the signature, which follows its type, is another."""
    def bent(pac):
        place = buffer_place(pac, SERVER_SIGNATURE).start + 4
        return pac[:place] + bytes([pac[place] ^ 1]) + pac[place + 1:]
    return in_pac(stage, number, bent)


def with_authtime(ticket, time):
    """The first of a ticket's times is its authtime, [5] with a GeneralizedTime."""
    place = ticket.index(b"\xa5\x11\x18\x0f") + 4
    return ticket[:place] + time.strftime("%Y%m%d%H%M%SZ").encode() + ticket[place + 15:]


def client_time(pac):
    """When the client of a PAC logged in: PAC_CLIENT_INFO begins with 100 ns since 1601 ([MS-PAC] 2.7)."""
    ticks = struct.unpack_from("<Q", pac, buffer_place(pac, CLIENT_INFO).start)[0]
    return datetime(1601, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=ticks // 10)


def at_another_time(stage, number):
    """A ticket whose client logged in a second before her PAC says."""
    return lambda ticket: with_authtime(ticket, client_time(stage.pac(number)) - timedelta(seconds=1))


def of_somebody_else(stage, number):
    """Carol's PAC for the same service in Alice's ticket, which then tells Carol's time."""
    ccache = stage.realm.kinit("carol", ccache=stage.realm.path("carol"))
    accepted = stage.log_in(number, ("mit", "mit"), ccache=ccache)
    expect(accepted.client == "carol@" + REALM, "the client is " + accepted.client)
    pac = accepted.raw()[PAC][0]
    change = in_pac(stage, number, lambda _: pac)
    return lambda ticket: with_authtime(change(ticket), client_time(pac))


def sealed_again_as_it_was(stage, number, kind):
    """Shows that what hides the attributes in the cases below is the change, and not the sealing."""
    same = stage.with_ticket_changed(number, lambda ticket: ticket)
    expect(files.read_octets(same) != files.read_octets(stage.realm.ccache), "the ticket was not sealed again")
    accepted = stage.log_in(number, (kind, kind), ccache=same)
    expect(accepted.raw() == stage.from_mit[number].raw(), "the PAC is hidden: " + accepted.why)


def nothing_is_authenticated(stage, number, kind, change, *words):
    changed = stage.with_ticket_changed(number, change(stage, number))
    accepted = stage.log_in(number, (kind, kind), ccache=changed)
    expect(accepted.client == ALICE, "the client is " + accepted.client)
    expect(not accepted.values, "readable: %s" % sorted(accepted.values))
    expect(PAC in accepted.names and PAC in accepted.hidden, "the PAC was not looked at: %s" % accepted.names)
    expect(accepted.why.startswith("UNAVAILABLE"), "the PAC: " + accepted.why)
    print("#   %s: %s" % (kind, accepted.why), flush=True)
    if kind == "apex" and stage.traced.apex:
        expect(all(word in accepted.why for word in words), "it does not tell of %s: %s" % (words, accepted.why))


def refuses(stage, number, words, **acceptor_settings):
    """The acceptor refuses the login, in words."""
    try:
        accepted = stage.log_in(number, ("apex", "apex"), **acceptor_settings)
    except RuntimeError as refusal:
        told = str(refusal)
        expect("gss_accept_sec_context" in told, told)
        print("#   acceptor: " + told, flush=True)
        expect(not stage.traced.apex or all(word in told for word in words), "it does not tell of %s: %s" % (words, told))
        stage.traced.must_have_refused("acceptor")
        return
    raise RuntimeError("the acceptor let %s in" % accepted.client)


def wrong_key(stage):
    service = SERVICES[18] + "@" + REALM
    wrong = files.write_keytab(stage.realm.path("wrong.keytab"), service, stage.ticket(18).version, 18, WRONG_KEY)
    refuses(stage, 18, (service, "cannot decrypt"), keytab=wrong)


def strict_acceptor_refuses(stage):
    """strict_pac turns what hides the attributes into a refusal; without a change it lets her in."""
    strict = stage.realm.configuration("krb5.strict.conf", apex="strict_pac = true\n    replay_directory = "
                                       + stage.realm.path("replay"))
    stage.log_in(18, ("apex", "apex"), KRB5_CONFIG=strict)
    changed = stage.with_ticket_changed(18, with_promotion(stage, 18))
    refuses(stage, 18, ("PAC",), ccache=changed, KRB5_CONFIG=strict)


def for_her(user, kind, target):
    """The service's process: its first token towards a service in the name of a user."""
    credential = Credential.on_behalf_of(import_name(user, kind), Credential())
    token, _ = Context(credential, import_name(target, PRINCIPAL)).step()
    return credential.name(), token


def acts_for_her(stage, pair, user, target):
    """Towards itself that is S4U2Self alone, towards another service it is S4U2Proxy too ([MS-SFU])."""
    ccache = stage.realm.path("service")
    stage.realm.run(["kinit", "-k", "-t", stage.realm.keytab, "-c", ccache, SERVICES[18]], env=stage.mit())
    stage.traced.forget("initiator", "acceptor")
    kind, client = (ENTERPRISE, UPN.replace("@", "\\@") + "@" + REALM) if "@" in user else (PRINCIPAL, ALICE)
    named, token = apart(stage.environment(pair[0], "initiator", ccache=ccache), for_her, user, kind, SERVICES[target])
    accepted = apart(stage.environment(pair[1], "acceptor"), accept, token)
    expect((named, accepted.client) == (client, client), "the initiator has %s, the acceptor %s" % (named, accepted.client))
    stage.must_have_served(pair, "requester")
    expect(PAC in accepted.values, "the PAC is hidden: " + accepted.why)
    told = (PAC + "delegation-info") in accepted.values
    expect(told == (target != 18), "delegation is %stold: %s" % ("" if told else "not ", accepted.names))
    if pair[1] == "apex" and stage.traced.apex:
        facts_are_hers(stage, accepted, ASSERTED_BY_SERVICE)


def log_ins(report, stage):
    for number, name in TYPES.items():
        stage.realm.fetch_ticket(SERVICES[number])
        report.case("%s: MIT's mechanism reads the PAC" % name, mit_reads_it, stage, number)
        for pair in PAIRS:
            report.case("%s: %s to %s, the attributes are those of the domain and of MIT" % (name, *pair),
                        attributes_are_alike, stage, number, pair)
    report.case("a user who gave kinit her UPN has the same attributes", by_upn, stage)


def refusals(report, stage):
    for number, kind in ((18, "apex"), (17, "apex"), (23, "apex"), (18, "mit")):
        where = "%s, %s: " % (TYPES[number], kind)
        report.case(where + "a ticket sealed again as it was keeps its attributes", sealed_again_as_it_was, stage, number,
                    kind)
        for what, change, words in (
                ("logon info", with_promotion, ("signature",)),
                ("server signature", with_signature_bent, ("signature",)),
                ("time of login", at_another_time, ("authtime",)),
                ("user's PAC", of_somebody_else, ("carol", "alice"))):
            report.case(where + "another %s and no attribute is authenticated" % what, nothing_is_authenticated, stage,
                        number, kind, change, *words)
    report.case("a wrong key in the keytab is refused", wrong_key, stage)
    if stage.traced.apex:
        report.case("strict_pac refuses a client whose PAC was changed", strict_acceptor_refuses, stage)


def delegations(report, stage):
    for pair in PAIRS:
        report.case("%s to %s: a service reaches itself for a user by UPN" % pair, acts_for_her, stage, pair, UPN, 18)
        report.case("%s to %s: a service reaches another one for a user" % pair, acts_for_her, stage, pair, "alice", 17)


def cases(report, realm, traced):
    facts = realm.administer(make_accounts, realm.keytab)
    realm.kinit()
    stage = Stage(realm, traced, facts)
    log_ins(report, stage)
    refusals(report, stage)
    delegations(report, stage)


if __name__ == "__main__":
    sys.exit(play("Samba", PACKAGES, NEEDED, cases, realm=SambaRealm))
