// SPDX-License-Identifier: MIT
#include "apex/exchange/gss_checksum.h"

#include <algorithm>
#include <string>

namespace apex {
namespace {

constexpr std::size_t fixed_length = 24;
constexpr std::size_t bindings_length = 16;
constexpr std::size_t longest_credential = 32767 - 28;
constexpr std::uint16_t delegation_option = 1;

std::uint32_t little_endian(ByteView octets)
{
    std::uint32_t number = 0;
    for (std::size_t i = octets.size(); i > 0; --i) {
        number = number << 8 | octets[i - 1];
    }
    return number;
}

std::uint32_t big_endian(ByteView octets)
{
    std::uint32_t number = 0;
    for (const std::uint8_t octet : octets) {
        number = number << 8 | octet;
    }
    return number;
}

void append_little_endian(Bytes& target, std::uint32_t number, int octets)
{
    for (int i = 0; i < octets; ++i) {
        target.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    }
}

/// RFC 4121 4.1.1.1: DlgOpt, Dlgth, Deleg. Takes the option off the front of `rest`.
Result<Bytes> read_delegation(ByteView& rest)
{
    if (rest.size() < 4) {
        return refuse(Fault::BadBindingsLength,
                      "the delegation option has " + std::to_string(rest.size()) + " octets, needs at least 4");
    }
    const std::uint32_t option = little_endian(rest.first(2));
    if (option != delegation_option) {
        return refuse(Fault::BadDelegation, "delegation option " + std::to_string(option) + ", expected 1");
    }
    const std::uint32_t length = little_endian(rest.subspan(2, 2));
    rest = rest.subspan(4);
    if (length > rest.size()) {
        return refuse(Fault::BadBindingsLength, "the delegated credential claims " + std::to_string(length) +
                                                    " octets, " + std::to_string(rest.size()) + " are left");
    }
    Bytes credential = bytes_of(rest.first(length));
    rest = rest.subspan(length);
    return credential;
}

/// Extensions are type and length, four octets each, most significant first. Unknown ones are skipped.
Done skip_extensions(ByteView rest)
{
    while (!rest.empty()) {
        if (rest.size() < 8) {
            return refuse(Fault::BadBindingsLength,
                          "a checksum extension has " + std::to_string(rest.size()) + " octets, needs at least 8");
        }
        const std::uint32_t length = big_endian(rest.subspan(4, 4));
        rest = rest.subspan(8);
        if (length > rest.size()) {
            return refuse(Fault::BadBindingsLength, "a checksum extension claims " + std::to_string(length) +
                                                        " octets, " + std::to_string(rest.size()) + " are left");
        }
        rest = rest.subspan(length);
    }
    return {};
}

Result<GssChecksum> read_gss(ByteView value)
{
    if (value.size() < fixed_length) {
        return refuse(Fault::ChecksumTooShort, std::to_string(value.size()) + " octets, needs at least 24");
    }
    const std::uint32_t length = little_endian(value.first(4));
    if (length != bindings_length) {
        return refuse(Fault::BadBindingsLength,
                      "the bindings' hash claims " + std::to_string(length) + " octets, expected 16");
    }
    GssChecksum checksum;
    std::copy_n(value.begin() + 4, bindings_length, checksum.bindings.begin());
    const ContextFlags flags = little_endian(value.subspan(20, 4));
    checksum.flags = flags & flag::accepted_from_peer;
    ByteView rest = value.subspan(fixed_length);
    if ((flags & flag::delegate) != 0 && !rest.empty()) {
        checksum.delegated = TRY(read_delegation(rest));
        checksum.flags |= flag::delegate;
    }
    TRY(skip_extensions(rest));
    return checksum;
}

/// Samba's way: a checksum of the session key's own type over nothing. Never an unkeyed one (CVE-2010-1324).
Result<GssChecksum> read_keyed(const Checksum& checksum, const ApRequest& request, const Key& session_key)
{
    const auto required = static_cast<std::int32_t>(session_key.profile().required_checksum);
    if (checksum.type != required) {
        return refuse(Fault::BadChecksum, "type " + std::to_string(checksum.type) + ", expected 32771 (GSS-API) or " +
                                              std::to_string(required) + " (the session key's)");
    }
    if (!session_key.verify(KeyUsage::ap_request_checksum, {}, checksum.value)) {
        return refuse(Fault::BadChecksum, "the keyed checksum does not verify with the session key");
    }
    GssChecksum result;
    result.kind = GssChecksum::Kind::keyed;
    result.flags = flag::replay | flag::sequence | (request.options.mutual_required() ? flag::mutual : 0);
    return result;
}

} // namespace

Result<GssChecksum> GssChecksum::read(const Authenticator& authenticator, const ApRequest& request,
                                      const Key& session_key)
{
    if (!authenticator.checksum) {
        GssChecksum none;
        none.kind = Kind::absent;
        return none;
    }
    if (authenticator.checksum->type == static_cast<std::int32_t>(ChecksumType::gss)) {
        return read_gss(authenticator.checksum->value);
    }
    return read_keyed(*authenticator.checksum, request, session_key);
}

Result<Bytes> GssChecksum::encode() const
{
    Bytes value;
    value.reserve(fixed_length + (delegated ? delegated->size() + 4 : 0));
    append_little_endian(value, bindings_length, 4);
    append(value, bindings);
    append_little_endian(value, flags, 4);
    if (delegated) {
        if (delegated->size() > longest_credential) {
            return refuse(Fault::FieldTooLong, "the delegated credential has " + std::to_string(delegated->size()) +
                                                   " octets, at most " + std::to_string(longest_credential) + " fit");
        }
        append_little_endian(value, delegation_option, 2);
        append_little_endian(value, static_cast<std::uint32_t>(delegated->size()), 2);
        append(value, *delegated);
    }
    return value;
}

bool GssChecksum::has_bindings() const noexcept
{
    return std::any_of(bindings.begin(), bindings.end(), [](std::uint8_t octet) { return octet != 0; });
}

} // namespace apex
