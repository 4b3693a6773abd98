// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

/// PacType says what a buffer of a PAC holds ([MS-PAC] 2.4). Others occur.
enum class PacType : std::uint32_t {
    logon_info = 1,
    credentials_info = 2,
    server_checksum = 6,
    kdc_checksum = 7,
    client_info = 10,
    delegation_info = 11,
    upn_dns_info = 12,
    ticket_checksum = 16,
    full_checksum = 19,
};

/// PacBuffer is one part of a PAC; `octets` point into the PAC.
struct PacBuffer final {
    PacType type;
    ByteView octets;
};

/// Pac is a Privilege Attribute Certificate ([MS-PAC]): what the KDC says about a client, as it came, and a table of its
/// buffers, each of which lies inside. Nothing in it is to be believed before verify. Move-only.
class Pac final {
public:
    static constexpr std::size_t max_buffers = 4096;

    /// Reads the table. Fault::PacRefused.
    static Result<Pac> parse(Bytes octets);
    /// Checks what parse checks, and keeps nothing. Fault::PacRefused.
    static Done check_table(ByteView octets);

    Pac(Pac&&) noexcept = default;
    Pac& operator=(Pac&&) noexcept = default;
    Pac(const Pac&) = delete;
    Pac& operator=(const Pac&) = delete;
    ~Pac() = default;

    /// All of it.
    [[nodiscard]] const Bytes& octets() const noexcept { return octets_; }
    /// The buffers in the order of the table.
    [[nodiscard]] const std::vector<PacBuffer>& buffers() const noexcept { return buffers_; }

    /// The buffer of a type, which must be the only one: of two, another reader might take the other. None is no error.
    /// Fault::PacRefused.
    [[nodiscard]] Result<std::optional<ByteView>> find(PacType type) const;

    /// Checks that the KDC made this PAC for the service and for this ticket ([MS-PAC] 2.8, [MS-KILE] 3.4.5.3): the server
    /// signature under `service_key`, the key that opened the ticket, with the checksum type of that key; and the name
    /// and time of the client, which are the ticket's cname and authtime. The signatures for the KDC (of the server
    /// signature, the ticket and the full PAC) are under a key that no service has; they must be well formed.
    /// `client`: pac_client_name. Fault::PacRefused, telling what was found.
    [[nodiscard]] Done verify(const Key& service_key, std::string_view client, Time auth_time) const;

private:
    explicit Pac(Bytes octets) noexcept : octets_(std::move(octets)) {}

    [[nodiscard]] Result<ByteView> demand(PacType type) const;
    [[nodiscard]] Done verify_server_signature(const Key& service_key) const;
    [[nodiscard]] Done check_kdc_signatures() const;
    [[nodiscard]] Done check_client(std::string_view client, Time auth_time) const;

    Bytes octets_;
    std::vector<PacBuffer> buffers_; // into octets_, whose place does not change when the object is moved
};

/// pac_client_name writes a name as PAC_CLIENT_INFO has it: components joined by '/', nothing escaped.
[[nodiscard]] std::string pac_client_name(const PrincipalName& name);

/// find_pac gives the PAC of a ticket: the first element of its type, inside AD-IF-RELEVANT or not; no other container is
/// looked into. It points into `elements`. Fault::MalformedMessage.
Result<std::optional<ByteView>> find_pac(const AuthorizationData& elements);

} // namespace apex
