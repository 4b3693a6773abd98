#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rows of COVERAGE.md that need a KDC, a file system or several processes; each is a call or two of GSS-API.

Without APEX_MODULE the built-in mechanism is tried, so that one can see that a row holds of it as well.
"""
import os
import shutil
import subprocess
import sys
import time

import spnego
from gss import (ACCEPT, CERTIFICATE, DELEGATE, DELEGATE_BY_POLICY, ENTERPRISE, MUTUAL, PRINCIPAL, REPLAY, SPNEGO, Context,
                 Credential, Refused, apart, import_name, log_in, name_text)
from peer import Failure, Peer, build_c_peer
from realm import HOST, USER, Environment, Realm, mechanism_under_test, served_by_apex, turn_sigterm_into_exit
from report import Report, Skipped
import caches
import files

KRB5 = -1765328384
SERVICE = "http/" + HOST
TARGET = "http@" + HOST
TRUSTED = "trusted@" + HOST
NOBODY = 65534
ALICE = USER + "@APEX.TEST"
MICROSOFT_OID = bytes.fromhex("06092a864882f712010202")


class Stage:
    """The realm, the environments of processes, and the settings that a case changes."""

    def __init__(self, realm, environment):
        self.realm = realm
        self.environment = environment

    def apart(self, function, *arguments, **settings):
        """Runs a function in a child under the mechanism that is tested."""
        return apart(self.environment(**settings), function, *arguments)

    def configured(self, name, **more):
        return {"KRB5_CONFIG": self.realm.configuration(name + ".conf", **more)}

    def path(self, name):
        return self.realm.path(name)


def expect(condition, what):
    if not condition:
        raise Failure(what)


def refused(function, *arguments, error=None, minor=None):
    """The refusal of a call that must fail."""
    try:
        function(*arguments)
    except Refused as refusal:
        expect(error in (None, refusal.error), "%s instead of %s: %s" % (refusal.error, error, refusal))
        expect(minor in (None, refusal.minor), "minor %d instead of %s: %s" % (refusal.minor, minor, refusal))
        return refusal
    raise Failure("nothing was refused")


def initiator(target=TARGET, **more):
    return Context(target=import_name(target), **more)


def client_of(acceptor):
    return name_text(acceptor.source)


# Loading.

def setuid_ignores(stage):
    """Another user runs the peer twice: as a plain program, and set-user-id root."""
    if os.geteuid() != 0:
        raise Skipped("needs root")
    if os.statvfs(stage.realm.directory).f_flag & os.ST_NOSUID:
        raise Skipped("the file system heeds no set-user-id bit")
    program = shutil.copy(build_c_peer("mit"), stage.path("setuid_peer"))
    ccache = shutil.copy(stage.realm.ccache, stage.path("nobody.ccache"))
    os.chown(ccache, NOBODY, NOBODY)
    for mode, loaded in ((0o755, stage.environment.mechanism == "apex"), (0o4755, False)):
        os.chmod(program, mode)
        with Peer([program], stage.environment(ccache=ccache), user=NOBODY, group=NOBODY, extra_groups=[]) as peer:
            peer.begin("initiate", "--service", TARGET, "--no-acquire")
            peer.step()
            expect(peer.hello()["apex"] == loaded, "mode %o: mech_apex.so is %smapped" % (mode, "not " * loaded))


def unloadable(stage):
    def try_it():
        log_in(initiator())
        expect(not served_by_apex(os.getpid()), "mech_apex.so is mapped")
    text = stage.realm.write("no_library.so", "this is no library\n")
    for library in ("/nonexistent/mech_apex.so", text):
        entry = stage.realm.write("broken.conf", "apex 2.25.6182930471855164202 %s <interposer>\n" % library)
        stage.apart(try_it, GSS_MECH_CONFIG=entry)


# SPNEGO, played by the test.

def microsoft_oid(stage):
    def try_it():
        token, _ = initiator().step()
        offer = spnego.mechanism_list(MICROSOFT_OID, spnego.KRB5_OID)
        acceptor = Context()
        answer, more = acceptor.step(spnego.neg_token_init(offer, token))
        response = spnego.Response(answer)
        expect(not more and response.state == spnego.ACCEPT_COMPLETED, "not completed: " + answer.hex())
        expect(response.mechanism == MICROSOFT_OID, "the answer names another mechanism: " + answer.hex())
        expect(client_of(acceptor) == ALICE, client_of(acceptor))
    stage.apart(try_it)


def spnego_error(stage):
    def try_it():
        token, _ = initiator(mechanism=SPNEGO).step()
        Context(mechanism=SPNEGO).step(token)
        refusal = refused(Context(mechanism=SPNEGO).step, token)
        response = spnego.Response(refusal.token)
        expect(response.state == spnego.REJECT, "state %s" % response.state)
        expect(response.token and b"\x03\x00\x7e" in response.token, "no KRB-ERROR: %s" % refusal.token.hex())
    stage.apart(try_it)


# Initiators.

def allowable_types(stage):
    def key_length(types):
        credential = Credential()
        if types:
            credential.allow(*types)
        context = initiator(credential=credential)
        log_in(context)
        return len(context.session_key())
    fresh = stage.realm.kinit(ccache=stage.path("types.ccache"))
    expect(stage.apart(key_length, (17,), ccache=fresh) == 16, "the key is not of type 17")
    expect(stage.apart(key_length, (), ccache=stage.realm.kinit(ccache=fresh)) == 32, "the key is not of type 18")


def aware_of_bindings(stage):
    def try_it():
        log_in(initiator(), Context(bindings="tls-unique:0123"))
    stage.apart(try_it)
    settings = stage.configured("aware", libdefaults="client_aware_channel_bindings = true")
    stage.apart(lambda: refused(try_it, error="BAD_BINDINGS") and None, **settings)
    stage.apart(lambda: log_in(initiator(bindings="tls-unique:0123"), Context(bindings="tls-unique:0123")) and None,
                **settings)


def flags_of(target, flags):
    context = initiator(target, flags=MUTUAL | flags)
    acceptor = log_in(context)
    expect(bool(acceptor.delegated) == bool(context.flags.value & DELEGATE), "the sides disagree about delegation")
    return context.flags.value


def by_policy(stage):
    flags = stage.apart(flags_of, TRUSTED, DELEGATE_BY_POLICY)
    expect(flags & DELEGATE and flags & DELEGATE_BY_POLICY, "flags %#x" % flags)


def enforced_policy(stage):
    settings = stage.configured("enforce", libdefaults="enforce_ok_as_delegate = true")
    expect(stage.apart(flags_of, TARGET, DELEGATE) & DELEGATE, "no delegation at all")
    expect(not stage.apart(flags_of, TARGET, DELEGATE, **settings) & DELEGATE, "delegated to any service")
    expect(stage.apart(flags_of, TRUSTED, DELEGATE, **settings) & DELEGATE, "not delegated to the trusted one")


def realm_chooses(stage):
    """The primary cache of the collection is of another realm."""
    collection = stage.path("collection")
    os.mkdir(collection, 0o700)
    caches.write_empty(os.path.join(collection, "tkt1"), "stranger", "OTHER.TEST")
    stage.realm.kinit(ccache=os.path.join(collection, "tkt2"))
    files.write_octets(os.path.join(collection, "primary"), b"tkt1\n")

    def try_it():
        return client_of(log_in(initiator()))
    client = stage.apart(try_it, KRB5CCNAME="DIR:" + collection)
    expect(client == ALICE, "the client is " + client)


def client_keytab(stage, ccache):
    keytab = stage.path("client.keytab")
    if not os.path.exists(keytab):
        stage.realm.export_keys(USER, keytab)
    return {"KRB5_CLIENT_KTNAME": "FILE:" + keytab, "ccache": ccache}


def plain_login():
    return client_of(log_in(initiator()))


def keytab_gives_tickets(stage):
    ccache = stage.path("from_keytab.ccache")
    expect(stage.apart(plain_login, **client_keytab(stage, ccache)) == ALICE, "another client")
    due = int(caches.config(ccache, "refresh_time")) - time.time()
    expect(4.5 * 3600 < due < 5.5 * 3600, "of ten hours, refreshed in %d s" % due)


def half_life(stage):
    ccache = stage.path("half.ccache")
    settings = client_keytab(stage, ccache)
    stage.apart(plain_login, **settings)
    before = caches.config(ccache, "refresh_time")
    stage.apart(plain_login, **settings)
    expect(caches.config(ccache, "refresh_time") == before, "refreshed before its time")
    caches.set_config(ccache, "refresh_time", str(int(time.time()) - 10))
    stage.apart(plain_login, **settings)
    due = int(caches.config(ccache, "refresh_time")) - time.time()
    expect(due > 3600, "not refreshed: due in %d s" % due)


def about_to_expire(stage):
    def lifetime():
        return Credential(name=import_name(USER, PRINCIPAL)).lifetime.value
    ccache = stage.realm.kinit(ccache=stage.path("short.ccache"), options=("-l", "20s"))
    expect(stage.apart(lifetime, ccache=ccache) <= 20, "the tickets are not short-lived")
    expect(stage.apart(lifetime, **client_keytab(stage, ccache)) > 3600, "the cache was not renewed")


def store_names(stage):
    def try_it(other, keytab, service_keytab):
        bob = Credential(store={"ccache": "FILE:" + other})
        expect(bob.name() == "bob@APEX.TEST", "ccache: " + bob.name())
        alice = Credential(store={"ccache": "MEMORY:fresh", "client_keytab": "FILE:" + keytab})
        acceptor = Context(credential=Credential(ACCEPT, store={"keytab": "FILE:" + service_keytab}))
        expect(client_of(log_in(initiator(credential=alice), acceptor)) == ALICE, "client_keytab")
        refused(Credential, ACCEPT, None, {"keytab": "FILE:/nonexistent"}, error="NO_CRED")
    other = stage.realm.kinit("bob", ccache=stage.path("bob.ccache"))
    settings = client_keytab(stage, stage.path("none.ccache"))
    del settings["KRB5_CLIENT_KTNAME"]
    stage.apart(try_it, other, stage.path("client.keytab"), stage.realm.keytab, keytab=stage.path("no.keytab"), **settings)


def store_replays(stage):
    def try_it(rcache):
        credential = Credential(ACCEPT, store={"rcache": rcache} if rcache else {"keytab": os.environ["KRB5_KTNAME"]})
        token, _ = initiator().step()
        for _ in range(2):
            Context(credential=credential).step(token)
    stage.apart(try_it, "none:")
    stage.apart(lambda: refused(try_it, None, minor=KRB5 + 34) and None)


def store_password(stage):
    def try_it(keytab):
        name = import_name(USER, PRINCIPAL)
        for store in ({"password": "secret"}, {"password": "secret", "verify": SERVICE, "keytab": "FILE:" + keytab}):
            expect(client_of(log_in(initiator(credential=Credential(name=name, store=store)))) == ALICE, str(store))
        refused(lambda: Credential(name=name, store={"password": "wrong"}))
        wrong = files.write_keytab(keytab + ".wrong", SERVICE + "@APEX.TEST", 1, 18, b"\x55" * 32)
        refused(lambda: Credential(name=name, store={"password": "secret", "verify": SERVICE,
                                                     "keytab": "FILE:" + wrong}))
    stage.apart(try_it, stage.realm.keytab, ccache=stage.path("none.ccache"))


def password_in_memory(stage):
    def try_it():
        credential = Credential(name=import_name(USER, PRINCIPAL), password="secret")
        expect(client_of(log_in(initiator(credential=credential))) == ALICE, "another client")
        refused(Credential, error="NO_CRED")
    ccache = stage.path("unwritten.ccache")
    stage.apart(try_it, ccache=ccache)
    expect(not os.path.exists(ccache), "the default cache was written")


def lifetime_asked(stage):
    def try_it(lifetime):
        context = initiator(lifetime=lifetime)
        acceptor = log_in(context)
        return context.lifetime.value, acceptor.lifetime.value
    ccache = stage.path("lifetime.ccache")
    ours, theirs = stage.apart(try_it, 600, ccache=stage.realm.kinit(ccache=ccache))
    expect(590 <= ours <= 600 and ours < theirs <= 901, "600 s asked for, %d and %d given" % (ours, theirs))
    expect(stage.apart(try_it, 0, ccache=stage.realm.kinit(ccache=ccache))[0] > 3600, "a short ticket unasked")


def without_realm(stage):
    def try_it():
        return client_of(log_in(Context(target=import_name(SERVICE + "@", PRINCIPAL))))
    expect(stage.apart(try_it) == ALICE, "another client")


# Host names, with a file of hosts of the test's own in a mount namespace.

HOSTS = "127.0.0.1 localhost\n127.0.0.77 reverse.apex.test\n127.0.0.77 forward.apex.test alias.apex.test\n"


def canonical(stage, name, **settings):
    hosts = stage.realm.write("hosts", HOSTS)
    code = "import sys; sys.path.insert(0, %r); import gss; print(gss.canonical_text(%r))" % (
        os.path.dirname(os.path.abspath(__file__)), name)
    lines = "\n    ".join("%s = %s" % setting for setting in settings.items())
    conf = stage.realm.read("krb5.conf").replace("dns_canonicalize_hostname = false\n    rdns = false\n", lines + "\n")
    env = stage.environment(KRB5_CONFIG=stage.realm.write("names.conf", conf))
    command = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, sys.executable, "-B", "-c",
               code]
    return stage.realm.run(command, env=env).strip()


def need_namespace():
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        raise Skipped("no mount namespace")


def canonicalised(stage):
    need_namespace()
    for value, host in (("true", "forward"), ("false", "alias"), ("fallback", "alias")):
        found = canonical(stage, "http@alias.apex.test", dns_canonicalize_hostname=value, rdns="false")
        expect(found.startswith("http/%s.apex.test@" % host), "%s: %s" % (value, found))


def backwards(stage):
    need_namespace()
    for value, host in (("true", "reverse"), ("false", "forward")):
        found = canonical(stage, "http@alias.apex.test", dns_canonicalize_hostname="true", rdns=value)
        expect(found.startswith("http/%s.apex.test@" % host), "%s: %s" % (value, found))


# Replays between processes.

def shared_replays(kinds):
    def run(stage):
        environments = [Environment(stage.realm, kind) for kind in kinds]
        shared = {"KRB5RCACHENAME": "file2:" + stage.path("shared.%s.%s" % kinds)}

        def first():
            token, _ = initiator().step()
            Context().step(token)
            return token

        def second(token):
            refused(Context().step, token, minor=KRB5 + 34)
            log_in(initiator())
        apart(environments[1](**shared), second, apart(environments[0](**shared), first))
    return run


# Contexts and credentials.

def after_the_end(stage):
    def try_it():
        context = initiator(flags=MUTUAL | REPLAY)
        acceptor = log_in(context)
        expect(context.time() > 0, "no time left at once")
        time.sleep(context.time() + 3)
        for end in (context, acceptor):
            refused(end.time, error="CONTEXT_EXPIRED")
        expect(acceptor.unwrap(context.wrap(b"late")) == b"late", "another message")
        expect(context.unwrap(acceptor.wrap(b"later")) == b"later", "another message")
    ccache = stage.realm.kinit(ccache=stage.path("ending.ccache"), options=("-l", "4s", "-S", SERVICE))
    stage.apart(try_it, ccache=ccache, **stage.configured("strict", libdefaults="clockskew = 1"))


def stored_in_a_file(stage):
    def try_it(path):
        credential = Credential()
        credential.store({"ccache": "FILE:" + path})
        expect(Credential(store={"ccache": "FILE:" + path}).name() == ALICE, "another client")
        refused(credential.store, {"ccache": "FILE:" + path}, error="DUPLICATE_ELEMENT")
        credential.store({"ccache": "FILE:" + path}, overwrite=True)
    stage.apart(try_it, stage.path("stored.ccache"))


def stored_in_a_directory(stage):
    collection = stage.path("stores")
    os.mkdir(collection, 0o700)
    stage.realm.kinit("bob", ccache=os.path.join(collection, "tkt1"))
    files.write_octets(os.path.join(collection, "primary"), b"tkt1\n")

    def default():
        return Credential().name()

    def store(ccache, make_default):
        Credential(store={"ccache": "FILE:" + ccache}).store({"ccache": "DIR:" + collection}, default=make_default)
    place = {"KRB5CCNAME": "DIR:" + collection}
    expect(stage.apart(default, **place) == "bob@APEX.TEST", "bob's is not the default cache")
    stage.apart(store, stage.realm.ccache, False, **place)
    expect(len(os.listdir(collection)) == 3, "no cache was added: %s" % os.listdir(collection))
    expect(stage.apart(default, **place) == "bob@APEX.TEST", "the default changed unasked")
    shutil.rmtree(collection)
    os.mkdir(collection, 0o700)
    stage.apart(store, stage.realm.ccache, True, **place)
    expect(stage.apart(default, **place) == ALICE, "it is not the default")


def travels(kinds):
    def run(stage):
        environments = [Environment(stage.realm, kind) for kind in kinds]

        def export():
            return Credential(name=import_name(USER, PRINCIPAL), password="secret").exported()

        def use(token):
            credential = Credential.imported(token)
            expect(credential.name() == ALICE, credential.name())
            expect(client_of(log_in(initiator(credential=credential))) == ALICE, "another client")
        nowhere = {"ccache": stage.path("none.ccache")}
        apart(environments[1](**nowhere), use, apart(environments[0](**nowhere), export))
    return run


# A service on its users' behalf.

def service_tickets(stage):
    """A cache with the service's own ticket-granting ticket."""
    ccache = stage.path("service.ccache")
    env = dict(stage.realm.base_environment(), KRB5CCNAME="FILE:" + ccache)
    stage.realm.run(["kinit", "-f", "-k", "-t", stage.realm.keytab, SERVICE], env=env)
    return ccache


