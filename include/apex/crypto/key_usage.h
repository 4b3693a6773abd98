// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace apex {

/// KeyUsage says what a key is used for (RFC 4120 7.5.1, RFC 4121 2), so that no ciphertext fits another place.
enum class KeyUsage : std::uint32_t {
    ticket = 2,                    // AS-REP and TGS-REP ticket, sealed with the service key
    ap_request_checksum = 10,      // AP-REQ authenticator checksum, session key
    ap_request_authenticator = 11, // AP-REQ authenticator, session key
    ap_reply = 12,                 // AP-REP encrypted part, session key
    krb_cred = 14,                 // KRB-CRED encrypted part
    authorization_data = 17,       // PAC signatures ([MS-PAC] 2.8)
    acceptor_seal = 22,            // RFC 4121 2
    acceptor_sign = 23,
    initiator_seal = 24,
    initiator_sign = 25,
    cammac = 64, // RFC 7751
};

} // namespace apex
