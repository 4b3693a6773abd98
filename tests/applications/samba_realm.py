# SPDX-License-Identifier: MIT
"""An Active Directory domain whose one controller is Samba: its KDC puts a PAC with SIDs into tickets, as Windows does."""
import os
import signal

from program import run
from realm import ALL_ENCTYPES, REALM, Realm, end_process, free_port, wait_for_port
import gss

PACKAGES = ("samba", "samba-ad-provision", "samba-dsdb-modules", "samba-vfs-modules", "python3-samba", "winbind")
NEEDED = ("samba", "samba-tool", "/usr/share/samba/setup/provision.ldif", "/usr/lib/x86_64-linux-gnu/samba/ldb/samldb.so",
          "/usr/lib/x86_64-linux-gnu/samba/vfs/acl_xattr.so", "/usr/lib/python3/dist-packages/samba/samdb.py")
DOMAIN = "APEX"
# Passwords of a domain must be long and mixed.
PASSWORD = "Apex.Secret.1"
RC4 = "arcfour-hmac"
# Bits of msDS-SupportedEncryptionTypes ([MS-KILE] 2.2.7).
SUPPORTED = {17: 8, 18: 16, 23: 4}
GLOBAL, DOMAIN_LOCAL = 2, 4
TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION = 0x1000000
SMB_CONF = """[global]
    netbios name = DC
    workgroup = {domain}
    realm = {realm}
    server role = active directory domain controller
    server services = kdc
    interfaces = 127.0.0.1
    bind interfaces only = yes
    krb5 port = {port}
    kpasswd port = 0
    private dir = {folder}/private
    state directory = {folder}/state
    cache directory = {folder}/cache
    lock directory = {folder}
    pid directory = {folder}/run
    binddns dir = {folder}/bind-dns
    ncalrpc dir = {folder}/ncalrpc
    winbindd socket directory = {folder}/winbindd
    ntp signd socket directory = {folder}/ntp
    log file = {folder}/log.samba
"""


class SambaRealm(Realm):
    """Realm of a domain controller. Accounts are made by functions of Directory: administer(function, ...)."""

    def _start(self):
        self.folder = self.path("domain")
        os.makedirs(self.folder + "/run")
        self._configure()
        status, told = run(
            ["samba-tool", "domain", "provision", "--configfile", self.smb_conf, "--targetdir", self.folder, "--realm", REALM,
             "--domain", DOMAIN, "--server-role", "dc", "--host-name", "dc", "--host-ip", "127.0.0.1", "--dns-backend",
             "NONE", "--adminpass", PASSWORD], self.admin_environment(), patience=300)
        if status != 0:
            raise RuntimeError("samba-tool domain provision: " + told[-1500:])
        for _ in range(5):
            self._configure()
            # One process in a group of its own: nothing of it outlives the realm.
            self.kdc = self.spawn(["samba", "--interactive", "--model", "single", "--configfile", self.smb_conf],
                                  env=self.admin_environment(), output="samba.out", start_new_session=True)
            if wait_for_port(self.port, self.kdc, patience=60):
                return
            end_process(self.kdc)
        raise RuntimeError("samba did not start: " + self.read("samba.out"))

    def _configure(self):
        self.port = free_port()
        self.smb_conf = self.write("smb.conf", SMB_CONF.format(domain=DOMAIN, realm=REALM, port=self.port,
                                                               folder=self.folder))
        self.configuration()

    def __exit__(self, kind, value, trace):
        if self.kdc is not None and self.kdc.poll() is None:
            os.killpg(self.kdc.pid, signal.SIGTERM)
        return super().__exit__(kind, value, trace)

    def configuration(self, name="krb5.conf", port=None, libdefaults="", apex=None, enctypes=None):
        """RC4 is allowed, since a domain gives its accounts such keys until it is told otherwise."""
        return super().configuration(name, port, libdefaults + "\n    allow_rc4 = true", apex,
                                     enctypes or ALL_ENCTYPES + " " + RC4)

    def admin_environment(self):
        """For the programs of Samba, whose database need not survive a power cut."""
        return dict(self.base_environment(), TDB_NO_FSYNC="1", KRB5_CONFIG=self.path("domain", "private", "krb5.conf"))

    def administer(self, function, *arguments):
        """What function(directory, ...) returns, in a child process: Samba's modules bring a Kerberos of their own."""
        return gss.apart(self.admin_environment(), lambda: function(Directory(self.smb_conf), *arguments))

    def kinit(self, name="alice", password=PASSWORD, ccache=None, options=()):
        return super().kinit(name, password, ccache, options)


