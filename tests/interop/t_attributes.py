#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a ticket says of its client, read by an unmodified acceptor: PAC, authentication indicators, authorization data.

The KDC is MIT's, which puts a PAC and the indicator of SPAKE into its tickets. Every ticket is given to MIT's built-in
mechanism and to Apex, and both must say the same, but for the attributes that only Apex has. Tickets that a KDC would not
make are opened with the service's key, changed and sealed again.
"""
import os
import re
import sys

from gss import (Context, Credential, Refused, apart, attribute_names, attribute_values, canonical_name, duplicate_name,
                 exported_composite, import_composite, import_name, log_in, name_text, release_name)
from peer import Failure
from realm import HOST, REALM, USER, Environment, Realm, mechanism_under_test, turn_sigterm_into_exit
from report import Report
from tickets import (CAMMAC, CLIENT_INFO, IF_RELEVANT, INDICATOR, KDC_CHECKSUM, LOGON_INFO, PAC, SERVER_CHECKSUM,
                     UPN_DNS_INFO, Kerberos, Ticket, if_relevant, pac_buffers)

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICE = "http/" + HOST
TARGET = "http@" + HOST
CLIENT = USER + "@" + REALM
PLAIN = "urn:apex:"
SIGNATURE_TYPE = 4  # octets of a signature's type


def expect(condition, what):
    if not condition:
        raise Failure(what)


# What a process is told.

def attributes(name):
    """{attribute: its values, or why there are none} in the order of the list."""
    told = {}
    for attribute in attribute_names(name):
        try:
            told[attribute] = attribute_values(name, attribute)
        except Refused as why:
            told[attribute] = why.error
    return told


def log_in_and_tell(ccache=None):
    credential = Credential(store={"ccache": "FILE:" + ccache}) if ccache else None
    acceptor = log_in(Context(target=import_name(TARGET), credential=credential))
    told = {"client": name_text(acceptor.source), "attributes": attributes(acceptor.source)}
    expect(attributes(acceptor.initiator_name()) == told["attributes"], "gss_inquire_context gives another name")
    told["composite"] = exported_composite(acceptor.source)
    told["authorization data"] = {kind: acceptor.authorization_data(kind)
                                  for kind in (IF_RELEVANT, CAMMAC, INDICATOR, PAC, 600)}
    return told


def log_in_with_each(ccaches):
    """What is told of the ticket of each cache, or why the acceptor refused it."""
    found = []
    for ccache in ccaches:
        try:
            found.append(log_in_and_tell(ccache))
        except Refused as why:
            expect(str(why).startswith("gss_accept_sec_context: "), why)
            found.append((why.error, why.text))
    return found


def shown(told, plain=False):
    """The attributes that both mechanisms have, or those that only Apex has."""
    return {name: values for name, values in told["attributes"].items() if name.startswith(PLAIN) == plain}


class Stage:
    """The realm, the mechanism that is tested and the built-in one, and the ticket that the KDC issued."""

    def __init__(self, realm):
        self.realm = realm
        self.tested = Environment(realm, mechanism_under_test())
        self.built_in = Environment(realm, "mit")
        self.kerberos = Kerberos(realm.keytab)
        self.ticket = Ticket(self.kerberos, realm.ccache, SERVICE + "@" + REALM)
        self.pac = self.ticket.find(PAC)

    def both(self, ccache=None, **settings):
        """What the tested mechanism tells of the ticket of a cache, which the built-in one must tell too."""
        built_in = apart(self.built_in(ccache, **settings), log_in_and_tell)
        tested = apart(self.tested(ccache, **settings), log_in_and_tell)
        for key in ("client", "composite", "authorization data"):
            expect(tested[key] == built_in[key], "%s: %r instead of %r" % (key, tested[key], built_in[key]))
        expect(list(shown(tested).items()) == list(shown(built_in).items()),
               "attributes %r instead of %r" % (shown(tested), shown(built_in)))
        return tested

    def each_of_both(self, ccaches):
        """[(what the tested mechanism tells, what the built-in one tells)] of the ticket of each cache."""
        return list(zip(apart(self.tested(), log_in_with_each, ccaches), apart(self.built_in(), log_in_with_each, ccaches)))

    def changed(self, authorization, number=0):
        """A cache with the ticket, its authorization data replaced."""
        return self.ticket.copy_with(self.realm.path("changed.%d.ccache" % number), authorization)

    def with_pac(self, pac, *more):
        return self.changed([if_relevant((PAC, bytes(pac))), *more])

    def signed(self, buffers, client=CLIENT, seconds=0):
        """A PAC as a KDC would sign it, with the name and time of the ticket's client unless told otherwise."""
        return self.kerberos.pac(self.ticket.key, client, self.ticket.auth_time() + seconds, buffers)


