# SPDX-License-Identifier: MIT
"""A throw-away MIT realm on loopback, in one temporary directory.

Realm is a context manager: on entry it makes the database, starts krb5kdc on a free port of 127.0.0.1
and creates the users; on exit (also after SIGTERM) it ends the KDC by the process id it recorded and
removes the directory. Nothing outside that directory is touched. Only the standard library is used.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

REALM = "APEX.TEST"
HOST = "peer.apex.test"
USER = "alice"
INTERPOSER_OID = "2.25.6182930471855164202"
MECHANISM_OID = "2.25.6182930471855164201"
SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"

ENCTYPES = {
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
}
CAMELLIA = {25: "camellia128-cts-cmac", 26: "camellia256-cts-cmac"}
RC4 = {23: "arcfour-hmac"}
AES = "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha256-128"
ALL_ENCTYPES = AES + " camellia256-cts-cmac camellia128-cts-cmac"

KDC_CONF = """[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {directory}/principal
        key_stash_file = {directory}/stash
        acl_file = {directory}/kadm5.acl
        max_life = 10h 0m 0s
        max_renewable_life = 1d 0h 0m 0s
        supported_enctypes = {keysalts}
        master_key_type = aes256-cts-hmac-sha1-96
        default_principal_flags = +forwardable,+renewable
        {settings}
    }}
[logging]
    kdc = FILE:{directory}/kdc.log
    default = FILE:{directory}/kdc.log
