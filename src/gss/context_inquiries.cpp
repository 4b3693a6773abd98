// SPDX-License-Identifier: MIT
#include "apex/gss/context_inquiries.h"

#include "apex/gss/context.h"
#include "gss/lucid.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace apex {
namespace {

// 1.2.840.113554.1.2.2.5, the arc of MIT's inquiries, and 1.2.840.113554.1.2.2.4, under which key types are named.
constexpr std::array<std::uint8_t, 10> inquiry_arc = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x05};
constexpr std::array<std::uint8_t, 10> key_type_arc = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x04};

constexpr std::uint8_t lucid_arc = 6; // below it stands the version

template <typename Number>
Secret host_order(Number number)
{
    Secret octets(sizeof number);
    std::memcpy(octets.span().data(), &number, sizeof number);
    return octets;
}

/// The last arc of an OID: base 128, most significant first. None if it does not fit 31 bits or is cut off.
std::optional<std::int32_t> last_arc(ByteView arc)
{
    std::int64_t number = 0;
    for (const std::uint8_t octet : arc) {
        number = number << 7 | (octet & 0x7F);
        if (number > INT32_MAX) {
            return std::nullopt;
        }
    }
    return arc.empty() || (arc.back() & 0x80) != 0 ? std::nullopt
                                                   : std::optional(static_cast<std::int32_t>(number));
}

Answers key_and_type(const Key& key)
{
    Answers answers;
    answers.members.push_back(key.octets().clone());
    Bytes oid = bytes_of(key_type_arc);
    oid.push_back(static_cast<std::uint8_t>(key.type())); // all supported types are below 128
    answers.members.emplace_back(oid);
    return answers;
}

Answers one(Secret answer)
{
    Answers answers;
    answers.members.push_back(std::move(answer));
    return answers;
}

Result<Answers> ticket_flags(const Session& session, ByteView)
{
    return one(host_order(session.ticket_flags));
}

Result<Answers> session_key(const Session& session, ByteView)
{
    return key_and_type(*session.keys.for_messages());
}

Result<Answers> authentication_time(const Session& session, ByteView)
{
    return one(host_order(static_cast<std::int32_t>(seconds_of(session.auth_time))));
}

/// MIT's way: the ticket's elements, then the authenticator's, top level only.
Result<Answers> authorization_data(const Session& session, ByteView suffix)
{
    const std::optional<std::int32_t> type = last_arc(suffix);
    if (!type) {
        return refuse(Fault::Unavailable, "authorization data of a type that is no number");
    }
    Answers answers;
    for (const AuthorizationData* list : {&session.ticket_authorization, &session.authenticator_authorization}) {
        for (const AuthorizationElement& element : *list) {
            if (element.type == *type) {
                answers.members.emplace_back(element.data);
            }
        }
    }
    return answers;
}

Result<Answers> strength(const Session& session, ByteView)
{
    const std::uint32_t bits = session.keys.for_messages()->profile().strength;
    Secret octets(4);
    for (std::size_t i = 0; i < 4; ++i) {
        octets.span()[i] = static_cast<std::uint8_t>(bits >> (24 - 8 * i));
    }
    return one(std::move(octets));
}

Result<Answers> ticket_session_key(const Session& session, ByteView)
{
    return key_and_type(*session.keys.ticket_session);
}

struct Inquiry final {
    std::uint8_t arc;
    bool takes_suffix;
    Result<Answers> (*answer)(const Session& session, ByteView suffix);
};

constexpr std::array inquiries = std::to_array<Inquiry>({
    {1, false, ticket_flags},        // GSS_KRB5_GET_TKT_FLAGS
    {5, false, session_key},         // GSS_C_INQ_SSPI_SESSION_KEY
    {10, true, authorization_data},  // gsskrb5_extract_authz_data_from_sec_context
    {12, false, authentication_time}, // gsskrb5_extract_authtime_from_sec_context
    {15, false, strength},           // GSS_C_SEC_CONTEXT_SASL_SSF
    {19, false, ticket_session_key}, // GSS_C_INQ_ODBC_SESSION_KEY
});

} // namespace

Result<Answers> inquire_context(const Context& context, ByteView object)
{
    const bool under_arc = object.size() > inquiry_arc.size() && same(object.first(inquiry_arc.size()), inquiry_arc);
    if (under_arc) {
        const std::uint8_t arc = object[inquiry_arc.size()];
        const ByteView suffix = object.subspan(inquiry_arc.size() + 1);
        if (arc == lucid_arc && !suffix.empty()) {
            return lucid_context(context, last_arc(suffix).value_or(0));
        }
        for (const Inquiry& inquiry : inquiries) {
            if (inquiry.arc == arc && inquiry.takes_suffix == !suffix.empty()) {
                const std::shared_ptr<const Session> session = TRY(context.session());
                return inquiry.answer(*session, suffix);
            }
        }
    }
    return refuse(Fault::Unavailable, "inquiry OID " + hex(object));
}

Result<Secret> pseudo_random(const Context& context, int which, ByteView input, ssize_t length)
{
    constexpr int full = 0;
    constexpr int partial = 1;
    if (length < 0 || (which != full && which != partial)) {
        return refuse(Fault::BadCall, "key " + std::to_string(which) + ", length " + std::to_string(length));
    }
    const std::shared_ptr<const Session> session = TRY(context.session());
    const Key& key = which == full ? *session->keys.for_messages() : *session->keys.of_initiator();
    Secret output(static_cast<std::size_t>(length));
    // RFC 4402: the octets of PRF(key, counter | input) for counter = 0, 1, ..., four octets, big-endian.
    Secret block_input(4 + input.size());
    std::copy(input.begin(), input.end(), block_input.span().begin() + 4);
    std::size_t filled = 0;
    for (std::uint32_t counter = 0; filled < output.size(); ++counter) {
        for (std::size_t i = 0; i < 4; ++i) {
            block_input.span()[i] = static_cast<std::uint8_t>(counter >> (24 - 8 * i));
        }
        const Secret block = TRY(key.prf(block_input.view()));
        const std::size_t take = std::min(block.size(), output.size() - filled);
        std::copy_n(block.view().begin(), take, output.span().begin() + static_cast<std::ptrdiff_t>(filled));
        filled += take;
    }
    return output;
}

} // namespace apex