# A ticket as the KDC issues it.

def from_the_kdc(stage):
    told = stage.both()
    expect(told["client"] == CLIENT, told["client"])
    names = list(told["attributes"])
    expected = ["urn:mspac:"] + ["urn:mspac:" + name for name in (
        "client-info", "16", "server-checksum", "privsvr-checksum")] + ["auth-indicators"]
    expect(names == expected, "attributes %s" % names)
    expect(told["attributes"]["urn:mspac:"] == [(stage.pac, b"", 1, 1)], "another PAC than the ticket's")
    for kind, place, length in pac_buffers(stage.pac):
        if kind == CLIENT_INFO:
            expect(told["attributes"]["urn:mspac:client-info"] == [(stage.pac[place:place + length], b"", 1, 1)],
                   "another buffer than the PAC's")


def indicators(stage):
    told = stage.both()
    expect(told["attributes"]["auth-indicators"] == [(b"spake", b"", 1, 1)], told["attributes"]["auth-indicators"])
    several = stage.kerberos.cammac(stage.ticket.key, ["otp", "pkinit", "hardened"])
    told = stage.both(stage.changed([if_relevant(several)]))
    expect(told["attributes"] == {"auth-indicators": [(text, b"", 1, 1) for text in (b"otp", b"pkinit", b"hardened")]},
           told["attributes"])


def forged_indicators(stage):
    kind, container = stage.kerberos.cammac(stage.ticket.key, ["forged"])
    for entries in ([(kind, container[:-1] + bytes([container[-1] ^ 1]))],
                    [(kind, container.replace(b"forged", b"forges"))],
                    [(INDICATOR, bytes.fromhex("30080c06") + b"forged")]):
        told = stage.both(stage.changed([if_relevant(*entries)]))
        expect(not told["attributes"], told["attributes"])


def none_at_all(stage):
    expect(not stage.both(stage.changed([]))["attributes"], "attributes of a ticket without authorization data")


# A PAC of a domain.

def captured(name):
    """A record of tests/vectors/pac.txt: the PAC that a domain controller made, and what it says."""
    with open(os.path.join(TOP, "tests/vectors/pac.txt"), encoding="utf-8") as file:
        for record in file.read().split("\n\n"):
            fields = dict(re.findall(r"^(\w+) = (.*)$", record, re.M))
            if fields.get("name") == name:
                return fields
    raise Failure("no vector " + name)


def domain_buffers(fields):
    pac = bytes.fromhex(fields["pac"])
    return {kind: pac[place:place + length] for kind, place, length in pac_buffers(pac)
            if kind in (LOGON_INFO, UPN_DNS_INFO)}


def of_a_domain(stage):
    fields = captured("gokrb5-ad-pac")
    buffers = domain_buffers(fields)
    told = stage.both(stage.with_pac(stage.signed(buffers)))
    expect(told["attributes"]["urn:mspac:logon-info"] == [(buffers[LOGON_INFO], b"", 1, 1)], "another logon-info")
    expect(told["attributes"]["urn:mspac:upn-dns-info"] == [(buffers[UPN_DNS_INFO], b"", 1, 1)], "another upn-dns-info")
    if mechanism_under_test() != "apex":
        return
    plain = {name[len(PLAIN):]: values for name, values in shown(told, plain=True).items()}
    for name, field in (("user-sid", "user_sid"), ("primary-group-sid", "primary_group_sid"), ("group-sids", "group_sids"),
                        ("logon-name", "logon_name"), ("domain-name", "domain_name"), ("upn", "upn"),
                        ("dns-domain-name", "dns_domain_name")):
        expected = [(text.encode(), text.encode(), 1, 1) for text in fields[field].split(" ")]
        expect(plain.pop(name) == expected, "%s: another value than %s" % (name, fields[field]))
    expect(not plain, "attributes that no test knows: %s" % list(plain))


