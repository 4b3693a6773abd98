#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""OpenLDAP's slapd and clients with Cyrus SASL: GSSAPI at every SSF, GSS-SPNEGO, GS2-KRB5, channel bindings over TLS."""
import base64
import os
import random
import re
import shutil
import ssl
import sys

from program import Daemon, expect, free_port, play, run, show, within, wrong_keytab
from tls import Authority, Middle

SLAPD = "/usr/sbin/slapd"
PACKAGES = ("slapd", "ldap-utils", "libsasl2-modules-gssapi-mit", "openssl")
NEEDED = (SLAPD, "ldapwhoami", "ldapadd", "ldapsearch", "openssl", "/usr/lib/x86_64-linux-gnu/sasl2/libgssapiv2.so")
SERVICE = "ldap/localhost"
SUFFIX = "dc=apex,dc=test"
ALICE = "dn:uid=alice," + SUFFIX
CONFIGURATION = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/{name}.db/pid
sasl-host localhost
sasl-cbinding {bindings}
sasl-secprops noanonymous,noplain
authz-regexp uid=([^,]*),cn=[^,]*,cn=auth uid=$1,{suffix}
sockbuf_max_incoming_auth 16777216
TLSCACertificateFile {directory}/ca.pem
TLSCertificateFile {directory}/server.crt
TLSCertificateKeyFile {directory}/server.key
TLSCipherSuite {priorities}
database mdb
suffix {suffix}
rootdn uid=alice,{suffix}
directory {directory}/{name}.db
maxsize 67108864
dbnosync
access to * by users read
"""
BASE = "dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: apex\no: Apex\n\n" % SUFFIX


class Server(Daemon):
    """slapd with ldap:// on `port` and ldaps:// on `tls_port`; its trace has its name."""

    def __init__(self, realm, traced, name, bindings="none", priorities="NORMAL", keytab=None, **settings):
        self.name = name
        database = realm.path(name + ".db")
        os.mkdir(database)
        shutil.chown(database, "openldap", "openldap")
        self.tls_port = free_port()
        port = free_port()
        conf = realm.write(name + ".conf", CONFIGURATION.format(directory=realm.directory, suffix=SUFFIX, name=name,
                                                                bindings=bindings, priorities=priorities))
        where = "ldap://127.0.0.1:%d ldaps://127.0.0.1:%d" % (port, self.tls_port)
        super().__init__(realm, name, [SLAPD, "-f", conf, "-h", where, "-d", "stats"], traced(name, keytab=keytab, **settings),
                         port, user="openldap")


def ldap(traced, program, port, *options, scheme="ldap", mechanism="GSSAPI", text=None, **settings):
    traced.forget("client")
    env = traced("client", LDAPTLS_CACERT=traced.realm.path("ca.pem"), **settings)
    return run([program, "-H", "%s://localhost:%d" % (scheme, port), "-N", "-Y", mechanism, *options], env, text)


def is_alice(traced, server, *options, port=None, ssf=None, **settings):
    traced.forget(server.name)
    status, told = ldap(traced, "ldapwhoami", port or server.port, *options, **settings)
    expect(status == 0 and ALICE in told, "status %d: %s %s" % (status, told, server.told()[-600:]))
    seen = re.search(r"SASL SSF: (\d+)", told)
    expect(ssf is None or (seen and seen[1] == ssf), "SSF %s instead of %s" % (seen and seen[1], ssf))
    traced.must_have_served("client", server.name)


def is_refused(traced, server, client_words, server_words, *options, port=None, **settings):
    traced.forget(server.name)
    before = len(server.told())
    status, told = ldap(traced, "ldapwhoami", port or server.port, *options, **settings)
    expect(status != 0 and ALICE not in told, "ldapwhoami got in: " + told)
    show("ldapwhoami", told, *client_words)
    if server_words:
        within(3, lambda: all(word in server.told(before) for word in server_words))
        show("slapd", server.told(before), *server_words)


def entries_come_back(traced, server, strength="minssf=256"):
    """Half a megabyte through the encrypting layer, in pieces of the size that SASL agrees on."""
    photo = base64.b64encode(random.Random(4752).randbytes(500000)).decode()
    people = "".join("dn: uid=u%d,%s\nobjectClass: inetOrgPerson\nuid: u%d\ncn: U\nsn: U\n%s\n" % (
        number, SUFFIX, number, "jpegPhoto:: %s\n" % photo if number == 0 else "") for number in range(50))
    status, told = ldap(traced, "ldapadd", server.port, "-O", strength, text=BASE + people)
    expect(status == 0, "ldapadd: %s %s" % (told[-600:], server.told()[-600:]))
    status, told = ldap(traced, "ldapsearch", server.port, "-O", strength, "-LLL", "-Q", "-o", "ldif-wrap=no", "-b",
                        SUFFIX, "(objectClass=inetOrgPerson)")
    expect(status == 0 and told.count("dn: uid=") == 50, "ldapsearch: %s" % told[-600:])
    expect("jpegPhoto:: %s\n" % photo in told, "the photo that came back is another one")


