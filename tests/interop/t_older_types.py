#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Camellia (RFC 6803) and RC4 (RFC 4757) with MIT's mechanism, both directions; RC4 only where krb5.conf allows it.

The cells are those of the matrix, here with a user whose own keys are of AES; t_matrix.py has the other peers.
"""
import sys

import realm as realm_module
from report import Report
from peer import Failure, Peer, build_c_peer, establish
from realm import HOST, USER, Environment, Realm, turn_sigterm_into_exit
from t_matrix import Setting, run_pair

TYPES = {23: "arcfour-hmac", 25: "camellia128-cts-cmac", 26: "camellia256-cts-cmac"}
RC4 = 23
PAIRS = [("apex", "apex"), ("apex", "mit"), ("mit", "apex")]


def know_the_types():
    """The KDC and its clients are told of types that the other tests do without."""
    realm_module.ALL_ENCTYPES += " " + TYPES[RC4]
    realm_module.ENCTYPES.update(TYPES)


class AllowingRealm(Realm):
    """RC4 is allowed unless `allow_rc4` is turned off."""

    allow_rc4 = True

    def configuration(self, name="krb5.conf", port=None, libdefaults="", apex=None, enctypes=None):
        # The first of two lines counts, so this one wins over what the list of types would bring.
        allowed = "allow_rc4 = " + ("true" if self.allow_rc4 else "false")
        return super().configuration(name, port, libdefaults + "\n    " + allowed, apex, enctypes)


def refuses(realm, setting, kinds, side):
    """One side's krb5.conf lacks the permission: it says what and why."""
    def run():
        realm.allow_rc4 = False
        strict = realm.configuration("krb5.strict.conf", enctypes=realm_module.ALL_ENCTYPES)
        realm.allow_rc4 = True
        command = [build_c_peer("mit")]
        environments = [Environment(realm, kind)(ccache=setting.ccache, KRB5_CONFIG=setting.conf) for kind in kinds]
        environments[side]["KRB5_CONFIG"] = strict
        with Peer(command, environments[0]) as initiator, Peer(command, environments[1]) as acceptor:
            outcome = establish(initiator, acceptor, ["--service", setting.service, "--mutual"])
            facts = (outcome.initiator, outcome.acceptor)[side]
            if facts is None or facts["error"] in ("COMPLETE", "CONTINUE_NEEDED"):
                raise Failure("RC4 was accepted: " + outcome.describe())
            for word in ("arcfour-hmac", "allow_rc4"):
                if word not in facts["minor_text"]:
                    raise Failure("the text lacks %s: %s" % (word, facts["minor_text"]))
    return run


def main(words):
    turn_sigterm_into_exit()
    know_the_types()
    report = Report()
    with AllowingRealm() as realm:
        realm.add_user()
        settings = {}
        for number, name in TYPES.items():
            principal = "e%d/%s" % (number, HOST)
            realm.add_service(principal, [number])
            realm.kadmin("setstr %s session_enctypes %s" % (principal, name))
            # The user's own key and ticket-granting ticket are of another type, as in a realm that is on its way out of RC4.
            settings[number] = Setting(realm, name, number, name + " aes256-cts-hmac-sha1-96")
            for pair in PAIRS:
                run_pair(report, realm, settings[number], pair, words)
        report.case("an acceptor without allow_rc4 refuses RC4 and says why",
                    refuses(realm, settings[RC4], ("mit", "apex"), 1))
        report.case("an initiator without allow_rc4 refuses RC4 and says why",
                    refuses(realm, settings[RC4], ("apex", "mit"), 0))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