def account_of(principal):
    """The account of a service: its name may have 20 characters, and none that paths have."""
    return principal.replace("/", "-").split(".")[0]


class Directory:
    """The domain's accounts, written in its database."""

    def __init__(self, smb_conf):
        from samba import set_debug_level
        from samba.auth import system_session
        from samba.param import LoadParm
        from samba.samdb import SamDB
        self.settings = LoadParm()
        self.settings.load(smb_conf)
        set_debug_level(-1)  # at 0 it tells of every key that it exports
        self.database = SamDB(session_info=system_session(), lp=self.settings, url=self.settings.private_path("sam.ldb"))

    def add_user(self, name, upn=None):
        self.database.newuser(name, PASSWORD)
        if upn:
            self.change(name, userPrincipalName=upn)

    def add_group(self, name, *members, scope=GLOBAL):
        security_enabled = -0x80000000
        self.database.newgroup(name, grouptype=security_enabled | scope)
        self.database.add_remove_group_members(name, members, add_members_operation=True)

    def add_service(self, principal, enctype, keytab):
        """An account for a service, whose keys are of one type, and a keytab with its key. The account logs in under the
        name of its service."""
        from samba import dckeytab, generate_random_password  # the first gives Net its export_keytab
        from samba.net import Net
        account = account_of(principal)
        self.database.newuser(account, PASSWORD)
        self.change(account, servicePrincipalName=principal, userPrincipalName=principal + "@" + REALM,
                    **{"msDS-SupportedEncryptionTypes": str(SUPPORTED[enctype])})
        # Until now it has an RC4 key only: the keys are made together with a password.
        self.database.setpassword("(sAMAccountName=%s)" % account, generate_random_password(24, 32))
        Net(None, self.settings).export_keytab(keytab=keytab, principal=principal)
        os.chmod(keytab, 0o644)

    def may_act_for_anybody(self, service, target):
        """The service gets forwardable tickets to itself in anybody's name, and may go to the target with them."""
        account = account_of(service)
        control = int(self.entry(account, "userAccountControl")["userAccountControl"][0])
        self.change(account, **{"userAccountControl": str(control | TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION),
                                "msDS-AllowedToDelegateTo": target})

    def entry(self, name, *attributes):
        found = self.database.search(expression="(sAMAccountName=%s)" % name, attrs=list(attributes))
        if len(found) != 1:
            raise RuntimeError("%d accounts are called %s" % (len(found), name))
        return found[0]

    def change(self, name, **attributes):
        import ldb
        message = ldb.Message(self.entry(name).dn)
        for attribute, value in attributes.items():
            message[attribute] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, attribute)
        self.database.modify(message)

    def sid(self, entry):
        from samba.dcerpc import security
        from samba.ndr import ndr_unpack
        return str(ndr_unpack(security.dom_sid, entry["objectSid"][0]))

    def groups(self, dn):
        """The SIDs of the groups that an entry is in by memberOf, and of those that these are in."""
        import ldb
        entry = self.database.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["memberOf"])[0]
        found = set()
        for group in entry.get("memberOf", ()):
            group_entry = self.database.search(base=str(group), scope=ldb.SCOPE_BASE, attrs=["objectSid"])[0]
            found |= {self.sid(group_entry)} | self.groups(str(group))
        return found
