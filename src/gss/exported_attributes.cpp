// SPDX-License-Identifier: MIT
#include "gss/exported_attributes.h"

#include "gss/counted_parts.h"

namespace apex {
namespace {

// All numbers have four octets, most significant first: the number of modules, then of each its name, counted, and its data.
constexpr std::string_view pac_module = "mspac";
constexpr std::string_view indicator_module = "authentication-indicators";

/// The PAC, counted (0: none), and whether it was verified.
Done read_pac(CountedParts& parts, ExportedAttributes& attributes)
{
    const ByteView pac = TRY(parts.part("the PAC"));
    const std::uint32_t verified = TRY(parts.number("the PAC's state"));
    if (!pac.empty()) {
        attributes.pac = bytes_of(pac);
        attributes.pac_verified = verified != 0;
    }
    return {};
}

/// The number of indicators, and each of them, counted.
Done read_indicators(CountedParts& parts, ExportedAttributes& attributes)
{
    const std::uint32_t count = TRY(parts.number("the number of indicators"));
    for (std::uint32_t i = 0; i < count; ++i) {
        const ByteView indicator = TRY(parts.part("an indicator"));
        attributes.indicators.push_back(text_of(indicator));
    }
    return {};
}

Done read_module(CountedParts& parts, ExportedAttributes& attributes)
{
    const ByteView name = TRY(parts.part("the name of an attribute module"));
    if (same(name, view_of(pac_module)) && !attributes.pac) {
        return read_pac(parts, attributes);
    }
    if (same(name, view_of(indicator_module)) && attributes.indicators.empty()) {
        return read_indicators(parts, attributes);
    }
    return parts.malformed("attributes of a module that is unknown or stands twice, " + hex(name));
}

} // namespace

Result<ExportedAttributes> ExportedAttributes::decode(ByteView octets)
{
    ExportedAttributes attributes;
    if (octets.empty()) {
        return attributes;
    }
    CountedParts parts(octets);
    const std::uint32_t modules = TRY(parts.number("the number of attribute modules"));
    for (std::uint32_t i = 0; i < modules; ++i) {
        TRY(read_module(parts, attributes));
    }
    TRY(parts.end());
    return attributes;
}

Bytes ExportedAttributes::encode() const
{
    Bytes octets;
    append_number(octets, 2);
    append_part(octets, view_of(pac_module));
    append_part(octets, pac ? ByteView(*pac) : ByteView());
    append_number(octets, pac && pac_verified ? 1 : 0);
    append_part(octets, view_of(indicator_module));
    append_number(octets, static_cast<std::uint32_t>(indicators.size()));
    for (const std::string& indicator : indicators) {
        append_part(octets, view_of(indicator));
    }
    return octets;
}

} // namespace apex
