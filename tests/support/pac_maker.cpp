// SPDX-License-Identifier: MIT
#include "pac_maker.h"

#include <algorithm>
#include <stdexcept>

namespace apex::test {
namespace {

constexpr std::uint32_t server_checksum = 6;
constexpr std::uint32_t kdc_checksum = 7;
constexpr std::size_t signature_type_length = 4;

void append_uint16(Bytes& octets, std::uint16_t value)
{
    octets.push_back(static_cast<std::uint8_t>(value));
    octets.push_back(static_cast<std::uint8_t>(value >> 8U));
}

void append_uint32(Bytes& octets, std::uint32_t value)
{
    append_uint16(octets, static_cast<std::uint16_t>(value));
    append_uint16(octets, static_cast<std::uint16_t>(value >> 16U));
}

void pad(Bytes& octets, std::size_t multiple)
{
    octets.resize((octets.size() + multiple - 1) / multiple * multiple);
}

Bytes utf16(std::string_view ascii)
{
    Bytes octets;
    for (const char character : ascii) {
        append_uint16(octets, static_cast<std::uint8_t>(character));
    }
    return octets;
}

/// Length, maximum and pointer of a string, room for a terminator counted into the maximum as Windows does.
void append_string_head(Bytes& octets, std::string_view text)
{
    append_uint16(octets, static_cast<std::uint16_t>(text.size() * 2));
    append_uint16(octets, static_cast<std::uint16_t>(text.size() * 2 + 2));
    append_uint32(octets, 0x00020004);
}

void append_string(Bytes& octets, std::string_view text)
{
    pad(octets, 4);
    append_uint32(octets, static_cast<std::uint32_t>(text.size() + 1));
    append_uint32(octets, 0);
    append_uint32(octets, static_cast<std::uint32_t>(text.size()));
    append(octets, utf16(text));
}

void append_groups(Bytes& octets, const LogonFacts::Groups& groups)
{
    pad(octets, 4);
    append_uint32(octets, static_cast<std::uint32_t>(groups.size()));
    for (const auto& [identifier, attributes] : groups) {
        append_uint32(octets, identifier);
        append_uint32(octets, attributes);
    }
}

void append_sid(Bytes& octets, const Bytes& sid)
{
    pad(octets, 4);
    append_uint32(octets, sid[1]);
    append(octets, sid);
}

/// The fixed part; all pointers but those of what is missing are not null.
Bytes fixed_part(const LogonFacts& facts)
{
    constexpr std::uint32_t pointer = 0x00020008;
    Bytes octets(48); // six times
    for (const std::string_view text :
         {std::string_view(facts.logon_name), std::string_view(facts.full_name), std::string_view(), std::string_view(),
          std::string_view(), std::string_view()}) {
        append_string_head(octets, text);
    }
    append_uint32(octets, 7); // LogonCount, BadPasswordCount
    append_uint32(octets, facts.user_id);
    append_uint32(octets, facts.primary_group_id);
    append_uint32(octets, static_cast<std::uint32_t>(facts.groups.size()));
    append_uint32(octets, pointer);
    append_uint32(octets, facts.user_flags);
    octets.resize(octets.size() + 16); // UserSessionKey
    append_string_head(octets, "DC");
    append_string_head(octets, facts.domain_name);
    append_uint32(octets, facts.domain ? pointer : 0);
    octets.resize(octets.size() + 40); // Reserved1 to Reserved3
    append_uint32(octets, static_cast<std::uint32_t>(facts.extra_sids.size()));
    append_uint32(octets, facts.extra_sids.empty() ? 0 : pointer);
    append_uint32(octets, facts.resource_domain ? pointer : 0);
    append_uint32(octets, static_cast<std::uint32_t>(facts.resource_groups.size()));
    append_uint32(octets, facts.resource_groups.empty() ? 0 : pointer);
    return octets;
}

} // namespace

void put_uint16(Bytes& octets, std::size_t offset, std::uint16_t value)
{
    octets.at(offset) = static_cast<std::uint8_t>(value);
    octets.at(offset + 1) = static_cast<std::uint8_t>(value >> 8U);
}

void put_uint32(Bytes& octets, std::size_t offset, std::uint32_t value)
{
    put_uint16(octets, offset, static_cast<std::uint16_t>(value));
    put_uint16(octets, offset + 2, static_cast<std::uint16_t>(value >> 16U));
}

std::uint32_t uint32_at(const Bytes& octets, std::size_t offset)
{
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) {
        value = value << 8U | octets.at(offset + i);
    }
    return value;
}

Bytes sid_octets(std::uint64_t authority, const std::vector<std::uint32_t>& parts)
{
    Bytes octets = {1, static_cast<std::uint8_t>(parts.size())};
    for (unsigned shift = 48; shift > 0; shift -= 8) {
        octets.push_back(static_cast<std::uint8_t>(authority >> (shift - 8)));
    }
    for (const std::uint32_t part : parts) {
        append_uint32(octets, part);
    }
    return octets;
}

