#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Heimdal's SASL module under OpenLDAP's programs, with Apex at the other end. Debian's other programs on Heimdal's GSS-API
are none: gsstool only lists mechanisms."""
import os
import shutil
import sys

from program import expect, play, wrong_keytab
from tls import Authority
import t_openldap

MODULE = os.environ.get("APEX_HEIMDAL_SASL", "")
PACKAGES = ("slapd", "ldap-utils", "libsasl2-modules-gssapi-heimdal (unpacked, APEX_HEIMDAL_SASL names its libgssapiv2.so)")
HEIMDAL = {}  # the settings by which a program takes Heimdal's module
# What Heimdal's module says of itself, whatever the key.
SSF = "SASL SSF: 56"


def uses_heimdal(realm, name):
    """Looks at slapd's own memory."""
    pid = realm.read(name + ".db/pid").strip()
    with open("/proc/%s/maps" % pid, encoding="utf-8", errors="replace") as maps:
        text = maps.read()
    return HEIMDAL["SASL_PATH"] + "/libgssapiv2.so" in text and "mech_apex" not in text


def heimdal_asks(traced, server):
    traced.forget(server.name)
    status, told = t_openldap.ldap(traced, "ldapwhoami", server.port, **HEIMDAL)
    expect(status == 0 and t_openldap.ALICE in told and SSF in told, told)
    expect(not traced.trace("client"), "Heimdal's client used Apex")
    traced.must_have_served(acceptor=server.name)


def heimdal_reads(traced, server):
    t_openldap.entries_come_back(traced, server)
    _, ours = t_openldap.ldap(traced, "ldapsearch", server.port, "-LLL", "-Q", "-b", t_openldap.SUFFIX)
    _, theirs = t_openldap.ldap(traced, "ldapsearch", server.port, "-LLL", "-Q", "-b", t_openldap.SUFFIX, **HEIMDAL)
    expect(len(ours) > 600000 and ours == theirs, "Heimdal's client got something else")


def heimdal_is_asked(realm, traced, server):
    status, told = t_openldap.ldap(traced, "ldapwhoami", server.port)
    expect(status == 0 and t_openldap.ALICE in told, told)
    expect(uses_heimdal(realm, server.name), "slapd does not use Heimdal")
    traced.must_have_served(initiator="client")


def heimdal_refuses(realm, traced):
    with t_openldap.Server(realm, traced, "slapd.wrong", keytab=wrong_keytab(realm, t_openldap.SERVICE), **HEIMDAL) as server:
        t_openldap.is_refused(traced, server, ("additional info",), ("GSSAPI Error",))


def apex_refuses_heimdal(realm, traced):
    with t_openldap.Server(realm, traced, "slapd.refuses", keytab=wrong_keytab(realm, t_openldap.SERVICE)) as server:
        t_openldap.is_refused(traced, server, ("additional info",), (t_openldap.SERVICE + "@APEX.TEST",), **HEIMDAL)
        traced.must_have_refused(server.name)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(t_openldap.SERVICE)
    realm.kinit("alice")
    Authority(realm).issue("server")
    # A copy, because slapd's account cannot look into everybody's build directory.
    HEIMDAL["SASL_PATH"] = shutil.copytree(os.path.dirname(MODULE), realm.path("sasl"), symlinks=True)
    with t_openldap.Server(realm, traced, "slapd") as server:
        report.case("LDAP client on Heimdal to slapd: a user binds", heimdal_asks, traced, server)
        report.case("LDAP client on Heimdal to slapd: it reads what others read", heimdal_reads, traced, server)
    with t_openldap.Server(realm, traced, "slapd.heimdal", **HEIMDAL) as server:
        report.case("LDAP client to slapd on Heimdal: a user binds", heimdal_is_asked, realm, traced, server)
        report.case("LDAP client to slapd on Heimdal: entries of half a megabyte come back",
                    lambda: t_openldap.entries_come_back(traced, server, "minssf=56"))
    report.case("LDAP client on Heimdal to slapd: wrong key in the keytab is refused", apex_refuses_heimdal, realm, traced)
    report.case("LDAP client to slapd on Heimdal: wrong key in the keytab is refused", heimdal_refuses, realm, traced)


if __name__ == "__main__":
    sys.exit(play("Heimdal", PACKAGES, (*t_openldap.NEEDED, MODULE or "Heimdal's SASL module"), cases))
