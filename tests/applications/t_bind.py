#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""BIND's named and nsupdate -g: a key negotiated with GSS-TSIG (RFC 3645) signs updates of a zone."""
import os
import shutil
import sys

from program import Daemon, expect, free_port, play, run, show, within, wrong_keytab

PACKAGES = ("bind9", "bind9-dnsutils")
SERVICE = "DNS/localhost"
CONFIGURATION = """options {{
    directory "{folder}";
    pid-file "{folder}/pid";
    session-keyfile "{folder}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    notify no;
    tkey-gssapi-keytab "{keytab}";
}};
controls {{ }};
zone "apex.test" {{
    type primary;
    file "{folder}/zone";
    update-policy {{ grant alice@APEX.TEST zonesub ANY; }};
}};
"""
ZONE = """$TTL 60
@ IN SOA localhost. root.localhost. 1 60 60 600 60
@ IN NS localhost.
"""
UPDATE = """server 127.0.0.1 %d
zone apex.test
update add %s.apex.test 60 A 192.0.2.1
send
"""


class Server(Daemon):
    """named in the foreground under its own account; only its debugging output has the mechanism's text."""

    def __init__(self, realm, traced, name, keytab=None):
        self.name = name
        folder = realm.path(name)
        os.mkdir(folder)
        port = free_port()
        realm.write(name + "/zone", ZONE)
        conf = realm.write(name + "/conf", CONFIGURATION.format(folder=folder, port=port, keytab=keytab or realm.keytab))
        for path in (folder, folder + "/zone"):
            shutil.chown(path, "bind", "bind")
        super().__init__(realm, name, ["/usr/sbin/named", "-f", "-g", "-d", "3", "-n", "1", "-c", conf], traced(name, keytab=keytab),
                         port, user="bind")


def update(traced, server, name, **settings):
    traced.forget("nsupdate")
    return run(["nsupdate", "-g"], traced("nsupdate", **settings), UPDATE % (server.port, name))


def looked_up(traced, server, name):
    return run(["dig", "@127.0.0.1", "-p", str(server.port), "+short", "+tries=1", name + ".apex.test", "A"],
               traced.plain())[1].strip()


def is_updated(traced, server, name, **settings):
    traced.forget(server.name)
    status, told = update(traced, server, name, **settings)
    expect(status == 0, "nsupdate: %s %s" % (told, server.told()[-800:]))
    expect(looked_up(traced, server, name) == "192.0.2.1", "the zone has no " + name)
    traced.must_have_served("nsupdate", server.name)


def is_refused(traced, server, client_words, server_words, **settings):
    before = len(server.told())
    status, told = update(traced, server, "refused", **settings)
    expect(status != 0 and looked_up(traced, server, "refused") == "", "the update was made: " + told)
    show("nsupdate", told, *client_words)
    if not server_words:
        traced.must_have_refused("nsupdate")
    if server_words:
        within(3, lambda: any(word in server.told(before) for word in server_words))
        show("named", server.told(before), *server_words)


def wrong_key(realm, traced):
    with Server(realm, traced, "named.wrong", wrong_keytab(realm, SERVICE)) as server:
        is_refused(traced, server, ("TKEY is unacceptable",), (SERVICE + "@APEX.TEST",))
        traced.must_have_refused(server.name)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_user("bob")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    realm.kinit("bob", ccache=realm.path("bob"))
    with Server(realm, traced, "named") as server:
        report.case("nsupdate -g to named: the zone is updated", is_updated, traced, server, "first")
        report.case("nsupdate -g to named: and once more", is_updated, traced, server, "second")
        report.case("nsupdate -g to named: no ticket is refused", lambda: is_refused(
            traced, server, ("tkey query failed",), (), ccache=realm.path("none")))
        report.case("nsupdate -g to named: another user is refused", lambda: is_refused(
            traced, server, ("REFUSED",), ("bob",), ccache=realm.path("bob")))
    report.case("nsupdate -g to named: wrong key in the keytab is refused", wrong_key, realm, traced)


if __name__ == "__main__":
    sys.exit(play("BIND", PACKAGES, ("/usr/sbin/named", "nsupdate", "dig"), cases))
