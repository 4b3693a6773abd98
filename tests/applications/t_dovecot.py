#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Dovecot's imapd and curl. Its processes see nothing of the environment that it was started in, so that Apex reaches
them by an entry in /etc/gss/mech.d and is set up by /etc/krb5.conf, both in a mount namespace of the script's own."""
import os
import shutil
import subprocess
import sys

from program import SBIN, Daemon, absent, expect, files, free_port, play, run, show, within, wrong_keytab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import stage

PACKAGES = ("dovecot-imapd", "dovecot-gssapi", "curl")
NEEDED = ("/usr/sbin/dovecot", "/usr/lib/dovecot/modules/auth/libmech_gssapi.so", "curl", "/etc/gss/mech.d",
          "/etc/krb5.conf")
SERVICE = "imap/localhost"
MAIL = "From: alice@apex.test\r\nSubject: through Apex\r\n\r\n" + "A line of the letter.\r\n" * 2000
CONFIGURATION = """base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
auth_mechanisms = gssapi
auth_gssapi_hostname = localhost
auth_krb5_keytab = {keytab}
auth_username_format = %Ln
auth_verbose = yes
auth_debug = yes
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%n
passdb {{
    driver = static
    args = nopassword=yes
}}
userdb {{
    driver = static
    args = uid=nobody gid=nogroup home={folder}/mail/%n
}}
service imap-login {{
    inet_listener imap {{
        port = {port}
    }}
    inet_listener imaps {{
        port = 0
    }}
}}
"""


class Server(Daemon):
    """dovecot in the foreground. Its auth process traces under the name, for krb5.conf says so."""

    def __init__(self, realm, traced, name, keytab=None):
        self.name = name
        traced.forget(name)
        apex = "replay_directory = %s\n    trace = %s" % (realm.path("replay"), realm.path(name + ".trace"))
        stage.mount("--bind", realm.configuration(name + ".krb5.conf", apex=apex), "/etc/krb5.conf")
        self.folder = realm.path(name)
        os.makedirs(self.folder + "/mail")
        shutil.chown(self.folder + "/mail", "nobody", "nogroup")
        port = free_port()
        conf = realm.write(name + ".conf", CONFIGURATION.format(folder=self.folder, port=port,
                                                                keytab=keytab or realm.keytab))
        super().__init__(realm, name, ["/usr/sbin/dovecot", "-F", "-c", conf], {"PATH": SBIN}, port)

    def __exit__(self, kind, value, trace):
        super().__exit__(kind, value, trace)
        subprocess.run(["umount", "/etc/krb5.conf"], check=True)
        return False

    def told(self, since=0):
        path = self.folder + "/log"
        return self.realm.read(path)[since:] if os.path.exists(path) else super().told(since)


def enter_mech(traced):
    """The entry that an administrator writes: the only thing by which a program with a clean environment finds Apex."""
    folder = traced.realm.path("gss")
    os.makedirs(folder + "/mech.d")
    if traced.apex:
        shutil.copy(traced.plain.mech_config, folder + "/mech.d/apex.conf")
    stage.mount("--bind", folder, "/etc/gss")


def curl(traced, server, *options, path="/INBOX;MAILINDEX=1", **settings):
    traced.forget("curl", server.name)
    # curl uses GSSAPI only for a user with a realm.
    return run(["curl", "-s", "-S", "-v", "-u", "alice@APEX.TEST:", "--login-options", "AUTH=GSSAPI", "--service-name", "imap",
                *options, "imap://localhost:%d%s" % (server.port, path)], traced("curl", **settings))


def letter_comes_back(realm, traced, server):
    letter, back = realm.write("letter", MAIL), realm.path("letter.back")
    for options, path in ((("-T", letter), "/INBOX"), (("-o", back), "/INBOX;MAILINDEX=1")):
        status, told = curl(traced, server, *options, path=path)
        expect(status == 0, "status %d: %s %s" % (status, told[-800:], server.told()[-800:]))
        traced.must_have_served("curl", server.name)
    expect(files.read_octets(back) == files.read_octets(letter), "the letter that came back is another one")


def refused(traced, server, client_words, server_words, *options, **settings):
    before = len(server.told())
    status, told = curl(traced, server, *options, **settings)
    expect(status != 0 and "through Apex" not in told, "curl got the letter: " + told[-800:])
    show("curl", told, *client_words)
    if server_words:
        within(3, lambda: any(word in server.told(before) for word in server_words))
        show("dovecot", server.told(before), *server_words)


def wrong_key(realm, traced):
    with Server(realm, traced, "dovecot.wrong", wrong_keytab(realm, SERVICE)) as server:
        refused(traced, server, ("AUTHENTICATIONFAILED",), (SERVICE + "@APEX.TEST",))
        traced.must_have_refused(server.name)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    enter_mech(traced)
    with Server(realm, traced, "dovecot") as server:
        report.case("curl to dovecot: a letter is stored and comes back", letter_comes_back, realm, traced, server)
        report.case("curl to dovecot: no ticket is refused", lambda: refused(
            traced, server, ("gss_init_sec_context() failed",), (), ccache=realm.path("none")))
        report.case("curl to dovecot: another user's mail is refused", lambda: refused(
            traced, server, ("AUTHENTICATIONFAILED",), ("not authorized", "cross-realm"), "--sasl-authzid", "bob"))
    report.case("curl to dovecot: wrong key in the keytab is refused", wrong_key, realm, traced)


if __name__ == "__main__":
    if not absent(NEEDED) and os.geteuid() == 0:
        stage.enter_namespace(os.path.abspath(__file__), sys.argv[1:])
    sys.exit(play("Dovecot", PACKAGES, NEEDED, cases))
