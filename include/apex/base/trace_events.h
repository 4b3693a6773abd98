// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fault.h"
#include "apex/base/time.h"
#include "apex/base/trace.h"

#include <cstdint>
#include <string>

// Every event of Apex: one per decision, with what it rested on. Principals, encryption types and flags are given as
// text. Use designated initialisers: tell(trace, [&] { return TicketOpened{.service = ..., .version = 3, ...}; });

namespace apex {

/// Step 1: the client holds a ticket for the service.
struct TicketObtained final {
    std::string client;
    std::string service;
    std::string session_type; // encryption type of the session key
    Time end_time;
    [[nodiscard]] TraceEvent event() const;
};

/// Step 1: the client sends its request.
struct RequestSent final {
    std::string service;
    std::string flags; // context flags in words
    bool mutual = false;
    bool delegation = false;
    bool bindings = false;
    std::string subkey_type;
    std::string subkey_fingerprint;
    std::size_t length = 0; // octets of the token
    [[nodiscard]] TraceEvent event() const;
};

/// Step 2: the server opened the ticket with one of its keys.
struct TicketOpened final {
    std::string service; // the key's principal
    std::uint32_t version = 0;
    std::string ticket_type;
    std::string session_type;
    std::string client;
    Time auth_time;
    Time end_time;
    [[nodiscard]] TraceEvent event() const;
};

/// Step 2: what authorization data the ticket and the authenticator carry.
struct AuthorizationDataSeen final {
    std::string ticket_types; // numbers, such as "1(128) 97"
    std::string authenticator_types;
    [[nodiscard]] TraceEvent event() const;
};

/// Somebody asked for the attributes of a client's name, and its authorization data was judged.
struct AttributesJudged final {
    std::string client;
    bool pac_present = false;
    bool pac_verified = false;
    std::string pac_objection;  // why it is not verified
    std::string pac_unreadable; // why it is verified and gave no plain attributes; empty: it did, or has none
    std::size_t indicators = 0;
    std::string indicators_left_out; // why some are not given; empty: all are
    [[nodiscard]] TraceEvent event() const;
};

/// Step 3: the server opened the authenticator.
struct AuthenticatorOpened final {
    std::string client;
    Duration difference{0}; // client's clock minus ours
    Duration limit{0};
    std::string subkey_type; // empty: none sent
    [[nodiscard]] TraceEvent event() const;
};

/// Step 3: channel bindings of both sides were looked at.
struct BindingsCompared final {
    bool client_gave = false;
    bool server_gave = false;
    bool equal = false;
    [[nodiscard]] TraceEvent event() const;
};

/// Step 3: the replay store answered.
struct ReplayStoreAnswered final {
    std::string store;
    bool fresh = false;
    [[nodiscard]] TraceEvent event() const;
};

/// Step 4: the server looked at the mutual flag.
struct MutualFlagSeen final {
    bool asked = false;
    bool required_by_host = false;
    [[nodiscard]] TraceEvent event() const;
};

/// Step 5: the server made its reply.
struct ReplyMade final {
    std::string subkey_type;
    std::string subkey_fingerprint;
    std::size_t length = 0;
    [[nodiscard]] TraceEvent event() const;
};

/// Step 6: the client verified the reply.
struct ReplyVerified final {
    std::string service;
    std::string subkey_type; // empty: none sent
    std::string subkey_fingerprint;
    [[nodiscard]] TraceEvent event() const;
};

/// The context stands.
struct ContextEstablished final {
    TraceRole role = TraceRole::neither;
    std::string peer;
    std::string flags;
    Time end_time;
    std::string message_key_type;
    std::string message_key_fingerprint;
    [[nodiscard]] TraceEvent event() const;
};

/// Apex refused.
struct Refused final {
    TraceRole role = TraceRole::neither;
    unsigned step = 0;
    Fault fault = Fault::Internal;
    std::string text; // Error::text()
    std::int32_t minor = 0;
    [[nodiscard]] TraceEvent event() const;
};

/// The peer sent an error instead of an answer.
struct PeerErrorReceived final {
    TraceRole role = TraceRole::initiator;
    std::int32_t code = 0; // RFC 4120 7.5.9
    [[nodiscard]] TraceEvent event() const;
};

/// A clock offset was learnt from the peer and the request is made once more.
struct ClockCorrected final {
    Duration offset{0}; // peer's clock minus ours
    [[nodiscard]] TraceEvent event() const;
};

/// An initiator's or acceptor's credential was chosen.
struct CredentialChosen final {
    TraceRole role = TraceRole::neither;
    std::string name;
    std::string source; // name of the cache or keytab
    [[nodiscard]] TraceEvent event() const;
};

/// The settings were read anew.
struct SettingsRead final {
    std::string files;
    std::string complaint; // empty: none
    [[nodiscard]] TraceEvent event() const;
};

} // namespace apex
