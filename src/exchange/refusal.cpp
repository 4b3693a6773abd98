// SPDX-License-Identifier: MIT
#include "apex/exchange/refusal.h"

#include "apex/messages/krb_error.h"

#include <array>
#include <string>
#include <string_view>

namespace apex {

std::optional<Bytes> refusal_message(const Error& error, const ApRequest& request, Time now)
{
    if (!request.options.mutual_required() || error.fault == Fault::MissingMutual) {
        return std::nullopt;
    }
    KrbError message;
    message.server_time = now;
    message.code = protocol_code(error.minor());
    message.server = request.ticket.server;
    return message.encode();
}

namespace {

struct Meaning final {
    std::int32_t code;
    std::string_view sentence;
};

// RFC 4120 7.5.9, the codes that acceptors send, with what the client's side can do.
constexpr std::array meanings = std::to_array<Meaning>({
    {31, "it cannot decrypt the ticket or the authenticator; its keytab is probably not up to date"},
    {32, "the ticket has expired; get new tickets (kinit)"},
    {33, "the ticket is not yet valid; its clock is probably behind"},
    {34, "the request is a replay"},
    {35, "the ticket is not for it; check the service's name"},
    {36, "ticket and authenticator do not match"},
    {37, "the clocks of client and server differ too much"},
    {38, "the ticket is not for this host's address"},
    {39, "it speaks another protocol version"},
    {40, "it does not take this kind of message"},
    {41, "the message was modified"},
    {44, "it does not have the key version that the ticket is sealed with; get new tickets (kdestroy, kinit)"},
    {45, "it has no key for this service"},
    {46, "mutual authentication failed"},
    {48, "it demands another method"},
    {50, "the checksum's type does not suit it"},
    {60, "it gives no further reason; see its log"},
});

std::string_view meaning_of(std::int32_t code)
{
    for (const Meaning& meaning : meanings) {
        if (meaning.code == code) {
            return meaning.sentence;
        }
    }
    return "see RFC 4120 7.5.9";
}

/// Another clock, given by how much it is ahead of ours: "is 600 s ahead of ours".
std::string compared(Duration ahead)
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(ahead).count();
    if (seconds == 0) {
        return "agrees with ours";
    }
    return "is " + std::to_string(seconds < 0 ? -seconds : seconds) + " s " + (seconds < 0 ? "behind" : "ahead of") +
           " ours";
}

} // namespace

Error reported_error(ByteView krb_error, Time now)
{
    Result<KrbError> message = KrbError::decode(krb_error);
    if (!message) {
        return std::move(message).error();
    }
    Error error = refuse(Fault::PeerReported);
    error.minor_override = krb5_base + (message->code >= 0 && message->code <= 127 ? message->code : 60);
    error.detail = message->server.text() + " answers with error " + std::to_string(message->code) + ": " +
                   std::string(meaning_of(message->code));
    error.detail += "; its clock " + compared(message->server_time - now);
    const std::string text = message->safe_text();
    if (!text.empty()) {
        error.detail += "; it says '" + text + "'";
    }
    return error;
}

} // namespace apex
