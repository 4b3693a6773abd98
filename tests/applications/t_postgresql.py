#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PostgreSQL's server and psql: authentication with and without its encrypted channel (hostgssenc), and 50 MB both ways."""
import base64
import filecmp
import os
import random
import shutil
import signal
import sys

from program import Daemon, Failure, expect, free_port, play, run, show, within, wrong_keytab

BIN = "/usr/lib/postgresql/15/bin"
PACKAGES = ("postgresql", "postgresql-client")
SERVICE = "postgres/localhost"
MEGABYTES = 50
CONFIGURATION = """listen_addresses = '127.0.0.1'
unix_socket_directories = '{directory}'
krb_server_keyfile = 'FILE:{keytab}'
fsync = off
synchronize_seqscans = off
max_wal_size = 1GB
log_connections = on
"""
ACCESS = """local all postgres trust
hostgssenc all all 127.0.0.1/32 gss include_realm=0 krb_realm=APEX.TEST
hostnogssenc all all 127.0.0.1/32 gss include_realm=0 krb_realm=APEX.TEST
"""
STATE = "select gss_authenticated, encrypted, principal from pg_stat_gssapi where pid = pg_backend_pid()"
CREATE = """create role alice login;
create role bob login;
create table freight (line text);
grant all on freight to alice;
"""


def start(realm, traced, name, keytab=None):
    """The server on the one cluster, with the given keytab."""
    port = free_port()
    with open(realm.path("cluster", "postgresql.auto.conf"), "w", encoding="ascii") as file:
        file.write(CONFIGURATION.format(directory=realm.path("cluster"), keytab=keytab or realm.keytab))
    server = Daemon(realm, name, [BIN + "/postgres", "-D", realm.path("cluster"), "-p", str(port)],
                    traced(name, keytab=keytab), port, user="postgres", signal=signal.SIGINT)
    within(10, lambda: run([BIN + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], traced.plain())[0] == 0)
    return server


def create_cluster(realm, traced):
    cluster = realm.path("cluster")
    os.mkdir(cluster, 0o700)
    shutil.chown(cluster, "postgres", "postgres")
    account = {"user": "postgres", "group": "postgres", "extra_groups": []}
    for command, text in (([BIN + "/initdb", "-D", cluster, "-A", "trust", "-N", "-E", "UTF8", "--no-instructions"], None),
                          ([BIN + "/postgres", "--single", "-D", cluster, "postgres"], CREATE)):
        status, told = run(command, traced.plain(), text, **account)
        expect(status == 0 and "ERROR" not in told, "%s failed: %s" % (command[0], told))
    with open(cluster + "/pg_hba.conf", "w", encoding="ascii") as file:
        file.write(ACCESS)


def psql(traced, server, encryption, command, *more, user="alice", **settings):
    traced.forget("psql")
    where = "host=localhost hostaddr=127.0.0.1 port=%d dbname=postgres user=%s gssencmode=%s %s" % (
        server.port, user, encryption, settings.pop("connection", ""))
    return run([BIN + "/psql", "-X", "-A", "-t", "-w", "-c", command, *more, where], traced("psql", **settings))


def logs_in(traced, server, encryption, state):
    traced.forget("postgres")
    status, told = psql(traced, server, encryption, STATE)
    if status != 0 or told.strip() != state:
        raise Failure("status %d: %s %s" % (status, told, server.told()[-800:]))
    traced.must_have_served("psql", "postgres")


def make_freight(path):
    """50 MB that cannot be compressed, the same in every run."""
    source = random.Random(2743)
    with open(path, "wb") as file:
        size = 0
        while size < MEGABYTES * 1000000:
            size += file.write(base64.encodebytes(source.randbytes(57 * 4096)))


def carries_freight(realm, traced, server):
    there, back = realm.path("freight.there"), realm.path("freight.back")
    make_freight(there)
    traced.forget("postgres")
    status, told = psql(traced, server, "require", "\\copy freight from '%s'" % there)
    expect(status == 0 and told.startswith("COPY "), "nothing sent: %s %s" % (told, server.told()[-800:]))
    traced.must_have_served("psql", "postgres")
    status, told = psql(traced, server, "require", "\\copy freight to '%s'" % back)
    expect(status == 0 and told.startswith("COPY "), "nothing fetched: %s %s" % (told, server.told()[-800:]))
    expect(filecmp.cmp(there, back, shallow=False), "what came back differs from what was sent")


def refused(traced, server, encryption, client_words, server_words, **settings):
    before = len(server.told())
    status, told = psql(traced, server, encryption, STATE, **settings)
    expect(status != 0 and "|" not in told, "psql got in: " + told)
    show("psql", told, *client_words)
    if server_words:
        within(3, lambda: any(word in server.told(before) for word in server_words))
        show("postgres", server.told(before), *server_words)


def no_ticket(realm, traced, server, encryption, *words):
    refused(traced, server, encryption, words, (), ccache=realm.path("none"))
    traced.must_have_refused("psql")


def another_service(traced, server):
    refused(traced, server, "disable", ("nothere/localhost",), (), connection="krbsrvname=nothere")


def another_role(traced, server):
    refused(traced, server, "disable", ('GSSAPI authentication failed for user "bob"',), ("do not match",), user="bob")


def wrong_key(realm, traced):
    keytab = wrong_keytab(realm, SERVICE)
    with start(realm, traced, "postgres.wrong", keytab) as server:
        # With gss the client shows the KRB-ERROR that the server sends; with hostgssenc PostgreSQL sends none. The server
        # cuts the text at 127 octets, so the principal must stand in its beginning.
        for encryption, words in (("disable", "GSSAPI continuation error"), ("require", "failed:")):
            refused(traced, server, encryption, (words,), (SERVICE + "@APEX.TEST",))
    traced.must_have_refused("postgres.wrong")


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    create_cluster(realm, traced)
    with start(realm, traced, "postgres") as server:
        for name, function, *arguments in (
                ("gss without encryption", logs_in, traced, server, "disable", "t|f|alice@APEX.TEST"),
                ("hostgssenc", logs_in, traced, server, "require", "t|t|alice@APEX.TEST"),
                ("50 MB come back unchanged through hostgssenc", carries_freight, realm, traced, server),
                ("no ticket is refused", no_ticket, realm, traced, server, "disable", "No Kerberos credentials", "none"),
                ("no ticket is refused by hostgssenc", no_ticket, realm, traced, server, "require",
                 "GSSAPI encryption required"),
                ("another service is refused", another_service, traced, server),
                ("another role is refused", another_role, traced, server)):
            report.case("psql to PostgreSQL: " + name, function, *arguments)
    report.case("psql to PostgreSQL: wrong key in the keytab is refused", wrong_key, realm, traced)


if __name__ == "__main__":
    sys.exit(play("PostgreSQL", PACKAGES, (BIN + "/postgres", BIN + "/psql"), cases))
