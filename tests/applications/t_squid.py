#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""squid with its helper negotiate_kerberos_auth, and curl --proxy-negotiate."""
import http.server
import os
import shutil
import signal
import sys
import threading

from program import Daemon, expect, free_port, play, run, show, within, wrong_keytab

HELPER = "/usr/lib/squid/negotiate_kerberos_auth"
PACKAGES = ("squid", "curl")
SERVICE = "HTTP/localhost"
PAGE = b"a page behind the proxy\n"
CONFIGURATION = """http_port 127.0.0.1:{port}
pid_filename {folder}/pid
coredump_dir {folder}
cache_log {folder}/cache.log
access_log stdio:{folder}/access.log
logfile_rotate 0
shutdown_lifetime 0 seconds
cache deny all
netdb_filename none
pinger_enable off
visible_hostname localhost
auth_param negotiate program {helper} -d -s {name} -k {keytab}
auth_param negotiate children 1 startup=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


class Page(http.server.BaseHTTPRequestHandler):
    """What stands behind the proxy."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_arguments):
        pass


class Proxy(Daemon):
    """squid in the foreground under its own account; told() has what the helper says."""

    def __init__(self, realm, traced, name, keytab=None, service=SERVICE + "@APEX.TEST"):
        self.folder = realm.path(name)
        self.name = name
        os.mkdir(self.folder)
        shutil.chown(self.folder, "proxy", "proxy")
        port = free_port()
        conf = realm.write(name + ".conf", CONFIGURATION.format(port=port, folder=self.folder, helper=HELPER, name=service,
                                                                keytab=keytab or realm.keytab))
        super().__init__(realm, name, ["/usr/sbin/squid", "-N", "-f", conf], traced(name, keytab=keytab), port,
                         user="proxy", signal=signal.SIGINT, cwd=self.folder)

    def told(self, since=0):
        path = os.path.join(self.folder, "cache.log")
        return self.realm.read(path)[since:] if os.path.exists(path) else super().told(since)


def fetch(traced, proxy, page, *options, **settings):
    traced.forget("curl", proxy.name)
    return run(["curl", "-s", "-S", "-v", "--proxy", "http://localhost:%d" % proxy.port, "--noproxy", "", *options,
                "http://127.0.0.1:%d/" % page], traced("curl", **settings))


NEGOTIATE = ("--proxy-negotiate", "--proxy-user", ":")


def page_comes(traced, proxy, page):
    status, told = fetch(traced, proxy, page, *NEGOTIATE)
    expect(status == 0 and PAGE.decode() in told, "no page: %s %s" % (told[-800:], proxy.told()[-800:]))
    # curl 7.88 does not look at Proxy-Authentication-Info, with which the helper's answer comes back.
    traced.must_have_served(requester="curl", acceptor=proxy.name)
    logged = within(3, lambda: [line for line in proxy.realm.read(os.path.join(proxy.folder, "access.log")).splitlines()
                                if "/200" in line])
    expect(logged and "alice@APEX.TEST" in logged[-1], "squid does not know the user: %s" % logged)


def refused(traced, proxy, page, client_words, server_words, *options, **settings):
    before = len(proxy.told())
    _, told = fetch(traced, proxy, page, *options, **settings)
    expect("HTTP/1.1 407" in told and PAGE.decode() not in told, "the page came: " + told[-800:])
    show("curl", told, *client_words)
    if settings:
        traced.must_have_refused("curl")
    if server_words:
        within(3, lambda: any(word in proxy.told(before) for word in server_words))
        show("squid", proxy.told(before), *server_words)
        traced.must_have_refused(proxy.name)


def wrong_key(realm, traced, page):
    with Proxy(realm, traced, "squid.wrong", wrong_keytab(realm, SERVICE)) as proxy:
        refused(traced, proxy, page, ("407",), ("gss_accept_sec_context() failed",), *NEGOTIATE)


def another_name(realm, traced, page):
    realm.add_service("HTTP/elsewhere")
    with Proxy(realm, traced, "squid.elsewhere", service="HTTP/elsewhere@APEX.TEST") as proxy:
        refused(traced, proxy, page, ("407",), ("gss_accept_sec_context() failed",), *NEGOTIATE)


def cases(report, realm, traced):
    realm.add_user("alice")
    realm.add_service(SERVICE)
    realm.kinit("alice")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = server.server_address[1]
        with Proxy(realm, traced, "squid") as proxy:
            report.case("curl through squid: a page comes", page_comes, traced, proxy, page)
            report.case("curl through squid: a second one too", page_comes, traced, proxy, page)
            report.case("curl through squid: no attempt is refused", refused, traced, proxy, page, ("407",), ())
            report.case("curl through squid: no ticket is refused", lambda: refused(
                traced, proxy, page, ("gss_init_sec_context() failed",), (), *NEGOTIATE, ccache=realm.path("none")))
        report.case("curl through squid: wrong key in the keytab is refused", wrong_key, realm, traced, page)
        report.case("curl through squid: a ticket for another name is refused", another_name, realm, traced, page)
        server.shutdown()


if __name__ == "__main__":
    sys.exit(play("squid", PACKAGES, ("/usr/sbin/squid", HELPER, "curl"), cases))
