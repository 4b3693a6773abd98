#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""MariaDB's server and client with their gssapi plugins."""
import os
import shutil
import sys

from program import Daemon, expect, free_port, play, run, show, wrong_keytab

PACKAGES = ("mariadb-server", "mariadb-client", "mariadb-plugin-gssapi-server", "mariadb-plugin-gssapi-client")
NEEDED = ("/usr/sbin/mariadbd", "mariadb-install-db", "mariadb", "/usr/lib/mysql/plugin/auth_gssapi.so")
SERVICE = "mariadb/localhost"
USERS = """create user alice identified via gssapi;
create user bob identified via gssapi as 'bob@APEX.TEST';
"""
# What the server does with every write, it shall not do in a test that looks at logins only.
FRUGAL = ["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--innodb-flush-method=nosync",
          "--innodb-flush-log-at-trx-commit=0", "--performance-schema=off"]


def create_database(realm, traced):
    folder = realm.path("data")
    os.mkdir(folder)
    shutil.chown(folder, "mysql", "mysql")
    status, told = run(["mariadb-install-db", "--no-defaults", "--datadir=" + folder, "--user=mysql", "--skip-test-db",
                        "--auth-root-authentication-method=normal", *FRUGAL], traced.plain())
    expect(status == 0, "mariadb-install-db: " + told[-1500:])


class Server(Daemon):
    """mariadbd on the one database; the statements that make the users run at its start."""

    def __init__(self, realm, traced, name, keytab=None):
        self.name = name
        port = free_port()
        start = realm.write("start.sql", USERS.replace("user ", "user if not exists "))
        super().__init__(realm, name, [
            "/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + realm.path("data"), "--port=%d" % port,
            "--bind-address=127.0.0.1", "--socket=" + realm.path("data", "socket"), "--init-file=" + start,
            "--plugin-load-add=auth_gssapi", "--gssapi-keytab-path=" + (keytab or realm.keytab),
            "--gssapi-principal-name=%s@APEX.TEST" % SERVICE, "--log-warnings=2", *FRUGAL],
            traced(name, keytab=keytab), port, user="mysql", patience=30.0)


def mariadb(traced, server, user="alice", **settings):
    traced.forget("mariadb", server.name)
    return run(["mariadb", "--no-defaults", "--host=127.0.0.1", "--port=%d" % server.port, "--user=" + user, "--batch",
                "--skip-column-names", "--execute=select user(), current_user()"], traced("mariadb", **settings))


def logs_in(traced, server):
    status, told = mariadb(traced, server)
    expect(status == 0 and told.startswith("alice@localhost\talice@%"), "%s %s" % (told, server.told()[-800:]))
    traced.must_have_served("mariadb", server.name)


def refused(traced, server, words, **settings):
    """MariaDB tells the client what the mechanism says on either side; its own log has nothing."""
    status, told = mariadb(traced, server, **settings)
    expect(status != 0, "mariadb got in: " + told)
    show("mariadb", told, *words)


def wrong_key(realm, traced):
    with Server(realm, traced, "mariadbd.wrong", wrong_keytab(realm, SERVICE)) as server:
        refused(traced, server, ("decrypt ticket for %s@APEX.TEST" % SERVICE,))
        traced.must_have_refused(server.name)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    create_database(realm, traced)
    with Server(realm, traced, "mariadbd") as server:
        report.case("mariadb to mariadbd: a user logs in", logs_in, traced, server)
        report.case("mariadb to mariadbd: no ticket is refused", lambda: refused(
            traced, server, ("gss_init_sec_context",), ccache=realm.path("none")))
        report.case("mariadb to mariadbd: another user is refused", lambda: refused(
            traced, server, ("name mismatch",), user="bob"))
    report.case("mariadb to mariadbd: wrong key in the keytab is refused", wrong_key, realm, traced)


if __name__ == "__main__":
    sys.exit(play("MariaDB", PACKAGES, NEEDED, cases))