def unreadable_buffers(stage):
    """The KDC's signature holds, but what it covers cannot be read: the octets are given, as MIT gives them."""
    for octets in (b"", b"\x01", bytes(300), b"\x01\x10\x08\x00" + b"\xff" * 300):
        told = stage.both(stage.with_pac(stage.signed({LOGON_INFO: octets})))
        expect(told["attributes"]["urn:mspac:logon-info"] == [(octets, b"", 1, 1)], "another logon-info")
        expect(not shown(told, plain=True), "plain attributes %s" % shown(told, plain=True))


# What keeps attributes, and what carries them.

def tell_after_release():
    acceptor = log_in(Context(target=import_name(TARGET)))
    before = attributes(acceptor.source)
    copies = [duplicate_name(acceptor.source)]
    release_name(acceptor.source)
    copies.append(duplicate_name(copies[0]))
    expect(all(attributes(copy) == before for copy in copies), "a copy of the name has other attributes")
    expect(exported_composite(copies[1]) == exported_composite(copies[0]), "a copy is exported otherwise")
    return before


def duplicated(stage):
    ccache = stage.with_pac(stage.signed(domain_buffers(captured("gokrb5-ad-pac"))), *stage.ticket.authorization)
    built_in = apart(stage.built_in(ccache), tell_after_release)
    tested = apart(stage.tested(ccache), tell_after_release)
    expect(shown({"attributes": tested}) == built_in and built_in, "%r instead of %r" % (tested, built_in))


def tell_of(token):
    """What an imported name tells, which the mechglue gives to the built-in mechanism, and its canonical form."""
    name = import_composite(token)
    return [{"client": name_text(each), "attributes": attributes(each), "composite": exported_composite(each)}
            for each in (name, canonical_name(name))]


def carried(stage):
    ccache = stage.with_pac(stage.signed(domain_buffers(captured("gokrb5-ad-pac"))), *stage.ticket.authorization)
    told = stage.both(ccache)
    for environment in (stage.tested, stage.built_in):
        imported, canonical = apart(environment(), tell_of, told["composite"])
        for each in (imported, canonical):
            expect(each["client"] == CLIENT and each["composite"] == told["composite"], "another name")
            expect(shown(each) == shown(told), "%r instead of %r" % (shown(each), shown(told)))
        if environment is stage.tested:
            expect(canonical["attributes"] == told["attributes"], "%r instead of %r" % (canonical, told))


def carried_unverified(stage):
    told = stage.both(stage.with_pac(with_flipped(stage.pac, pac_buffers(stage.pac)[0][1], 1)))
    for environment in (stage.tested, stage.built_in):
        for imported in apart(environment(), tell_of, told["composite"]):
            expect(imported["attributes"] == told["attributes"], "%r instead of %r" % (imported, told))


# Authorization data by type.

def ask_for_one(kind):
    acceptor = log_in(Context(target=import_name(TARGET)))
    try:
        return acceptor.only_authorization_data(kind)
    except Refused as why:
        return why.error


def by_type(stage):
    entries = stage.ticket.authorization
    told = stage.both()["authorization data"]
    expect(told[IF_RELEVANT] == [data for kind, data in entries if kind == IF_RELEVANT], "other containers")
    expect(not told[PAC] and not told[CAMMAC], "what is inside a container was given")
    ccache = stage.changed([(PAC, stage.pac), if_relevant((600, b"inside"))])
    told = stage.both(ccache)["authorization data"]
    expect(told[PAC] == [stage.pac] and not told[600], "%r" % told)
    for kind, expected in ((PAC, stage.pac), (600, "FAILURE"), (INDICATOR, "FAILURE")):
        answers = [apart(environment(ccache), ask_for_one, kind) for environment in (stage.tested, stage.built_in)]
        expect(answers == [expected, expected], "type %d: %r instead of %r" % (kind, answers, expected))


# PACs that are not to be believed.

