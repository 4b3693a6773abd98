# SPDX-License-Identifier: MIT
"""Stands in for the package k5test, which Debian does not have: as much of its interface as python3-gssapi's suite uses,
on a realm of ours. install() puts it in place."""
import contextlib
import glob
import importlib
import subprocess
import sys
import types
import unittest

from realm import REALM

USER_PASSWORD = "secret"


class SuiteRealm:
    """The realm as the suite sees it: alice's place is taken by `user`, and the host has a key."""

    provider = "mit"
    realm = REALM
    user_princ = "user@" + REALM
    admin_princ = "user/admin@" + REALM

    def __init__(self, ours, environment, host):
        self.ours = ours
        self.tmpdir = ours.path("tmp")
        self.keytab = ours.keytab
        self.ccache = environment["KRB5CCNAME"]
        self.env = environment
        ours.add_user("user", USER_PASSWORD)
        ours.add_user("user/admin", USER_PASSWORD)
        self.host_princ = "host/%s@%s" % (host, REALM)
        self.added = set()
        ours.add_service("host/" + host)

    @staticmethod
    def password(_name):
        return USER_PASSWORD

    def addprinc(self, name):
        # The original makes a realm for each class.
        if name not in self.added:
            self.ours.kadmin("addprinc -randkey " + name)
            self.added.add(name)

    def extract_keytab(self, name, keytab):
        self.ours.export_keys(name, keytab)

    def kinit(self, name, password=None, flags=(), env=None, **_more):
        self.ours.run(["kinit", *flags, name], env=env or self.env, text=password + "\n" if password else None)


def skips_unless(condition, why):
    return unittest.skipUnless(condition, why)


def has_extension(name):
    with contextlib.suppress(ImportError):
        importlib.import_module("gssapi.raw.ext_" + name)
        return True
    return False


def at_least(version):
    found = subprocess.run(["krb5-config", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    return [int(part) for part in found.split(".")] >= [int(part) for part in version.split(".")]


def install(suite_realm):
    package, unit = types.ModuleType("k5test"), types.ModuleType("k5test.unit")

    class KerberosTestCase(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.realm = suite_realm
            cls.realm.kinit(cls.realm.user_princ, USER_PASSWORD, ["-f"])

    package.KerberosTestCase = KerberosTestCase
    package.unit = unit
    unit.gssapi_extension_test = lambda name, text: skips_unless(has_extension(name), text + " is not in this build")
    unit.krb_minversion_test = lambda version, text, provider=None: skips_unless(
        provider not in (None, "mit") or at_least(version), text + " needs " + version)
    unit.krb_provider_test = lambda providers, text: skips_unless("mit" in providers, text)
    unit.krb_plugin_test = lambda kind, name: skips_unless(
        glob.glob("/usr/lib/*/krb5/plugins/%s/%s.so" % (kind, name)), "needs MIT's test plugin " + name)
    sys.modules["k5test"], sys.modules["k5test.unit"] = package, unit
