// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

struct Session;

/// NameAttribute is one value of an attribute (RFC 6680 7.4).
struct NameAttribute final {
    Bytes value;
    std::string display_value; // empty: none
    bool authenticated = false;
    bool complete = false;
    int more = 0; // 0: the last value; else to be given to the next call
};

/// NameAttributes is the port to the attributes of an authenticated peer's name: PAC, authentication indicators. Immutable
/// and safe for concurrent use.
class NameAttributes {
public:
    virtual ~NameAttributes() = default;
    /// The names of the attributes: MIT's in the order in which MIT lists them, then those of Apex.
    [[nodiscard]] virtual std::vector<std::string> list() const = 0;
    /// A value of an attribute: the first if `more` is -1, else the one after that which said `more`. Names under a urn:
    /// prefix are compared without case. Fault::NoAttribute, which for an attribute of a PAC tells why it is hidden.
    [[nodiscard]] virtual Result<NameAttribute> value(std::string_view attribute, int more) const = 0;
    /// The whole PAC, if its signature held: what gss_map_name_to_any "mspac" is made of.
    [[nodiscard]] virtual std::optional<Bytes> verified_pac() const = 0;
    /// The attribute part of the composite exported name (RFC 6680 7.8), as MIT writes it.
    [[nodiscard]] virtual Bytes exported() const = 0;
};

/// Prefixes of attributes: MIT's, of the PAC and its buffers as they are, and Apex's, of what they say in plain text.
inline constexpr std::string_view pac_attribute_prefix = "urn:mspac:";
inline constexpr std::string_view plain_attribute_prefix = "urn:apex:";
inline constexpr std::string_view indicator_attribute = "auth-indicators";

/// attributes_of gives the attributes of the peer of an acceptor's session, or null for one that was imported, whose ticket
/// cannot be judged any more. Signatures are verified and buffers read when somebody asks for the first time: most programs never do, so a login
/// pays for one copy of the authorization data. The key is the keytab snapshot's own, shared; the session, with its keys, is
/// not kept alive by a name that outlives its context.
std::shared_ptr<const NameAttributes> attributes_of(const Session& session);

/// import_attributes reads what NameAttributes::exported wrote, here or in MIT; null for no octets. What the exporting
/// process had verified counts as verified: the token travels between processes that trust each other (RFC 6680 7.8).
/// Fault::BadName.
Result<std::shared_ptr<const NameAttributes>> import_attributes(ByteView octets);

} // namespace apex
