// SPDX-License-Identifier: MIT
#include "apex/messages/pac.h"

#include "apex/base/trace.h"
#include "ndr_reader.h"

#include <algorithm>
#include <array>

namespace apex {
namespace {

constexpr std::size_t table_head = 8;
constexpr std::size_t table_row = 16;

std::string number_of(PacType type)
{
    return std::to_string(static_cast<std::uint32_t>(type));
}

/// Reads a row of the table; the buffer must lie behind the table, inside the PAC and at a multiple of 8 octets.
Result<PacBuffer> read_row(ByteView octets, std::size_t row, std::size_t table_end)
{
    const FixedPart<table_row> fields(octets.subspan(table_head + row * table_row).first<table_row>());
    const auto type = static_cast<PacType>(fields.uint32<0>());
    const std::size_t size = fields.uint32<4>();
    const std::uint64_t offset = fields.uint64<8>();
    if (offset % 8 != 0 || offset < table_end || offset > octets.size() || size > octets.size() - offset) {
        return refuse(Fault::PacRefused, "buffer " + std::to_string(row) + " (type " + number_of(type) + ") has " +
                                             std::to_string(size) + " octets at " + std::to_string(offset) + " of " +
                                             std::to_string(octets.size()) + ", the table ends at " +
                                             std::to_string(table_end));
    }
    return PacBuffer{.type = type, .octets = octets.subspan(offset, size)};
}

/// How many rows the table has, all of which lie inside the octets.
Result<std::size_t> count_rows(ByteView octets)
{
    if (octets.size() < table_head) {
        return refuse(Fault::PacRefused, std::to_string(octets.size()) + " octets, the shortest has more than 8");
    }
    const FixedPart<table_head> head(octets.first<table_head>());
    const std::size_t count = head.uint32<0>();
    if (head.uint32<4>() != 0) {
        return refuse(Fault::PacRefused, "version " + std::to_string(head.uint32<4>()) + ", expected 0");
    }
    if (count < 1 || count > Pac::max_buffers || (octets.size() - table_head) / table_row < count) {
        return refuse(Fault::PacRefused, "a table of " + std::to_string(count) + " buffers in " +
                                             std::to_string(octets.size()) + " octets");
    }
    return count;
}

} // namespace

Done Pac::check_table(ByteView octets)
{
    const std::size_t count = TRY(count_rows(octets));
    for (std::size_t row = 0; row < count; ++row) {
        TRY(read_row(octets, row, table_head + count * table_row));
    }
    return {};
}

Result<Pac> Pac::parse(Bytes octets)
{
    Pac pac(std::move(octets));
    const std::size_t count = TRY(count_rows(pac.octets_));
    pac.buffers_.reserve(count);
    for (std::size_t row = 0; row < count; ++row) {
        const PacBuffer buffer = TRY(read_row(pac.octets_, row, table_head + count * table_row));
        pac.buffers_.push_back(buffer);
    }
    return pac;
}

Result<std::optional<ByteView>> Pac::find(PacType type) const
{
    std::optional<ByteView> found;
    for (const PacBuffer& buffer : buffers_) {
        if (buffer.type != type) {
            continue;
        }
        if (found) {
            return refuse(Fault::PacRefused, "it has more than one buffer of type " + number_of(type));
        }
        found = buffer.octets;
    }
    return found;
}

Result<ByteView> Pac::demand(PacType type) const
{
    const std::optional<ByteView> found = TRY(find(type));
    if (!found) {
        return refuse(Fault::PacRefused, "it has no buffer of type " + number_of(type));
    }
    return *found;
}

Done Pac::verify(const Key& service_key, std::string_view client, Time auth_time) const
{
    TRY(verify_server_signature(service_key));
    TRY(check_kdc_signatures());
    return check_client(client, auth_time);
}

namespace {

// PAC_SIGNATURE_DATA ([MS-PAC] 2.8): the checksum's type, the checksum, and from a read-only domain controller two octets
// that name its key.
constexpr std::size_t type_length = 4;
constexpr std::size_t controller_length = 2;
constexpr std::size_t longest_checksum = 64;

struct Signature final {
    ChecksumType type;
    ByteView value; // without the octets of a read-only domain controller
};

/// Length of a checksum, or 0 if Apex does not know the type.
std::size_t checksum_length(ChecksumType type)
{
    for (const EncryptionProfile& profile : all_profiles()) {
        if (profile.required_checksum == type) {
            return profile.mac_length;
        }
    }
    return 0;
}

Result<Signature> read_signature(ByteView octets, PacType buffer)
{
    const auto wrong_size = [&](const std::string& expected) {
        return refuse(Fault::PacRefused, "signature " + number_of(buffer) + " has " + std::to_string(octets.size()) +
                                             " octets, expected " + expected);
    };
    if (octets.size() <= type_length || octets.size() > type_length + longest_checksum) {
        return wrong_size("5 to 68");
    }
    const auto type = static_cast<ChecksumType>(little_endian<std::uint32_t>(octets.first<type_length>()));
    const ByteView rest = octets.subspan(type_length);
    const std::size_t length = checksum_length(type);
    if (length == 0) {
        return Signature{.type = type, .value = rest};
    }
    if (rest.size() != length && rest.size() != length + controller_length) {
        return wrong_size(std::to_string(type_length + length) + " or 2 more for type " +
                          std::to_string(static_cast<std::int32_t>(type)));
    }
    return Signature{.type = type, .value = rest.first(length)};
}

/// A run of octets that count as zero when the signature is computed.
struct Zeroed final {
    std::size_t begin;
    std::size_t end;
};

Zeroed zeroed_part(ByteView whole, ByteView signature)
{
    const auto begin = static_cast<std::size_t>(signature.data() - whole.data());
    return {.begin = begin + type_length, .end = begin + signature.size()};
}

} // namespace

Done Pac::verify_server_signature(const Key& service_key) const
{
    const ByteView server = TRY(demand(PacType::server_checksum));
    const ByteView kdc = TRY(demand(PacType::kdc_checksum));
    const Signature signature = TRY(read_signature(server, PacType::server_checksum));
    TRY(read_signature(kdc, PacType::kdc_checksum));
    const ChecksumType required = service_key.profile().required_checksum;
    if (signature.type != required) {
        // Never a type of the sender's choice: an unkeyed one proves nothing (CVE-2014-6324, CVE-2010-1324).
        return refuse(Fault::PacRefused, "the server signature is of type " +
                                             std::to_string(static_cast<std::int32_t>(signature.type)) + ", expected " +
                                             std::to_string(static_cast<std::int32_t>(required)) +
                                             " for a key of type " + name_of(service_key.type()));
    }
    // [MS-PAC] 2.8.1: it covers the whole PAC with both signatures zero, all that stands behind their types.
    std::array zeroed = {zeroed_part(octets_, server), zeroed_part(octets_, kdc)};
    if (zeroed[0].begin > zeroed[1].begin) {
        std::swap(zeroed[0], zeroed[1]);
    }
    if (zeroed[0].end > zeroed[1].begin) {
        return refuse(Fault::PacRefused, "the signatures for server and KDC overlap");
    }
    constexpr std::array<std::uint8_t, longest_checksum> zeros{};
    const ByteView whole = octets_;
    const std::array<ByteView, 5> parts = {
        whole.first(zeroed[0].begin),
        ByteView(zeros).first(zeroed[0].end - zeroed[0].begin),
        whole.subspan(zeroed[0].end, zeroed[1].begin - zeroed[0].end),
        ByteView(zeros).first(zeroed[1].end - zeroed[1].begin),
        whole.subspan(zeroed[1].end),
    };
    const UsageKey key = TRY(service_key.for_usage(KeyUsage::authorization_data));
    if (!key.verify(parts, signature.value)) {
        return refuse(Fault::PacRefused, "the server signature does not verify with the key that opened the ticket");
    }
    return {};
}

Done Pac::check_kdc_signatures() const
{
    for (const PacType type : {PacType::ticket_checksum, PacType::full_checksum}) {
        const std::optional<ByteView> octets = TRY(find(type));
        if (octets) {
            TRY(read_signature(*octets, type));
        }
    }
    return {};
}

Done Pac::check_client(std::string_view client, Time auth_time) const
{
    constexpr std::uint64_t units_per_second = 10'000'000; // FILETIME counts 100 ns
    constexpr std::int64_t epoch = 11'644'473'600;         // seconds from 1601 to 1970
    constexpr std::size_t head_length = 10;
    const ByteView octets = TRY(demand(PacType::client_info));
    NdrReader reader(octets, "PAC_CLIENT_INFO");
    const Result<FixedPart<head_length>> head = reader.fixed<head_length>("fixed part");
    if (!head) {
        return refuse(Fault::PacRefused, head.error().detail);
    }
    const std::size_t length = head->uint16<8>();
    if (length > octets.size() - head_length) {
        return refuse(Fault::PacRefused, "PAC_CLIENT_INFO: a name of " + std::to_string(length) + " octets, " +
                                             std::to_string(octets.size() - head_length) + " are there");
    }
    const Result<std::string> name = utf8_of(octets.subspan(head_length, length), "PAC_CLIENT_INFO: Name");
    if (!name) {
        return refuse(Fault::PacRefused, name.error().detail);
    }
    const std::int64_t seconds = static_cast<std::int64_t>(head->uint64<0>() / units_per_second) - epoch;
    if (*name != client) {
        return refuse(Fault::PacRefused, "it is for client '" + escape_text(*name, 64) + "', the ticket for '" +
                                             escape_text(client, 64) + "'");
    }
    if (seconds != seconds_of(auth_time)) {
        return refuse(Fault::PacRefused, "it is of second " + std::to_string(seconds) + ", the ticket's authtime is " +
                                             std::to_string(seconds_of(auth_time)));
    }
    return {};
}

std::string pac_client_name(const PrincipalName& name)
{
    std::string text;
    for (std::size_t i = 0; i < name.components.size(); ++i) {
        text += i == 0 ? "" : "/";
        text += name.components[i];
    }
    return text;
}

Result<std::optional<ByteView>> find_pac(const AuthorizationData& elements)
{
    const std::vector<FlatElement> flat = TRY(flatten(elements));
    const auto found =
        std::find_if(flat.begin(), flat.end(), [](const FlatElement& each) { return each.type == ad_pac; });
    return found != flat.end() ? std::optional(found->data) : std::nullopt;
}

} // namespace apex
