#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Chromium without a window, against Apache with mod_auth_gssapi."""
import functools
import os
import shutil
import sys

from program import expect, play, run, show, within, wrong_keytab
import t_http

PACKAGES = ("chromium", "apache2", "libapache2-mod-auth-gssapi")
NEEDED = ("chromium", "apache2", t_http.MODULES + "/mod_auth_gssapi.so")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions", "--no-proxy-server",
         "--timeout=10000"]
# Chromium loads the library at its start only in a profile that has met such a server before.
MET_BEFORE = '{"net":{"received_http_auth_negotiate_headers":true}}'


def browse(traced, server, name, *options, allowed="localhost", **settings):
    """What the browser shows of the page and what it says about its work."""
    profile = traced.realm.path("profile")
    shutil.rmtree(profile, ignore_errors=True)
    os.mkdir(profile, 0o700)
    traced.realm.write("profile/Local State", MET_BEFORE)
    traced.forget("chromium", name)
    env = traced("chromium", XDG_RUNTIME_DIR=profile, **settings)
    return run(["chromium", *QUIET, "--auth-server-allowlist=" + allowed, "--user-data-dir=" + profile, *options, "--dump-dom",
                "http://localhost:%d/page.txt" % server.port], env)[1]


def page_comes(traced, server):
    told = browse(traced, server, "apache")
    expect(t_http.PAGE.strip() in told, "no page: %s %s" % (told[-1500:], server.realm.read(server.log)[-800:]))
    traced.must_have_served("chromium", "apache")


def refused(traced, server, name, browser_words, server_words, *options, **settings):
    before = len(server.realm.read(server.log))
    told = browse(traced, server, name, *options, **settings)
    expect(t_http.PAGE.strip() not in told, "the page came: " + told)
    show("chromium", told, *browser_words)
    if server_words:
        within(3, lambda: any(word in server.realm.read(server.log)[before:] for word in server_words))
        show("apache2", server.realm.read(server.log)[before:], *server_words)


def no_ticket(realm, traced, server):
    refused(traced, server, "apache", ("Unauthorized",), (), ccache=realm.path("none"))
    traced.must_have_refused("chromium")


def wrong_key(realm, traced):
    keytab = wrong_keytab(realm, t_http.SERVICE)
    with t_http.Server(realm, functools.partial(traced, "apache.wrong"), "apache.wrong", keytab=keytab) as server:
        refused(traced, server, "apache.wrong", ("Unauthorized",), ("decrypt",))
        traced.must_have_refused("apache.wrong")


def cases(report, realm, traced):
    t_http.prepare(realm)
    with t_http.Server(realm, functools.partial(traced, "apache"), "apache") as server:
        report.case("Chromium to Apache: a page comes", page_comes, traced, server)
        report.case("Chromium to Apache: no ticket is refused", no_ticket, realm, traced, server)
        report.case("Chromium to Apache: a server that is not allowed gets no ticket", lambda: refused(
            traced, server, "apache", ("Unauthorized",), (), allowed="elsewhere.test"))
    report.case("Chromium to Apache: wrong key in the keytab is refused", wrong_key, realm, traced)


if __name__ == "__main__":
    sys.exit(play("Chromium", PACKAGES, NEEDED, cases))
