// SPDX-License-Identifier: MIT
#include "gss/judged_attributes.h"

#include "apex/base/trace.h"
#include "apex/messages/pac_identity.h"
#include "gss/exported_attributes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <strings.h>

namespace apex {
namespace {

struct NamedBuffer final {
    PacType type;
    std::string_view name;
};

/// The names that MIT has; all other buffers go by their numbers.
constexpr std::array named_buffers = std::to_array<NamedBuffer>({
    {PacType::logon_info, "logon-info"},
    {PacType::credentials_info, "credentials-info"},
    {PacType::server_checksum, "server-checksum"},
    {PacType::kdc_checksum, "privsvr-checksum"},
    {PacType::client_info, "client-info"},
    {PacType::delegation_info, "delegation-info"},
    {PacType::upn_dns_info, "upn-dns-info"},
});

bool same_word(std::string_view left, std::string_view right) noexcept
{
    return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

bool has_prefix(std::string_view text, std::string_view prefix) noexcept
{
    return same_word(text.substr(0, prefix.size()), prefix);
}

std::string attribute_name(PacType type)
{
    const auto* named = std::find_if(named_buffers.begin(), named_buffers.end(),
                                     [type](const NamedBuffer& each) { return each.type == type; });
    if (named != named_buffers.end()) {
        return std::string(pac_attribute_prefix) + std::string(named->name);
    }
    // MIT prints the number as a signed one.
    return std::string(pac_attribute_prefix) + std::to_string(static_cast<std::int32_t>(type));
}

/// The type of buffer that an attribute's name without its prefix means: one of the names, or a number.
std::optional<PacType> buffer_type(std::string_view name)
{
    for (const NamedBuffer& named : named_buffers) {
        if (same_word(named.name, name)) {
            return named.type;
        }
    }
    std::int64_t number = 0;
    const std::from_chars_result read = std::from_chars(name.data(), name.data() + name.size(), number);
    if (read.ec != std::errc{} || read.ptr != name.data() + name.size() || number == 0 || number < INT32_MIN ||
        number > UINT32_MAX) {
        return std::nullopt;
    }
    return static_cast<PacType>(static_cast<std::uint32_t>(number));
}

Error no_attribute(std::string_view attribute, const std::string& why)
{
    return refuse(Fault::NoAttribute, escape_text(attribute, 64) + (why.empty() ? "" : ": " + why));
}

/// One of several values, in MIT's way: `more` is the number of the next one, and 0 behind the last.
Result<const std::string*> pick(const std::vector<std::string>& values, int& more, std::string_view attribute)
{
    const std::size_t index = more < 0 ? 0 : static_cast<std::size_t>(more);
    if (index >= values.size()) {
        return no_attribute(attribute, "it has " + std::to_string(values.size()) + " values");
    }
    more = index + 1 < values.size() ? static_cast<int>(index + 1) : 0;
    return &values[index];
}

void add(std::vector<PlainAttribute>& attributes, std::string_view name, std::vector<std::string> values)
{
    if (!values.empty() && !values.front().empty()) {
        attributes.push_back(
            {.name = std::string(plain_attribute_prefix) + std::string(name), .values = std::move(values)});
    }
}

std::string text_of(const std::optional<Sid>& sid)
{
    return sid ? sid->text() : std::string();
}

std::vector<PlainAttribute> plain_attributes(const PacIdentity& identity)
{
    std::vector<std::string> groups;
    groups.reserve(identity.groups.size());
    for (const Sid& group : identity.groups) {
        groups.push_back(group.text());
    }
    std::vector<PlainAttribute> attributes;
    add(attributes, "user-sid", {text_of(identity.user)});
    add(attributes, "primary-group-sid", {text_of(identity.primary_group)});
    add(attributes, "group-sids", std::move(groups));
    add(attributes, "logon-name", {identity.logon_name});
    add(attributes, "domain-name", {identity.domain_name});
    add(attributes, "upn", {identity.user_principal_name});
    add(attributes, "dns-domain-name", {identity.dns_domain_name});
    return attributes;
}

} // namespace

JudgedAttributes::JudgedAttributes(PacEvidence pac, std::vector<std::string> indicators)
    : pac_(std::move(pac)), indicators_(std::move(indicators))
{
    if (!pac_.pac || !pac_.verified) {
        return;
    }
    const Result<PacIdentity> identity = PacIdentity::read(*pac_.pac);
    if (identity) {
        plain_ = plain_attributes(*identity);
    } else {
        unreadable_ = identity.error().text();
    }
}

std::vector<std::string> JudgedAttributes::list() const
{
    std::vector<std::string> names;
    if (pac_.pac) {
        names.emplace_back(pac_attribute_prefix);
        for (const PacBuffer& buffer : pac_.pac->buffers()) {
            names.push_back(attribute_name(buffer.type));
        }
    }
    if (!indicators_.empty()) {
        names.emplace_back(indicator_attribute);
    }
    for (const PlainAttribute& attribute : plain_) {
        names.push_back(attribute.name);
    }
    return names;
}

Result<NameAttribute> JudgedAttributes::value(std::string_view attribute, int more) const
{
    if (attribute == indicator_attribute) {
        const std::string* indicator = TRY(pick(indicators_, more, attribute));
        return NameAttribute{.value = bytes_of(view_of(*indicator)),
                             .display_value = {}, // as in MIT
                             .authenticated = true,
                             .complete = true,
                             .more = more};
    }
    if (has_prefix(attribute, pac_attribute_prefix)) {
        return pac_value(attribute, more);
    }
    return plain_value(attribute, more);
}

Result<NameAttribute> JudgedAttributes::pac_value(std::string_view attribute, int more) const
{
    if (!pac_.pac || !pac_.verified) {
        return no_attribute(attribute, pac_.objection);
    }
    if (more != -1) {
        return no_attribute(attribute, "it has one value");
    }
    const std::string_view name = attribute.substr(pac_attribute_prefix.size());
    if (name.empty()) {
        return NameAttribute{.value = pac_.pac->octets(), .display_value = {}, .authenticated = true, .complete = true};
    }
    const std::optional<PacType> type = buffer_type(name);
    if (!type) {
        return no_attribute(attribute, "no buffer of a PAC has that name");
    }
    const Result<std::optional<ByteView>> octets = pac_.pac->find(*type);
    if (!octets || !*octets) {
        return no_attribute(attribute, octets ? "the PAC has none" : octets.error().detail);
    }
    return NameAttribute{.value = bytes_of(**octets), .display_value = {}, .authenticated = true, .complete = true};
}

Result<NameAttribute> JudgedAttributes::plain_value(std::string_view attribute, int more) const
{
    const auto found = std::find_if(plain_.begin(), plain_.end(), [attribute](const PlainAttribute& each) {
        return same_word(each.name, attribute);
    });
    if (found == plain_.end()) {
        const bool ours = has_prefix(attribute, plain_attribute_prefix);
        return no_attribute(attribute, !ours ? "" : unreadable_.empty() ? pac_.objection : unreadable_);
    }
    const std::string* value = TRY(pick(found->values, more, attribute));
    return NameAttribute{.value = bytes_of(view_of(*value)),
                         .display_value = *value,
                         .authenticated = true,
                         .complete = true,
                         .more = more};
}

std::optional<Bytes> JudgedAttributes::verified_pac() const
{
    return pac_.pac && pac_.verified ? std::optional(pac_.pac->octets()) : std::nullopt;
}

Bytes JudgedAttributes::exported() const
{
    const ExportedAttributes attributes{
        .pac = pac_.pac ? std::optional(pac_.pac->octets()) : std::nullopt,
        .pac_verified = pac_.verified,
        .indicators = indicators_,
    };
    return attributes.encode();
}

} // namespace apex
