// SPDX-License-Identifier: MIT
#include "apex/messages/logon_info.h"

#include "ndr_reader.h"

namespace apex {
namespace {

constexpr std::size_t fixed_length = 216;
using Fixed = FixedPart<fixed_length>;

template <std::size_t Offset>
NdrString string_at(const Fixed& fixed)
{
    return {.length = fixed.uint16<Offset>(),
            .maximum = fixed.uint16<Offset + 2>(),
            .referent = fixed.uint32<Offset + 4>()};
}

template <std::size_t Offset>
Result<std::string> read_text(NdrReader& reader, const Fixed& fixed, std::string_view field)
{
    const ByteView characters = TRY(reader.string(string_at<Offset>(fixed), field));
    return utf8_of(characters, field);
}

/// The strings that no attribute is made of: LogonScript, ProfilePath, HomeDirectory, HomeDirectoryDrive.
Done pass_paths(NdrReader& reader, const Fixed& fixed)
{
    TRY(reader.string(string_at<64>(fixed), "LogonScript"));
    TRY(reader.string(string_at<72>(fixed), "ProfilePath"));
    TRY(reader.string(string_at<80>(fixed), "HomeDirectory"));
    TRY(reader.string(string_at<88>(fixed), "HomeDirectoryDrive"));
    return {};
}

/// `CountOffset`: where the count stands; the pointer is the next field.
template <std::size_t CountOffset>
Result<std::vector<GroupMembership>> read_groups(NdrReader& reader, const Fixed& fixed, std::string_view field)
{
    constexpr std::size_t size = 8;
    const ByteView octets =
        TRY(reader.array(fixed.uint32<CountOffset + 4>(), fixed.uint32<CountOffset>(), size, field));
    std::vector<GroupMembership> groups;
    groups.reserve(octets.size() / size);
    for (std::size_t i = 0; i < octets.size(); i += size) {
        const FixedPart<size> group(octets.subspan(i).first<size>());
        groups.push_back({.relative_identifier = group.uint32<0>(), .attributes = group.uint32<4>()});
    }
    return groups;
}

/// All pairs of pointer and attributes stand before the SIDs.
Result<std::vector<SidMembership>> read_extra_sids(NdrReader& reader, const Fixed& fixed)
{
    constexpr std::size_t size = 8;
    const ByteView octets = TRY(reader.array(fixed.uint32<200>(), fixed.uint32<196>(), size, "ExtraSids"));
    std::vector<SidMembership> sids;
    sids.reserve(octets.size() / size);
    for (std::size_t i = 0; i < octets.size(); i += size) {
        const FixedPart<size> pair(octets.subspan(i).first<size>());
        if (pair.uint32<0>() == 0) {
            return refuse(Fault::MalformedMessage, "KERB_VALIDATION_INFO: ExtraSids: element " +
                                                       std::to_string(i / size) + " is a null pointer");
        }
        const Sid sid = TRY(reader.sid("ExtraSids"));
        sids.push_back({.sid = sid, .attributes = pair.uint32<4>()});
    }
    return sids;
}

template <std::size_t Offset>
Result<std::optional<Sid>> read_domain(NdrReader& reader, const Fixed& fixed, std::string_view field)
{
    if (fixed.uint32<Offset>() == 0) {
        return std::optional<Sid>();
    }
    const Sid sid = TRY(reader.sid(field));
    return std::optional<Sid>(sid);
}

} // namespace

Result<LogonInfo> LogonInfo::decode(ByteView octets)
{
    NdrReader reader = TRY(NdrReader::of_serialized(octets, "KERB_VALIDATION_INFO"));
    const Fixed fixed = TRY(reader.fixed<fixed_length>("fixed part"));
    LogonInfo info;
    info.user_id = fixed.uint32<100>();
    info.primary_group_id = fixed.uint32<104>();
    info.user_flags = fixed.uint32<116>();
    // What the pointers lead to follows in the order of the fields.
    info.logon_name = TRY(read_text<48>(reader, fixed, "EffectiveName"));
    TRY(reader.string(string_at<56>(fixed), "FullName"));
    TRY(pass_paths(reader, fixed));
    info.groups = TRY(read_groups<108>(reader, fixed, "GroupIds"));
    TRY(reader.string(string_at<136>(fixed), "LogonServer"));
    info.domain_name = TRY(read_text<144>(reader, fixed, "LogonDomainName"));
    info.domain = TRY(read_domain<152>(reader, fixed, "LogonDomainId"));
    info.extra_sids = TRY(read_extra_sids(reader, fixed));
    info.resource_domain = TRY(read_domain<204>(reader, fixed, "ResourceGroupDomainSid"));
    info.resource_groups = TRY(read_groups<208>(reader, fixed, "ResourceGroupIds"));
    TRY(reader.end());
    return info;
}

namespace {

Result<Sid> account_of(const std::optional<Sid>& domain, std::uint32_t relative_identifier, std::string_view what)
{
    if (!domain) {
        return refuse(Fault::MalformedMessage, "KERB_VALIDATION_INFO: " + std::string(what) + " " +
                                                   std::to_string(relative_identifier) + " of a domain without SID");
    }
    return domain->with(relative_identifier);
}

/// [MS-PAC] 2.2.1: bit C. A group that only denies is none that one could be let in for.
bool is_enabled(std::uint32_t attributes)
{
    constexpr std::uint32_t enabled = 0x4;
    constexpr std::uint32_t deny_only = 0x10;
    return (attributes & (enabled | deny_only)) == enabled;
}

Done append_groups(std::vector<Sid>& sids, const std::optional<Sid>& domain, const std::vector<GroupMembership>& groups,
                   std::string_view what)
{
    for (const GroupMembership& group : groups) {
        if (is_enabled(group.attributes)) {
            const Sid sid = TRY(account_of(domain, group.relative_identifier, what));
            sids.push_back(sid);
        }
    }
    return {};
}

} // namespace

Result<Sid> LogonInfo::user_sid() const
{
    if (user_id != 0) {
        return account_of(domain, user_id, "user");
    }
    if ((user_flags & extra_sids_are_valid) == 0 || extra_sids.empty()) {
        return refuse(Fault::MalformedMessage, "KERB_VALIDATION_INFO: user id 0 without extra SIDs");
    }
    return extra_sids.front().sid;
}

Result<Sid> LogonInfo::primary_group_sid() const
{
    return account_of(domain, primary_group_id, "primary group");
}

Result<std::vector<Sid>> LogonInfo::group_sids() const
{
    std::vector<Sid> sids;
    sids.reserve(groups.size() + extra_sids.size() + resource_groups.size());
    TRY(append_groups(sids, domain, groups, "group"));
    if ((user_flags & extra_sids_are_valid) != 0) {
        const std::size_t first = user_id == 0 ? 1 : 0; // the user itself stands in front
        for (std::size_t i = first; i < extra_sids.size(); ++i) {
            if (is_enabled(extra_sids[i].attributes)) {
                sids.push_back(extra_sids[i].sid);
            }
        }
    }
    if ((user_flags & resource_groups_are_valid) != 0) {
        TRY(append_groups(sids, resource_domain, resource_groups, "resource group"));
    }
    return sids;
}

} // namespace apex
