// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/host/krb5_handle.h"
#include "apex/messages/principal.h"
#include "apex/messages/ticket.h"

#include <cstdint>
#include <optional>
#include <string>

namespace apex::test {

/// principal_of parses "a/b@R" without escapes.
Principal principal_of(const std::string& text);

/// host_of makes the principal of a host-based name: type NT-SRV-HST, no realm.
Principal host_of(const std::string& service, const std::string& host);

/// key_of makes the key whose octets are all `seed`.
Key key_of(EncryptionType type, std::uint8_t seed);

/// add_key adds an entry to a keytab of any type.
void add_key(const std::string& keytab, const std::string& principal, std::uint32_t version, EncryptionType type,
             std::uint8_t seed);

/// remove_keys removes all entries of one version of a principal.
void remove_keys(const std::string& keytab, const std::string& principal, std::uint32_t version);

/// MemoryKeytab keeps a keytab of type MEMORY alive: libkrb5 forgets it with its last handle.
class MemoryKeytab final {
public:
    explicit MemoryKeytab(const std::string& name);

private:
    Krb5Context context_;
    Krb5Keytab handle_;
};

/// sealed_ticket is a ticket for a service, whose encrypted part opens with key_of(type, seed).
Ticket sealed_ticket(const std::string& server, std::optional<std::uint32_t> version, EncryptionType type,
                     std::uint8_t seed);

/// CachedTicket is what goes into a credential cache.
struct CachedTicket final {
    std::string client = "alice@TEST.REALM";
    std::string server;
    EncryptionType session_type = EncryptionType::aes256_cts_hmac_sha1_96;
    Time end_time = SystemClock().now() + std::chrono::hours(8);
    std::uint32_t flags = TicketFlags::forwardable | TicketFlags::initial;
};

/// make_cache makes an empty cache of any type; `offset` is the KDC's clock minus ours, as kinit notes it.
void make_cache(const std::string& cache, const std::string& client, std::chrono::seconds offset = {});

/// add_ticket adds a ticket whose session key is key_of(session_type, 7).
void add_ticket(const std::string& cache, const CachedTicket& ticket);

/// set_config notes something in a cache, as libkrb5 keeps it among the tickets.
void set_config(const std::string& cache, const char* key, const std::string& value);

/// tgt gives the local ticket-granting ticket of a client.
CachedTicket tgt(const std::string& client, const std::string& realm);

/// wait_until_settled waits for the few milliseconds after which a file's change is sure to show in its times.
void wait_until_settled(const std::string& path);

} // namespace apex::test