def tell_of_pacs(stage, pacs):
    """(what is wrong, what Apex tells, what the built-in mechanism tells) for each {what is wrong: PAC}."""
    ccaches = [stage.changed([if_relevant((PAC, bytes(pac)))], number) for number, pac in enumerate(pacs.values())]
    return [(what, *told) for what, told in zip(pacs, stage.each_of_both(ccaches))]


def hidden(stage, pacs):
    """The login works, as with the built-in mechanism, and no attribute of the PAC has a value."""
    for what, tested, built_in in tell_of_pacs(stage, pacs):
        expect(tested == built_in, "%s: %r instead of %r" % (what, tested, built_in))
        expect(tested["client"] == CLIENT, tested["client"])
        for name, values in tested["attributes"].items():
            expect(values == "UNAVAILABLE", "%s: %s is given: %r" % (what, name, values))


def with_flipped(pac, at, bit):
    return pac[:at] + bytes([pac[at] ^ bit]) + pac[at + 1:]


def covered(kind, length):
    """How much of a buffer the server signature covers: of the KDC's signature the type; its value is under a key that
    no service has ([MS-PAC] 2.8.1). Of the signature itself everything counts."""
    return SIGNATURE_TYPE if kind == KDC_CHECKSUM else length


def flipped(stage):
    """A bit in front, in the middle and at the end of every buffer: of a domain's PAC, and of the KDC's own."""
    for pac in (stage.signed(domain_buffers(captured("gokrb5-ad-pac"))), stage.pac):
        pacs = {}
        for kind, place, length in pac_buffers(pac):
            for at in {0, covered(kind, length) // 2, covered(kind, length) - 1}:
                pacs["octet %d of buffer %d" % (at, kind)] = with_flipped(pac, place + at, 0x10)
        hidden(stage, pacs)


def of_somebody_else(stage):
    hidden(stage, {"%s, %d seconds off" % (client, seconds): stage.signed({}, client, seconds) for client, seconds in (
        ("mallory@" + REALM, 0), (USER.upper() + "@" + REALM, 0), (CLIENT, 1), (CLIENT, -1))})


def without_signature(stage):
    pacs = {}
    for row, (kind, _, _) in enumerate(pac_buffers(stage.pac)):
        if kind in (SERVER_CHECKSUM, KDC_CHECKSUM, CLIENT_INFO):
            # Another type, so that there is none of this one.
            pacs["no buffer of type %d" % kind] = with_flipped(stage.pac, 8 + 16 * row, 0x60)
    hidden(stage, pacs)


def malformed_pacs(pac):
    """{what is wrong: the PAC} of each kind of table that cannot be read."""
    def with_octets(place, octets):
        return pac[:place] + octets + pac[place + len(octets):]
    return {
        "empty": b"",
        "cut in its head": pac[:7],
        "cut in its table": pac[:20],
        "cut in its last buffer": pac[:-8],
        "of version 1": with_octets(4, b"\x01"),
        "of no buffers": with_octets(0, bytes(4)),
        "of 2^32-1 buffers": with_octets(0, b"\xff" * 4),
        "of a buffer longer than all": with_octets(12, len(pac).to_bytes(4, "little")),
        "of a buffer of 2^32-1 octets": with_octets(12, b"\xff" * 4),
        "of a buffer at 2^64-8": with_octets(16, b"\xf8" + b"\xff" * 7),
        "of a buffer inside its table": with_octets(16, (8).to_bytes(8, "little")),
        "of a buffer that is not aligned": with_octets(16, (pac_buffers(pac)[0][1] + 4).to_bytes(8, "little")),
    }


def malformed(stage):
    for what, tested, built_in in tell_of_pacs(stage, malformed_pacs(stage.pac)):
        for told in (tested, built_in):
            expect(isinstance(told, tuple) and told[0] == "FAILURE", "a PAC %s: %r" % (what, told))
        if mechanism_under_test() == "apex":
            expect("the ticket's PAC cannot be relied on: " in tested[1], "a PAC %s: %s" % (what, tested[1]))


def malformed_containers(stage):
    pac = (PAC, stage.pac)
    entries = ([(IF_RELEVANT, b"")], [(IF_RELEVANT, b"\x30")], [if_relevant((IF_RELEVANT, b"\x30"), pac)],
               [if_relevant((CAMMAC, b"")), if_relevant(pac)], [if_relevant(pac, (CAMMAC, b"\x30"))])
    ccaches = [stage.changed(each, number) for number, each in enumerate(entries)]
    for each, told in zip(entries, stage.each_of_both(ccaches)):
        expect(all(isinstance(answer, tuple) and answer[0] == "FAILURE" for answer in told), "%r: %r" % (each, told))


def flipped_table(stage):
    """A bit in every octet of the table: the PAC is hidden or the login refused, as with the built-in mechanism."""
    rows = 8 + 16 * len(pac_buffers(stage.pac))
    pacs = {"octet %d of the table" % at: with_flipped(stage.pac, at, 0x08) for at in range(rows)}
    for what, tested, built_in in tell_of_pacs(stage, pacs):
        if isinstance(tested, dict) and isinstance(built_in, dict):
            expect(tested == built_in, "%s: %r instead of %r" % (what, tested, built_in))
            for name, values in tested["attributes"].items():
                expect(values == "UNAVAILABLE", "%s: %s is given: %r" % (what, name, values))
        else:
            expect(tested[0] == built_in[0] == "FAILURE", "%s: %r instead of %r" % (what, tested, built_in))


# [apex] strict_pac

def strictly(stage, ccache=None):
    configuration = stage.realm.configuration("strict.conf", apex="replay_directory = %s\n    strict_pac = true"
                                              % stage.realm.path("replay"))
    return apart(stage.tested(ccache, KRB5_CONFIG=configuration), log_in_and_tell)


def strict(stage):
    if mechanism_under_test() != "apex":
        return
    expect(strictly(stage)["client"] == CLIENT, "a PAC that holds")
    expect(strictly(stage, stage.changed([]))["client"] == CLIENT, "a ticket without PAC")
    tampered = with_flipped(stage.pac, pac_buffers(stage.pac)[0][1], 1)
    for what, pac, text in (("tampered", tampered, "server signature does not verify"),
                            ("cut", stage.pac[:20], "buffers in 20 octets"),
                            ("of another client", stage.signed({}, "mallory@" + REALM), "client 'mallory'")):
        try:
            strictly(stage, stage.with_pac(pac))
        except RuntimeError as refusal:
            expect("FAILURE" in str(refusal) and "PAC cannot be relied on" in str(refusal) and text in str(refusal),
                   "a PAC %s: %s" % (what, refusal))
        else:
            raise Failure("a PAC %s was accepted" % what)


CASES = [
    ("the PAC of the KDC is told as the built-in mechanism tells it", from_the_kdc),
    ("authentication indicators are told", indicators),
    ("authentication indicators that the KDC does not vouch for are not told", forged_indicators),
    ("a ticket without authorization data gives no attributes", none_at_all),
    ("the PAC of a domain tells user and groups in plain text", of_a_domain),
    ("buffers that cannot be read are given as they are and not in plain text", unreadable_buffers),
    ("attributes survive gss_duplicate_name and gss_release_name", duplicated),
    ("attributes travel in a composite name, both ways", carried),
    ("an unverified PAC stays unverified in a composite name", carried_unverified),
    ("authorization data is given by type", by_type),
    ("a PAC with a flipped bit is hidden and the login works", flipped),
    ("a PAC of another client or time is hidden and the login works", of_somebody_else),
    ("a PAC without signatures is hidden and the login works", without_signature),
    ("a PAC with a flipped bit in its table is hidden or refused as in the built-in mechanism", flipped_table),
    ("a malformed PAC is refused", malformed),
    ("malformed containers are refused", malformed_containers),
    ("strict_pac refuses a client whose PAC does not hold", strict),
]


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm(settings="spake_preauth_indicator = spake", libdefaults="spake_preauth_groups = edwards25519") as realm:
        realm.add_user()
        realm.kadmin("modprinc +requires_preauth " + USER)
        realm.add_service(SERVICE)
        realm.kinit()
        realm.fetch_ticket(SERVICE)
        os.environ["KRB5_CONFIG"] = realm.krb5_conf
        stage = Stage(realm)
        for name, function in CASES:
            report.case(name, function, stage)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