def on_behalf(stage):
    def try_it():
        service = Credential()
        for user, kind in ((USER, PRINCIPAL), ("carol@corp.test", ENTERPRISE)):
            credential = Credential.on_behalf_of(import_name(user, kind), service)
            client = credential.name()
            expect(client == (ALICE if kind == PRINCIPAL else r"carol\@corp.test@APEX.TEST"), client)
        refused(Credential.on_behalf_of, import_name("nobody", PRINCIPAL), service, minor=KRB5 + 6)
        refused(Credential.on_behalf_of, import_name("no certificate", CERTIFICATE), service)
    stage.apart(try_it, ccache=service_tickets(stage))


def reaches_itself(stage):
    def try_it():
        credential = Credential.on_behalf_of(import_name(USER, PRINCIPAL), Credential())
        client = client_of(log_in(initiator(credential=credential)))
        expect(client == ALICE, client)
    stage.apart(try_it, ccache=service_tickets(stage))


def impersonator_told(stage):
    def try_it():
        service = Credential()
        expect(service.impersonator() == "", "a plain credential: " + service.impersonator())
        who = Credential.on_behalf_of(import_name(USER, PRINCIPAL), service).impersonator()
        expect(who == SERVICE + "@APEX.TEST", who)
    stage.apart(try_it, ccache=service_tickets(stage))


