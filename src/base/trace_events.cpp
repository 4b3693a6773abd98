// SPDX-License-Identifier: MIT
#include "apex/base/trace_events.h"

#include <array>
#include <cstdio>
#include <string_view>

namespace apex {
namespace {

std::string yes_no(bool answer)
{
    return answer ? "yes" : "no";
}

/// Seconds with a sign and six decimals: "+7.000123".
std::string signed_seconds(Duration duration)
{
    const std::int64_t microseconds = duration.count();
    // The magnitude of the least number does not fit a signed one.
    const std::uint64_t magnitude = microseconds < 0 ? 0 - static_cast<std::uint64_t>(microseconds)
                                                     : static_cast<std::uint64_t>(microseconds);
    constexpr std::uint64_t million = 1000000;
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%c%llu.%06llu", microseconds < 0 ? '-' : '+',
                  static_cast<unsigned long long>(magnitude / million),
                  static_cast<unsigned long long>(magnitude % million));
    return text.data();
}

std::string whole_seconds(Duration duration)
{
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

std::string or_none(const std::string& text)
{
    return text.empty() ? "none" : text;
}

/// A key as its type and fingerprint: "aes256-cts-hmac-sha1-96/3f2a".
std::string key_text(const std::string& type, const std::string& fingerprint)
{
    return type.empty() || fingerprint.empty() ? or_none(type) : type + "/" + fingerprint;
}

} // namespace

TraceEvent TicketObtained::event() const
{
    return {.name = "ticket-obtained",
            .role = TraceRole::initiator,
            .step = 1,
            .sentence = "ticket for the service at hand",
            .facts = {{"client", client},
                      {"service", service},
                      {"session-enctype", session_type},
                      {"end", iso_text(end_time)}}};
}

TraceEvent RequestSent::event() const
{
    return {.name = "request-sent",
            .role = TraceRole::initiator,
            .step = 1,
            .sentence = "request made",
            .facts = {{"service", service},
                      {"flags", flags},
                      {"mutual", yes_no(mutual)},
                      {"delegation", yes_no(delegation)},
                      {"bindings", yes_no(bindings)},
                      {"subkey", key_text(subkey_type, subkey_fingerprint)},
                      {"octets", std::to_string(length)}}};
}

TraceEvent TicketOpened::event() const
{
    return {.name = "ticket-opened",
            .role = TraceRole::acceptor,
            .step = 2,
            .sentence = "ticket opened",
            .facts = {{"service", service},
                      {"kvno", std::to_string(version)},
                      {"ticket-enctype", ticket_type},
                      {"session-enctype", session_type},
                      {"client", client},
                      {"authtime", iso_text(auth_time)},
                      {"end", iso_text(end_time)}}};
}

TraceEvent AuthorizationDataSeen::event() const
{
    return {.name = "authorization-data-seen",
            .role = TraceRole::acceptor,
            .step = 2,
            .sentence = "authorization data taken",
            .facts = {{"ticket", or_none(ticket_types)}, {"authenticator", or_none(authenticator_types)}}};
}

TraceEvent AttributesJudged::event() const
{
    return {.name = "attributes-judged",
            .role = TraceRole::acceptor,
            .step = 2,
            .sentence = "attributes of the client's name judged",
            .facts = {{"client", client},
                      {"pac", !pac_present ? "none" : pac_verified ? "verified" : "not verified"},
                      {"pac-objection", or_none(pac_objection)},
                      {"pac-unreadable", or_none(pac_unreadable)},
                      {"indicators", std::to_string(indicators)},
                      {"indicators-left-out", or_none(indicators_left_out)}}};
}

TraceEvent AuthenticatorOpened::event() const
{
    return {.name = "authenticator-opened",
            .role = TraceRole::acceptor,
            .step = 3,
            .sentence = "authenticator opened",
            .facts = {{"client", client},
                      {"clock-difference", signed_seconds(difference)},
                      {"limit", whole_seconds(limit)},
                      {"subkey", or_none(subkey_type)}}};
}

TraceEvent BindingsCompared::event() const
{
    return {.name = "bindings-compared",
            .role = TraceRole::acceptor,
            .step = 3,
            .sentence = "channel bindings looked at",
            .facts = {{"client", yes_no(client_gave)}, {"server", yes_no(server_gave)}, {"equal", yes_no(equal)}}};
}

TraceEvent ReplayStoreAnswered::event() const
{
    return {.name = "replay-store-answered",
            .role = TraceRole::acceptor,
            .step = 3,
            .sentence = fresh ? "authenticator is new" : "authenticator was seen before",
            .facts = {{"store", store}, {"new", yes_no(fresh)}}};
}

TraceEvent MutualFlagSeen::event() const
{
    return {.name = "mutual-flag-seen",
            .role = TraceRole::acceptor,
            .step = 4,
            .sentence = asked ? "client asks for mutual authentication" : "client does not ask for mutual authentication",
            .facts = {{"mutual", yes_no(asked)}, {"required", yes_no(required_by_host)}}};
}

TraceEvent ReplyMade::event() const
{
    return {.name = "reply-made",
            .role = TraceRole::acceptor,
            .step = 5,
            .sentence = "reply made with the client's own time",
            .facts = {{"subkey", key_text(subkey_type, subkey_fingerprint)}, {"octets", std::to_string(length)}}};
}

TraceEvent ReplyVerified::event() const
{
    return {.name = "reply-verified",
            .role = TraceRole::initiator,
            .step = 6,
            .sentence = "reply verified: the server is genuine",
            .facts = {{"service", service}, {"subkey", key_text(subkey_type, subkey_fingerprint)}}};
}

TraceEvent ContextEstablished::event() const
{
    return {.name = "context-established",
            .role = role,
            .sentence = "context established",
            .facts = {{"peer", peer},
                      {"flags", flags},
                      {"end", iso_text(end_time)},
                      {"message-key", key_text(message_key_type, message_key_fingerprint)}}};
}

TraceEvent Refused::event() const
{
    return {.name = "refused",
            .role = role,
            .step = step,
            .sentence = "refused",
            .facts = {{"fault", std::string(traits_of(fault).name)}, {"minor", std::to_string(minor)}, {"text", text}}};
}

TraceEvent PeerErrorReceived::event() const
{
    return {.name = "peer-error-received",
            .role = role,
            .sentence = "the peer sent an error",
            .facts = {{"code", std::to_string(code)}}};
}

TraceEvent ClockCorrected::event() const
{
    return {.name = "clock-corrected",
            .role = TraceRole::initiator,
            .sentence = "clock corrected by what the server said",
            .facts = {{"offset", signed_seconds(offset)}}};
}

TraceEvent CredentialChosen::event() const
{
    return {.name = "credential-chosen",
            .role = role,
            .sentence = "credential chosen",
            .facts = {{"name", or_none(name)}, {"source", source}}};
}

TraceEvent SettingsRead::event() const
{
    return {.name = "settings-read",
            .sentence = complaint.empty() ? "settings read" : "settings read with a complaint",
            .facts = {{"files", files}, {"complaint", or_none(complaint)}}};
}

} // namespace apex
