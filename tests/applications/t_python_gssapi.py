#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""python3-gssapi's own test suite, as the Debian package ships it, on this machine under another name."""
import os
import socket
import subprocess
import sys
import unittest

from program import Traced, absent, play

PACKAGES = ("python3-gssapi", "python3-parameterized", "libkrb5-dev")
FOLDER = "/usr/lib/python3/dist-packages"
NEEDED = (FOLDER + "/gssapi/tests/test_raw.py", FOLDER + "/parameterized", "krb5-config", "unshare")
SUITE = ("gssapi.tests.test_raw", "gssapi.tests.test_high_level")
INSIDE = "--inside"
# Not below .apex.test: krb5.conf must not know this host's realm.
HOST = "suite.elsewhere.test"
NTLMSSP = os.environ.get("APEX_NTLMSSP", "/usr/lib/x86_64-linux-gnu/gssntlmssp/gssntlmssp.so")

# What no interposer can pass, the library being what it is.
SHOWN_OID = "no interposer can: the library shows the OID under which it keeps it"
IMPOSSIBLE = {
    "test_raw.TestBaseUtilities.test_krb5_import_cred":
        "no interposer can: the library gives it no credential where a program made one with gss_krb5_import_cred, so that "
        "it takes the default one",
    "test_raw.TestBaseUtilities.test_acquire_creds_impersonate_name": SHOWN_OID,
    "test_raw.TestBaseUtilities.test_inquire_name_mech_name": SHOWN_OID,
    "test_high_level.NamesTestCase.test_is_mech_name": SHOWN_OID,
}


class Cases(unittest.TestResult):
    """Turns each of the suite's tests into one of our cases."""

    def __init__(self, report, apex):
        super().__init__()
        self.report = report
        self.cannot = IMPOSSIBLE if apex else {}

    @staticmethod
    def name_of(test):
        return test.id().removeprefix("gssapi.tests.")

    def addSuccess(self, test):
        name = self.name_of(test)
        if name in self.cannot:
            self.report.not_ok(name, "passes, so it must leave the list of those that cannot")
        else:
            self.report.ok(name)

    def addSkip(self, test, reason):
        self.report.skip(self.name_of(test), reason)

    def addError(self, test, err):
        name = self.name_of(test)
        if name in self.cannot:
            self.report.skip(name, self.cannot[name])
        else:
            self.report.not_ok(name, self._exc_info_to_string(err, test)[-1500:])

    addFailure = addError


def name_this_machine(realm):
    """A host-based name without a host means this machine, whose own name may be any."""
    hosts = realm.write("hosts", "127.0.0.1 %s\n127.0.0.1 localhost\n" % HOST)
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    socket.sethostname(HOST)


def cases(report, realm, traced):
    import k5test_stand_in
    if os.path.exists(NTLMSSP):
        traced = Traced(realm, "gssntlmssp_v1 1.3.6.1.4.1.311.2.2.10 %s" % NTLMSSP)
    name_this_machine(realm)
    environment = traced("suite")
    os.environ.update(environment, GSSAPI_KRB5_MAIN_LIB="libkrb5.so.3")
    k5test_stand_in.install(k5test_stand_in.SuiteRealm(realm, environment, HOST))
    os.chdir(realm.path("tmp"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(SUITE)
    suite.run(Cases(report, traced.apex))
    report.case("python3-gssapi's suite was served", traced.must_have_served, "suite", "suite")


if __name__ == "__main__":
    if INSIDE not in sys.argv and not absent(NEEDED) and os.geteuid() == 0:
        os.execvp("unshare", ["unshare", "--mount", "--uts", "--propagation", "private", "--", sys.executable, "-B",
                              os.path.abspath(__file__), INSIDE])
    sys.exit(play("python3-gssapi", PACKAGES, NEEDED, cases))