CASES = [
    ("GSS_MECH_CONFIG is not heeded by a setuid process", setuid_ignores),
    ("a module that is missing or no library leaves the built-in mechanism", unloadable),
    ("SPNEGO with Microsoft's OID", microsoft_oid),
    ("SPNEGO carries the error token", spnego_error),
    ("allowable types limit the initiator", allowable_types),
    ("client_aware_channel_bindings makes the initiator say so", aware_of_bindings),
    ("delegation by policy with ok-as-delegate", by_policy),
    ("enforce_ok_as_delegate holds all delegation to it", enforced_policy),
    ("the realm of the service chooses the cache", realm_chooses),
    ("a client keytab gives initial tickets", keytab_gives_tickets),
    ("tickets of a client keytab are renewed after half their life", half_life),
    ("a cache about to expire is renewed from the client keytab", about_to_expire),
    ("the credential store names cache, client keytab and keytab", store_names),
    ("the credential store names the replay cache", store_replays),
    ("the credential store gives a password and has it verified", store_password),
    ("a password's tickets stay in memory", password_in_memory),
    ("a lifetime asked for reaches the KDC", lifetime_asked),
    ("host names are canonicalised as configured", canonicalised),
    ("host names are looked up backwards as configured", backwards),
    ("a target without realm is found", without_realm),
    ("messages go on after the end of the ticket", after_the_end),
    ("a service asks for a ticket on a user's behalf", on_behalf),
    ("a service reaches itself on a user's behalf", reaches_itself),
    ("the impersonator of a credential is told", impersonator_told),
    ("credentials are stored in a file", stored_in_a_file),
    ("credentials are stored in a directory and made the default", stored_in_a_directory),
]


def main():
    turn_sigterm_into_exit()
    report = Report()
    with Realm() as realm:
        realm.add_user()
        realm.add_user("bob")
        realm.add_user(r"carol\@corp.test")
        realm.add_service(SERVICE)
        realm.add_service("trusted/" + HOST)
        realm.kadmin("modprinc +ok_as_delegate trusted/" + HOST)
        realm.kinit()
        tested = mechanism_under_test()
        stage = Stage(realm, Environment(realm, tested))
        for name, function in CASES:
            report.case(name, function, stage)
        for kinds in sorted({(tested, tested), (tested, "mit"), ("mit", tested)}):
            report.case("%s and %s find each other's replays in MIT's file" % kinds, shared_replays(kinds), stage)
            report.case("%s to %s: an exported credential is imported" % kinds, travels(kinds), stage)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
