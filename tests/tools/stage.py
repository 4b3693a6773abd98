# SPDX-License-Identifier: MIT
"""The stage of the demonstration: a private view of the file system, a system log, sshd and Apache on loopback.

Everything that a daemon insists on finding at a fixed place (/run/sshd, an account, an entry in /etc/gss/mech.d,
/dev/log) exists in a mount namespace of our own only, and goes away with it.
"""
import os
import pwd
import re
import socket
import subprocess
import sys
import threading

USER = "alice"
HOME = "/run/home"
HOST_FILES = ("passwd", "group", "shadow", "hosts")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "pts")

SSHD_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication no
GSSAPIAuthentication yes
GSSAPICleanupCredentials yes
GSSAPIStrictAcceptorCheck no
"""

APACHE_CONFIG = """\
ServerRoot {directory}
ServerName {host}
PidFile {directory}/apache.pid
ErrorLog {directory}/apache.log
Listen 127.0.0.1:{port}
User www-data
Group www-data
{modules}
StartServers 1
MinSpareServers 1
MaxSpareServers 1
MaxRequestWorkers 4
DocumentRoot {directory}/www
<Location />
    AuthType GSSAPI
    AuthName "Kerberos"
    GssapiLocalName On
    Require valid-user
    Header always set X-Logged-In-As "expr=%{{REMOTE_USER}}"
</Location>
<Location /wrong-key>
    GssapiCredStore keytab:{directory}/wrong.keytab
</Location>
"""
APACHE_MODULES = ("mpm_prefork", "authn_core", "authz_core", "authz_user", "auth_gssapi", "headers")


def enter_namespace(script, arguments, marker="--inside"):
    """Starts the script anew in a mount namespace of its own, unless it runs there already."""
    if marker in arguments:
        return
    if os.geteuid() != 0:
        sys.exit("the demonstration needs root, for a private mount namespace and for sshd")
    python = [sys.executable, "-B", script]
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--", *python, *arguments, marker])


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def cover(folder, keep):
    """Puts an empty folder over a public one; what we need below it (the build tree perhaps) stays to be seen."""
    aside = "/run/aside" + folder
    os.makedirs(aside)
    mount("--bind", folder, aside)
    mount("-t", "tmpfs", "-o", "mode=1777", "apex", folder)
    for path in keep:
        if path.startswith(folder + "/"):
            os.makedirs(path, exist_ok=True)
            mount("--bind", aside + path[len(folder):], path)


def private_devices():
    """Puts a small /dev in place, so that there can be a /dev/log of ours."""
    os.makedirs("/run/dev/shm")
    for name in DEVICES:
        source, target = "/dev/" + name, "/run/dev/" + name
        if os.path.isdir(source):
            os.mkdir(target)
        elif os.path.exists(source):
            open(target, "wb").close()
        else:
            continue
        mount("--bind", source, target)
    os.chmod("/run/dev/shm", 0o1777)
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd")):
        os.symlink(target, "/run/dev/" + name)
    mount("--rbind", "/run/dev", "/dev")


def private_files(host):
    """Puts one more account and one more host name in place."""
    used = {entry.pw_uid for entry in pwd.getpwall()}
    number = next(candidate for candidate in range(4000, 60000) if candidate not in used)
    more = {
        "passwd": f"{USER}:x:{number}:{number}::{HOME}:/bin/sh\n",
        "group": f"{USER}:x:{number}:\n",
        "shadow": f"{USER}:*:19000:0:99999:7:::\n",
        "hosts": f"127.0.0.1 {host}\n",
    }
    for name in HOST_FILES:
        path = "/run/etc-" + name
        with open("/etc/" + name, encoding="utf-8") as present, open(path, "w", encoding="utf-8") as copy:
            copy.write(more[name] + present.read() if name == "hosts" else present.read() + more[name])
        os.chmod(path, 0o600 if name == "shadow" else 0o644)
        mount("--bind", path, "/etc/" + name)
    os.mkdir(HOME)
    os.chown(HOME, number, number)


def set_stage(host, entry, keep):
    """Builds the private view: `entry` is the text of /etc/gss/mech.d/apex.conf, or None for no entry at all."""
    mount("-t", "tmpfs", "-o", "mode=755", "apex", "/run")
    os.mkdir("/run/sshd")
    for folder in ("/tmp", "/var/tmp"):
        cover(folder, keep)
    private_devices()
    private_files(host)
    os.makedirs("/run/etc-gss/mech.d")
    if entry is not None:
        with open("/run/etc-gss/mech.d/apex.conf", "w", encoding="ascii") as file:
            file.write(entry)
    mount("--bind", "/run/etc-gss", "/etc/gss")


class SystemLog:
    """Listens at /dev/log and keeps the lines, without their priority and time."""

    def __init__(self):
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            line = self.socket.recv(65536).decode("utf-8", "replace")
            self.lines.append(re.sub(r"^<\d+>(\w{3} [ \d]\d [\d:]{8} )?", "", line).strip())

    def take(self, word):
        """The lines with the word, which are taken out."""
        found = [line for line in self.lines if word in line]
        self.lines = [line for line in self.lines if word not in line]
        return found


def start_sshd(realm, port, environment):
    directory = realm.directory
    realm.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory + "/host_key"])
    realm.write("sshd_config", SSHD_CONFIG.format(port=port, directory=directory))
    with open(directory + "/host_key.pub", encoding="ascii") as key:
        realm.write("known_hosts", f"* {key.read()}")
    return realm.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", directory + "/sshd_config"], env=environment,
                       output="sshd.log")


def start_apache(realm, port, host, environment):
    directory = realm.directory
    os.makedirs(directory + "/www/wrong-key", exist_ok=True)
    for place in ("", "wrong-key/"):
        realm.write(f"www/{place}page.txt", "This page is for people who showed a Kerberos ticket.\n")
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES)
    realm.write("apache.conf", APACHE_CONFIG.format(directory=directory, port=port, host=host, modules=modules))
    return realm.spawn(["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", directory + "/apache.conf"], env=environment,
                       output="apache.out", start_new_session=True) # at its end it signals its whole process group
