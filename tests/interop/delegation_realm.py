# SPDX-License-Identifier: MIT
"""A realm whose KDC knows resource-based delegation and users' certificates, which MIT's packaged database does not."""
import glob
import hashlib
import os
import shutil
import subprocess

from peer import C_FLAGS, HERE, build_directory, is_stale
from realm import REALM, SBIN, Realm

LIBRARIES = ["mit-krb5", "kdb", "libcrypto"]
PLACES = ("/usr/lib/*/krb5/plugins/kdb/db2.so", "/usr/lib*/krb5/plugins/kdb/db2.so")
NAME = "kdb_delegation"
SECTIONS = """[dbmodules]
    db_module_dir = %s
    delegation = {
        db_library = %s
    }
"""


def packaged_module():
    """The path of MIT's own database module, or None."""
    return next((path for place in PLACES for path in sorted(glob.glob(place))), None)


def lacking():
    """What this machine lacks for such a realm, by name."""
    known = subprocess.run(["pkg-config", "--exists", *LIBRARIES], check=False).returncode == 0
    there = {"db2.so (krb5-kdc)": packaged_module(), "kdb.h (libkrb5-dev)": known, "openssl": shutil.which("openssl", path=SBIN)}
    return [name for name, found in there.items() if not found]


def build_module():
    """Compiles the database module around MIT's own and returns its directory."""
    directory = os.path.join(build_directory(), "kdb")
    module = os.path.join(directory, NAME + ".so")
    source = os.path.join(HERE, NAME + ".c")
    if is_stale(module, [source]):
        os.makedirs(directory, exist_ok=True)
        flags, libs = (subprocess.check_output(["pkg-config", what, *LIBRARIES], text=True).split()
                       for what in ("--cflags", "--libs"))
        fresh = "%s.%d" % (module, os.getpid())
        subprocess.check_call(["cc", *C_FLAGS, "-shared", "-fPIC", *flags, '-DDB2_MODULE="%s"' % packaged_module(), source,
                               "-o", fresh, *libs, "-ldl"])
        os.rename(fresh, module)
    return directory


class DelegationRealm(Realm):
    """Realm on that module."""

    def __init__(self):
        super().__init__(settings="database_module = delegation", sections=SECTIONS % (build_module(), NAME))

    def allow(self, service, target):
        """The target lets the service act towards it in its clients' names."""
        self.kadmin("set_string %s delegation_from %s@%s" % (target, service, REALM))

    def disallow(self, target):
        self.kadmin("del_string %s delegation_from" % target)

    def make_certificate(self, name, user):
        """A certificate for a user, with a key of its own, as DER; the KDC does not know it yet."""
        path = self.path(name + ".der")
        self.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                  self.path(name + ".key"), "-subj", "/O=Apex/CN=" + user, "-days", "2", "-outform", "DER", "-out", path])
        with open(path, "rb") as file:
            return file.read()

    def register(self, certificate, user):
        """From now on the KDC takes the certificate for the user's."""
        self.kadmin("set_string %s certificate %s" % (user, hashlib.sha256(certificate).hexdigest()))