"""

KRB5_CONF = """[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    qualify_shortname = ""
    forwardable = true
    {libdefaults}
    {enctypes}
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    .apex.test = {realm}
    localhost = {realm}
[apex]
    {apex}
"""


def end_process(process, patience=5.0):
    """Ends a child by its recorded id: SIGTERM first, SIGKILL when it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    """A port of 127.0.0.1 that nobody holds at this moment, for TCP and for UDP."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                try:
                    datagram.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port
    raise RuntimeError("no port of 127.0.0.1 is free for both TCP and UDP")


def wait_for_port(port, process=None, patience=10.0):
    """Waits until something listens on the TCP port; false when the process ends or patience runs out."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            return False
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False


def turn_sigterm_into_exit():
    """Makes SIGTERM and SIGHUP unwind the stack, so that every context manager cleans up."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def remove_replay_memory(directory):
    """Replay stores below a directory that is about to be removed keep their records in memory that would stay. Its key
    is made of the place and the user (src/host/replay_segment.cpp)."""
    odd, mask = 0x9e3779b97f4a7c15, (1 << 64) - 1
    for place, names, _ in os.walk(directory):
        users = [int(name[5:]) for name in names if name.startswith("apex_") and name[5:].isdigit()]
        status = os.stat(place)
        for user in users:
            mixed = (((status.st_dev * odd + status.st_ino) & mask) * odd + user) & mask
            key = ((mixed >> 33) | 1) & 0xffffffff
            subprocess.run(["ipcrm", "-M", "0x%08x" % key], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Realm:
    """A realm with one KDC. Paths are attributes: directory, krb5_conf, keytab, ccache.

    Further lines go into the realm's part of kdc.conf, and into krb5.conf's [libdefaults] for the KDC and for all; whole
    sections go to the end of kdc.conf.
    """

    def __init__(self, settings="", libdefaults="", sections=""):
        self.settings = settings
        self.sections = sections
        self.libdefaults = libdefaults
        self.directory = None
        self.port = None
        self.kdc = None
        self.children = []

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="apex-interop-")
        os.chmod(self.directory, 0o755)
        for name in ("tmp", "replay"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o1777 if os.geteuid() == 0 else 0o700)
        self.krb5_conf = self.path("krb5.conf")
        self.kdc_conf = self.path("kdc.conf")
        self.keytab = self.path("keytab")
        self.ccache = self.path("ccache")
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for process in reversed(self.children):
            end_process(process)
        if os.environ.get("APEX_KEEP"):
            print("# kept " + self.directory)
        else:
            remove_replay_memory(self.directory)
            shutil.rmtree(self.directory, ignore_errors=True)
        return False

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def configuration(self, name="krb5.conf", port=None, libdefaults="", apex=None, enctypes=None):
        """Writes a client configuration and returns its path; further lines go into [libdefaults] and [apex]."""
        enctypes = enctypes or ALL_ENCTYPES
        # MIT, Java and Heimdal each look for a name of their own; Heimdal knows no Camellia.
        lines = ["%s = %s" % (key, enctypes)
                 for key in ("permitted_enctypes", "default_tkt_enctypes", "default_tgs_enctypes")]
        if RC4[23] in enctypes:
            lines += ["allow_rc4 = true", "allow_weak_crypto = true"]  # of MIT and Apex, of Java
        etypes = [name for name in enctypes.split() if "camellia" not in name]
        if etypes:
            lines.append("default_etypes = " + " ".join(etypes).replace(RC4[23], RC4[23] + "-md5"))
        return self.write(name, KRB5_CONF.format(
            realm=REALM, port=port or self.port, libdefaults=libdefaults or self.libdefaults,
            apex=apex or "replay_directory = " + self.path("replay"),
            enctypes="\n    ".join(lines)))

    def _start(self):
        for _ in range(5):
            self.port = free_port()
            enctypes = ALL_ENCTYPES + " " + RC4[23]
            keysalts = " ".join(name + ":normal" for name in enctypes.split())
            self.write("kdc.conf", KDC_CONF.format(
                port=self.port, realm=REALM, directory=self.directory, keysalts=keysalts,
                settings=self.settings) + self.sections)
            self.configuration()
            # The KDC has RC4 too; clients and services that shall use it get a configuration that says so.
            self.configuration("krb5.kdc.conf", enctypes=enctypes)
            if not os.path.exists(self.path("stash")):
                self.run(["kdb5_util", "create", "-s", "-W", "-r", REALM, "-P", "masterkey"])
            self.kdc = self.spawn(["krb5kdc", "-n", "-r", REALM], env=self.admin_environment(), output="kdc.out")
            if wait_for_port(self.port, self.kdc):
                return
        raise RuntimeError("krb5kdc did not start: " + self.read("kdc.out"))

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def spawn(self, command, env, output=None, **more):
        """Starts a child that is ended with the realm; its output goes to the named file of the directory."""
        if output is not None:
            with open(self.path(output), "ab") as file:
                process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=file,
                                           stderr=subprocess.STDOUT, **more)
        else:
            process = subprocess.Popen(command, env=env, **more)
        self.children.append(process)
        return process

    def base_environment(self):
        """A clean environment: nothing of the caller's Kerberos settings gets through."""
        return {"PATH": SBIN, "LC_ALL": "C.UTF-8", "HOME": self.path("tmp"), "TMPDIR": self.path("tmp"),
                "KRB5_CONFIG": self.krb5_conf, "KRB5RCACHEDIR": self.path("replay")}

    def admin_environment(self):
        return dict(self.base_environment(), KRB5_CONFIG=self.path("krb5.kdc.conf"), KRB5_KDC_PROFILE=self.kdc_conf)

    def run(self, command, env=None, text=None, check=True):
        """Runs a command to its end and returns its combined output; raises with that output on failure."""
        done = subprocess.run(command, env=env or self.admin_environment(), input=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if check and done.returncode != 0:
            raise RuntimeError("%s failed: %s" % (" ".join(command), done.stdout.strip()))
        return done.stdout

    def kadmin(self, *commands):
        """Runs kadmin.local commands in one process; a complaint of any of them is an error."""
        output = self.run(["kadmin.local", "-r", REALM], text="\n".join(commands) + "\n")
        complaints = [line for line in output.splitlines()
                      if "while" in line and not line.startswith(("WARNING", "No policy"))]
        if complaints:
            raise RuntimeError("kadmin.local: " + "; ".join(complaints))
        return output

    def add_user(self, name=USER, password="secret"):
        self.kadmin("addprinc -pw %s %s" % (password, name))

    def add_service(self, principal, enctypes=None, keytab=None):
        """Makes a service principal with keys of the given types only and appends them to a keytab."""
        known = {**ENCTYPES, **CAMELLIA, **RC4}
        names = [known[number] for number in enctypes] if enctypes else AES.split()
        keysalts = ",".join(name + ":normal" for name in names)
        self.kadmin("addprinc -randkey -e %s %s" % (keysalts, principal))
        self.export_keys(principal, keytab)

    def export_keys(self, principal, keytab=None):
        keytab = keytab or self.keytab
        self.kadmin("ktadd -norandkey -k %s %s" % (keytab, principal))
        os.chmod(keytab, 0o644)

    def kinit(self, name=USER, password="secret", ccache=None, options=()):
        ccache = ccache or self.ccache
        env = dict(self.base_environment(), KRB5CCNAME="FILE:" + ccache)
        self.run(["kinit", "-f", *options, name], env=env, text=password + "\n")
        return ccache

    def fetch_ticket(self, principal, ccache=None):
        env = dict(self.base_environment(), KRB5CCNAME="FILE:" + (ccache or self.ccache))
        return self.run(["kvno", principal], env=env)


class Environment:
    """Makes the environment of processes that shall use one mechanism: "apex" or one of the others.

    One krb5.conf serves MIT, Heimdal and Java. Without Apex an empty mechanism list hides the machine's own. A further
    line of that list may be given; kind="" makes Apex an ordinary mechanism under its own OID.
    """

    def __init__(self, realm, mechanism="mit", module=None, extra_line="", kind="<interposer>"):
        self.realm = realm
        self.mechanism = mechanism
        self.module = module or os.environ.get("APEX_MODULE")
        lines = extra_line + "\n" if extra_line else ""
        if mechanism == "apex":
            if not self.module or not os.path.isabs(self.module):
                raise RuntimeError("APEX_MODULE must be the absolute path of mech_apex.so")
            # A copy, because www-data and nobody cannot look into everybody's build directory.
            copy = realm.path("mech_apex.so")
            if not os.path.exists(copy):
                shutil.copy(self.module, copy)
                os.chmod(copy, 0o755)
            lines = "apex %s %s %s\n" % (INTERPOSER_OID if kind else MECHANISM_OID, copy, kind) + lines
        self.mech_config = realm.write("mech.%s%s" % (mechanism, ".more" if extra_line else "" if kind else ".own"), lines)

    def __call__(self, ccache=None, keytab=None, **more):
        env = self.realm.base_environment()
        env["KRB5CCNAME"] = "FILE:" + (ccache or self.realm.ccache)
        env["KRB5_KTNAME"] = "FILE:" + (keytab or self.realm.keytab)
        env["GSS_MECH_CONFIG"] = self.mech_config
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(more)
        return env


def served_by_apex(pid):
    """True when the process has mech_apex.so mapped; false as well when it is gone."""
    try:
        with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as maps:
            return any("mech_apex" in line for line in maps)
    except OSError:
        return False


def mechanism_under_test():
    """The first column of every test: Apex when APEX_MODULE is set, else MIT's own mechanism."""
    return "apex" if os.environ.get("APEX_MODULE") else "mit"