Bytes LogonFacts::encode() const
{
    Bytes octets = from_hex("01100800cccccccc0000000000000000 00000200");
    append(octets, fixed_part(*this));
    append_string(octets, logon_name);
    append_string(octets, full_name);
    for (int path = 0; path < 4; ++path) {
        append_string(octets, {});
    }
    append_groups(octets, groups);
    append_string(octets, "DC");
    append_string(octets, domain_name);
    if (domain) {
        append_sid(octets, *domain);
    }
    if (!extra_sids.empty()) {
        append_uint32(octets, static_cast<std::uint32_t>(extra_sids.size()));
        for (const auto& extra : extra_sids) {
            append_uint32(octets, 0x0002000c);
            append_uint32(octets, extra.second);
        }
        for (const auto& extra : extra_sids) {
            append_sid(octets, extra.first);
        }
    }
    if (resource_domain) {
        append_sid(octets, *resource_domain);
    }
    if (!resource_groups.empty()) {
        append_groups(octets, resource_groups);
    }
    pad(octets, 8);
    put_uint32(octets, 8, static_cast<std::uint32_t>(octets.size() - 16));
    return octets;
}

Bytes UpnFacts::encode() const
{
    const std::vector<Bytes> parts = sid ? std::vector<Bytes>{utf16(upn), utf16(dns_domain), utf16(logon_name), *sid}
                                         : std::vector<Bytes>{utf16(upn), utf16(dns_domain)};
    Bytes octets(sid ? 24 : 16);
    put_uint32(octets, 8, sid ? 2 : 0);
    constexpr std::size_t places[] = {0, 4, 12, 16};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        put_uint16(octets, places[i], static_cast<std::uint16_t>(parts[i].size()));
        put_uint16(octets, places[i] + 2, static_cast<std::uint16_t>(octets.size()));
        append(octets, parts[i]);
        pad(octets, 8);
    }
    return octets;
}

Bytes client_info(std::string_view name, Time auth_time)
{
    const std::uint64_t units = static_cast<std::uint64_t>(seconds_of(auth_time) + 11'644'473'600) * 10'000'000;
    Bytes octets;
    append_uint32(octets, static_cast<std::uint32_t>(units));
    append_uint32(octets, static_cast<std::uint32_t>(units >> 32U));
    append_uint16(octets, static_cast<std::uint16_t>(name.size() * 2));
    append(octets, utf16(name));
    return octets;
}

PacMaker::PacMaker(const Key& key, std::string_view client, Time auth_time) : key_(key)
{
    Bytes signature;
    append_uint32(signature, static_cast<std::uint32_t>(key.profile().required_checksum));
    signature.resize(signature_type_length + key.profile().mac_length);
    buffers = {{1, LogonFacts().encode()},
               {10, client_info(client, auth_time)},
               {12, UpnFacts().encode()},
               {server_checksum, signature},
               {kdc_checksum, signature}};
}

Bytes& PacMaker::buffer(std::uint32_t type)
{
    const auto found =
        std::find_if(buffers.begin(), buffers.end(), [type](const auto& each) { return each.first == type; });
    if (found == buffers.end()) {
        throw std::runtime_error("the PAC has no buffer " + std::to_string(type));
    }
    return found->second;
}

void PacMaker::remove(std::uint32_t type)
{
    std::erase_if(buffers, [type](const auto& each) { return each.first == type; });
}

Bytes PacMaker::unsigned_pac() const
{
    Bytes octets(8 + buffers.size() * 16);
    put_uint32(octets, 0, static_cast<std::uint32_t>(buffers.size()));
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        const std::size_t row = 8 + i * 16;
        put_uint32(octets, row, buffers[i].first);
        put_uint32(octets, row + 4, static_cast<std::uint32_t>(buffers[i].second.size()));
        put_uint32(octets, row + 8, static_cast<std::uint32_t>(octets.size()));
        append(octets, buffers[i].second);
        pad(octets, 8);
    }
    return octets;
}

Bytes PacMaker::pac() const
{
    Bytes octets = unsigned_pac();
    sign_pac(octets, key_);
    return octets;
}

void sign_pac(Bytes& pac, const Key& key)
{
    if (pac.size() < 8) {
        return;
    }
    const std::size_t rows = std::min<std::size_t>(uint32_at(pac, 0), (pac.size() - 8) / 16);
    std::optional<std::size_t> server;
    for (std::size_t row = 0; row < rows; ++row) {
        const std::uint32_t type = uint32_at(pac, 8 + row * 16);
        const std::size_t size = uint32_at(pac, 12 + row * 16);
        const std::size_t offset = uint32_at(pac, 16 + row * 16);
        if ((type != server_checksum && type != kdc_checksum) || size < signature_type_length || offset > pac.size() ||
            size > pac.size() - offset) {
            continue;
        }
        std::fill_n(pac.begin() + static_cast<std::ptrdiff_t>(offset + signature_type_length),
                    size - signature_type_length, std::uint8_t{0});
        if (type == server_checksum && size >= signature_type_length + key.profile().mac_length) {
            server = offset;
        }
    }
    const Result<Bytes> signature = key.sign(KeyUsage::authorization_data, pac);
    if (server && signature) {
        std::copy(signature->begin(), signature->end(),
                  pac.begin() + static_cast<std::ptrdiff_t>(*server + signature_type_length));
    }
}

AuthorizationData ticket_data(const Bytes& pac)
{
    return {if_relevant({AuthorizationElement{ad_pac, pac}})};
}

} // namespace apex::test
