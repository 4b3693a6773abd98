#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Apache that acts for its users: S4U2Proxy (GssapiUseS4U2Proxy) with what mod_auth_gssapi stores. The test takes the part
of the application behind Apache, with curl against another Apache."""
import functools
import os
import shutil
import sys

from program import expect, play, run, show, within
import ldap_realm
import t_http

PACKAGES = ("apache2", "libapache2-mod-auth-gssapi", "curl", *ldap_realm.PACKAGES)
NEEDED = ("apache2", "curl", t_http.MODULES + "/mod_auth_gssapi.so", *ldap_realm.NEEDED)
FRONT = t_http.SERVICE
BACK = "HTTP/127.0.0.1"
PLAIN = t_http.HTTPD_CONF
ACTING = PLAIN.replace("    GssapiDelegCcacheDir", """    GssapiUseS4U2Proxy On
    GssapiCredStore client_keytab:{keytab}
    GssapiCredStore ccache:FILE:{directory}/acting/ccache
    GssapiDelegCcacheDir""")


def apache(realm, traced, name, configuration):
    t_http.HTTPD_CONF = configuration.replace("/apache.pid", "/%s.pid" % name)
    return t_http.Server(realm, functools.partial(traced, name), name)


def fetch(traced, name, host, port, **settings):
    traced.forget(name)
    return run(["curl", "-s", "-S", "-v", "--negotiate", "-u", ":", "http://%s:%d/page.txt" % (host, port)],
               traced(name, **settings))[1]


def user_seen(told):
    found = [line.split(":", 1)[1].strip() for line in told.splitlines() if line.startswith("< X-Remote-User:")]
    return found[-1] if t_http.PAGE in told and found else None


def stored(realm):
    names = os.listdir(realm.path("delegated"))
    return realm.path("delegated", names[0]) if names else None


def visit(realm, traced, front, ccache=None):
    """A user visits the front; what is stored for her then."""
    for name in os.listdir(realm.path("delegated")):
        os.unlink(realm.path("delegated", name))
    traced.forget("front")
    told = fetch(traced, "curl", "localhost", front.port, ccache=ccache)
    expect(user_seen(told) == "alice@APEX.TEST", "no page: %s %s" % (told[-600:], realm.read(front.log)[-800:]))
    # curl 7.88 does not look at the token in the answer.
    traced.must_have_served(requester="curl", acceptor="front")
    expect(stored(realm), "nothing was stored: " + realm.read(front.log)[-800:])
    return stored(realm)


def acts_for_her(realm, traced, front, back):
    evidence = visit(realm, traced, front)
    shown = realm.run(["klist", "-C", evidence], env=traced.plain())
    expect("Default principal: alice@APEX.TEST" in shown and "proxy_impersonator = %s@APEX.TEST" % FRONT in shown, shown)
    traced.forget("back")
    told = fetch(traced, "application", "127.0.0.1", back.port, ccache=evidence)
    expect(user_seen(told) == "alice@APEX.TEST", "the back did not see her: %s %s" % (told[-600:], realm.read(back.log)[-500:]))
    traced.must_have_served(requester="application", acceptor="back")


def must_not_act(realm, traced, back, evidence, *words):
    told = fetch(traced, "application", "127.0.0.1", back.port, ccache=evidence)
    expect(user_seen(told) is None, "the back let it in as %s" % user_seen(told))
    show("curl", told, *words)
    traced.must_have_refused("application")


def not_allowed(realm, traced, front, back):
    """The KDC's list names another service than the back's."""
    must_not_act(realm, traced, back, visit(realm, traced, front), "gss_init_sec_context() failed")


def not_forwardable(realm, traced, front, back):
    """Without a forwardable ticket of hers there is no evidence that could be used."""
    rigid = realm.path("rigid")
    realm.run(["kinit", "-F", "-c", rigid, "alice"], env=realm.base_environment(), text="secret\n")
    visit(realm, traced, front, rigid)
    must_not_act(realm, traced, back, stored(realm), "gss_init_sec_context() failed")


def cases(report, realm, traced):
    t_http.prepare(realm)
    realm.add_service(BACK)
    os.mkdir(realm.path("acting"))
    shutil.chown(realm.path("acting"), "www-data", "www-data")
    with apache(realm, traced, "front", ACTING) as front, \
            apache(realm, traced, "back", PLAIN) as back:
        report.case("Apache with S4U2Proxy: a service that is not allowed to is refused", not_allowed, realm, traced, front,
                    back)
        realm.allow(FRONT, BACK)
        report.case("Apache with S4U2Proxy: it acts for its user", acts_for_her, realm, traced, front, back)
        report.case("Apache with S4U2Proxy: a ticket that is not forwardable is refused", not_forwardable, realm, traced,
                    front, back)


if __name__ == "__main__":
    sys.exit(play("Apache with S4U2Proxy", PACKAGES, NEEDED, cases, realm=ldap_realm.LdapRealm))