def without_tls(report, realm, traced):
    with Server(realm, traced, "slapd") as server:
        for name, options, more in (
                ("SSF 256", ("-O", "minssf=256"), {"ssf": "256"}),
                ("integrity only", ("-O", "minssf=1,maxssf=1"), {"ssf": "1"}),
                ("no layer", ("-O", "maxssf=0"), {"ssf": "0"}),
                ("GSS-SPNEGO", (), {"mechanism": "GSS-SPNEGO"}),
                ("GS2-KRB5", ("-U", "alice"), {"mechanism": "GS2-KRB5"})):
            report.case("LDAP client to slapd: " + name, lambda: is_alice(traced, server, *options, **more))
        report.case("LDAP client to slapd: entries of half a megabyte come back", entries_come_back, traced, server)
        report.case("LDAP client to slapd: no ticket is refused", lambda: is_refused(
            traced, server, (realm.path("none"),), (), ccache=realm.path("none")))
    with Server(realm, traced, "slapd.wrong", keytab=wrong_keytab(realm, SERVICE)) as server:
        report.case("LDAP client to slapd: wrong key in the keytab is refused", lambda: is_refused(
            traced, server, ("additional info",), (SERVICE + "@APEX.TEST",)))


def bindings_fit(traced, server, kind):
    is_alice(traced, server, port=server.tls_port, scheme="ldaps", LDAPSASL_CBINDING=kind)
    if traced.apex:
        told = "\n".join(traced.trace(server.name))
        expect("bindings=yes" in "\n".join(traced.trace("client")), "the client gave Apex no bindings")
        expect("client=yes server=yes equal=yes" in told, "slapd gave Apex no bindings: " + told)


def man_in_the_middle(realm, traced, server, kind):
    """The client trusts the man's certificate, since the same authority made it: only the bindings tell them apart."""
    settings = {"scheme": "ldaps", "LDAPSASL_CBINDING": kind}
    with Middle(server.tls_port, realm.path("middle.pem")) as middle:
        is_alice(traced, server, port=middle.port, **dict(settings, LDAPSASL_CBINDING="none"))
        expect(middle.read > 0, "nothing came through the man in the middle")
        # TLS 1.3 has no tls-unique: who offers it to such a client gets no bindings, whatever the mechanism.
        middle.as_server.maximum_version = ssl.TLSVersion.TLSv1_2 if kind == "tls-unique" else ssl.TLSVersion.TLSv1_3
        is_refused(traced, server, ("additional info",), ("annel bindings",), port=middle.port, **settings)
    traced.must_have_refused(server.name)
    if kind == "tls-endpoint":
        with Middle(server.tls_port, realm.path("server.pem")) as middle:
            is_alice(traced, server, port=middle.port, **settings)


def aware_client(realm, traced, server):
    """A client that says that it can do bindings and gives none, since somebody made it believe that there is no TLS."""
    aware = realm.configuration("krb5.aware.conf", libdefaults="client_aware_channel_bindings = true")
    settings = {"port": server.tls_port, "scheme": "ldaps", "KRB5_CONFIG": aware}
    is_alice(traced, server, **settings, LDAPSASL_CBINDING="tls-endpoint")
    is_refused(traced, server, ("additional info",), ("annel bindings",), **settings)


def with_tls(report, realm, traced):
    for kind, priorities in (("tls-endpoint", "NORMAL"), ("tls-unique", "NORMAL:-VERS-TLS1.3")):
        with Server(realm, traced, "slapd." + kind, kind, priorities) as server:
            report.case("LDAP over TLS: %s bindings fit" % kind, bindings_fit, traced, server, kind)
            report.case("LDAP over TLS: a client without bindings gets in", lambda: is_alice(
                traced, server, port=server.tls_port, scheme="ldaps"))
            report.case("LDAP over TLS: a man in the middle is refused by %s" % kind, man_in_the_middle, realm, traced,
                        server, kind)
            if kind == "tls-endpoint":
                report.case("LDAP over TLS: a client that can bind and does not is refused", aware_client, realm, traced,
                            server)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    authority = Authority(realm)
    authority.issue("server")
    authority.issue("middle")
    without_tls(report, realm, traced)
    with_tls(report, realm, traced)


if __name__ == "__main__":
    sys.exit(play("OpenLDAP", PACKAGES, NEEDED, cases))
