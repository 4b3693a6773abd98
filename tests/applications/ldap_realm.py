# SPDX-License-Identifier: MIT
"""A realm whose database is a directory: only with that does MIT's KDC know who may act for whom (S4U2Proxy)."""
import gzip
import os
import shutil

from realm import KDC_CONF, REALM, Realm, free_port, wait_for_port

PACKAGES = ("krb5-kdc-ldap", "slapd", "ldap-utils")
SCHEMA = "/usr/share/doc/krb5-kdc-ldap/kerberos.schema.gz"
NEEDED = ("/usr/sbin/slapd", "ldapmodify", "kdb5_ldap_util", SCHEMA)
SUFFIX = "dc=apex,dc=test"
CONTAINER = "cn=krb5," + SUFFIX
ROOT = "cn=root," + SUFFIX
PASSWORD = "secret"
DIRECTORY_CONF = """include /etc/ldap/schema/core.schema
include {folder}/kerberos.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/db/pid
database mdb
suffix {suffix}
rootdn {root}
rootpw {password}
directory {folder}/db
maxsize 67108864
dbnosync
index krbPrincipalName eq,pres
"""
DATABASE = """[dbmodules]
    ldap = {{
        db_library = kldap
        ldap_kerberos_container_dn = {container}
        ldap_kdc_dn = {root}
        ldap_kadmind_dn = {root}
        ldap_service_password_file = {directory}/ldap.stash
        ldap_servers = ldap://127.0.0.1:{port}
        ldap_conns_per_server = 2
    }}
"""
BASE = "dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: apex\no: Apex\n" % SUFFIX
ALLOWANCE = """dn: krbPrincipalName=%s@%s,cn=%s,%s
changetype: modify
add: krbAllowedToDelegateTo
krbAllowedToDelegateTo: %s@%s
"""


class LdapRealm(Realm):
    """Realm on krb5-kdc-ldap; allow() lets a service act for its clients towards another service."""

    def _start(self):
        self._start_directory()
        for _ in range(5):
            self.port = free_port()
            database = DATABASE.format(container=CONTAINER, root=ROOT, directory=self.directory, port=self.directory_port)
            text = KDC_CONF.replace("database_name = {directory}/principal", "database_module = ldap")
            self.write("kdc.conf", text.format(port=self.port, realm=REALM, directory=self.directory,
                                               keysalts="aes256-cts-hmac-sha1-96:normal",
                                               settings=self.settings) + database)
            self.configuration()
            self.configuration("krb5.kdc.conf")
            if not os.path.exists(self.path("stash")):
                self._create_database()
            self.kdc = self.spawn(["krb5kdc", "-n", "-r", REALM], env=self.admin_environment(), output="kdc.out")
            if wait_for_port(self.port, self.kdc):
                return
        raise RuntimeError("krb5kdc did not start: " + self.read("kdc.out"))

    def _start_directory(self):
        folder = self.path("directory")
        os.makedirs(folder + "/db")
        shutil.chown(folder + "/db", "openldap", "openldap")
        with gzip.open(SCHEMA, "rt", encoding="utf-8") as packed:
            self.write("directory/kerberos.schema", packed.read())
        conf = self.write("directory/conf", DIRECTORY_CONF.format(folder=folder, suffix=SUFFIX, root=ROOT, password=PASSWORD))
        self.directory_port = free_port()
        self.spawn(["/usr/sbin/slapd", "-f", conf, "-h", self._directory_url(), "-d", "none"], self.base_environment(),
                   output="directory.log", user="openldap", group="openldap", extra_groups=[])
        if not wait_for_port(self.directory_port):
            raise RuntimeError("slapd did not start: " + self.read("directory.log"))
        self.change_directory(BASE, "-a")

    def _directory_url(self):
        return "ldap://127.0.0.1:%d" % self.directory_port

    def _create_database(self):
        # One process after another opens the stash of passwords, so it must be there first; the tool asks twice.
        bind = ["-D", ROOT, "-w", PASSWORD, "-H", self._directory_url()]
        self.run(["kdb5_ldap_util", *bind, "-r", REALM, "stashsrvpw", "-f", self.path("ldap.stash"), ROOT],
                 text=PASSWORD + "\n" + PASSWORD + "\n")
        self.run(["kdb5_ldap_util", *bind, "create", "-r", REALM, "-subtrees", SUFFIX, "-s", "-P", "masterkey"])

    def change_directory(self, ldif, *options):
        self.run(["ldapmodify", "-x", "-H", self._directory_url(), "-D", ROOT, "-w", PASSWORD, *options], text=ldif)

    def allow(self, service, target):
        """The service may ask for tickets to the target in the names of its clients."""
        self.change_directory(ALLOWANCE % (service, REALM, REALM, CONTAINER, target, REALM))
