// SPDX-License-Identifier: MIT
#include "apex/exchange/checks.h"

#include "apex/base/secret.h"
#include "apex/messages/cammac.h"
#include "apex/messages/pac.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace apex {
namespace {

std::string seconds_text(Duration duration)
{
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

} // namespace

Done check_same_client(const TicketContents& ticket, const Authenticator& authenticator)
{
    if (!same_principal(ticket.client, authenticator.client)) {
        return refuse(Fault::WrongClient, "the ticket says " + ticket.client.text() + ", the authenticator " +
                                              authenticator.client.text());
    }
    return {};
}

Done check_clock_skew(Time authenticator_time, Time now, Duration skew)
{
    const Duration difference = authenticator_time - now;
    // RFC 4120 speaks of the difference; MIT compares whole seconds, so that the limit itself still passes.
    const auto whole = std::chrono::abs(std::chrono::floor<std::chrono::seconds>(authenticator_time) -
                                        std::chrono::floor<std::chrono::seconds>(now));
    if (whole > skew) {
        const bool ahead = difference > Duration::zero();
        return refuse(Fault::ClockSkew, "the client's clock is " + seconds_text(std::chrono::abs(difference)) +
                                            (ahead ? " ahead of" : " behind") + " this host's, at most " +
                                            seconds_text(skew) + " are allowed; the client says " +
                                            iso_text(authenticator_time) + ", this host " + iso_text(now) +
                                            "; check that both use NTP");
    }
    return {};
}

Done check_validity(const TicketContents& ticket, Time now, Duration skew)
{
    const Time start = ticket.start_time.value_or(ticket.auth_time);
    if (start > now + skew) {
        return refuse(Fault::TicketNotYetValid, "valid from " + iso_text(start) + ", it is " + iso_text(now) + ", " +
                                                    seconds_text(start - now) +
                                                    " to wait; probably this host's clock is behind the KDC's");
    }
    if (std::chrono::floor<std::chrono::seconds>(now) - skew > ticket.end_time) {
        return refuse(Fault::TicketExpired, "ended at " + iso_text(ticket.end_time) + ", it is " + iso_text(now) +
                                                ", " + seconds_text(now - ticket.end_time) +
                                                " too late; the client needs new tickets (kinit)");
    }
    return {};
}

Done check_not_invalid(const TicketContents& ticket)
{
    if (ticket.flags.has(TicketFlags::invalid)) {
        return refuse(Fault::TicketInvalid, "the ticket of " + ticket.client.text() +
                                                " is postdated and was not validated by the KDC (kinit -v)");
    }
    return {};
}

Done check_address(const TicketContents& ticket, const ChannelBindings* bindings)
{
    constexpr std::uint32_t af_inet = 2; // RFC 2744 3.11
    if (bindings == nullptr || bindings->initiator_address_type != af_inet || ticket.addresses.empty()) {
        return {};
    }
    const bool listed =
        std::any_of(ticket.addresses.begin(), ticket.addresses.end(), [&](const HostAddress& address) {
            return address.type == address_type_ipv4 && same(address.address, bindings->initiator_address);
        });
    if (!listed) {
        return refuse(Fault::WrongAddress, "the ticket of " + ticket.client.text() + " lists " +
                                               std::to_string(ticket.addresses.size()) +
                                               " addresses, the peer's " + hex(bindings->initiator_address) +
                                               " is not among them");
    }
    return {};
}

Done check_permitted(EncryptionType type, std::span<const EncryptionType> permitted, std::string_view what)
{
    if (std::find(permitted.begin(), permitted.end(), type) != permitted.end()) {
        return {};
    }
    std::string detail = std::string(what) + " is of type " + name_of(type) + ", permitted are";
    for (const EncryptionType other : permitted) {
        detail += ' ';
        detail += name_of(other);
    }
    detail += is_rc4(type) ? "; RC4 can be forged and is off unless krb5.conf says allow_rc4 = true (and "
                             "permitted_enctypes, if set, lists arcfour-hmac); better give the accounts AES keys"
                           : "; see permitted_enctypes in krb5.conf";
    return refuse(Fault::EncryptionTypeRefused, std::move(detail));
}

Done check_authorization_data(const AuthorizationData& elements, std::string_view where)
{
    // What may stand outside AD-IF-RELEVANT without Apex having to act on it (INVARIANTS A11): the container itself,
    // and the types that real KDCs and clients put there.
    constexpr std::array known = {ad_if_relevant, ad_initial_verified_cas, ad_fx_fast_armor, ad_cammac,
                                  ad_authentication_indicator, ad_pac, ad_etype_negotiation, ad_token_restrictions,
                                  ad_local, ad_ap_options, ad_target_principal, ad_signed_ticket};
    for (const AuthorizationElement& element : elements) {
        if (std::find(known.begin(), known.end(), element.type) == known.end()) {
            return refuse(Fault::UnknownAuthorizationData,
                          "type " + std::to_string(element.type) + " in the " + std::string(where) +
                              " ([apex] strict_authorization_data = false accepts it unread)");
        }
    }
    return {};
}

Done check_readable(const AuthorizationData& elements)
{
    const std::vector<FlatElement> flat = TRY(flatten(elements));
    bool pac_seen = false; // of several the first counts, as in find_pac
    for (const FlatElement& element : flat) {
        if (element.type == ad_pac && !pac_seen) {
            TRY(Pac::check_table(element.data));
            pac_seen = true;
        }
        if (element.type == ad_cammac) {
            TRY(Cammac::decode(element.data));
        }
    }
    return {};
}

Done check_pac(const TicketContents& ticket, const Key& service_key)
{
    const std::optional<ByteView> octets = TRY(find_pac(ticket.authorization_data));
    if (!octets) {
        return {};
    }
    const Pac pac = TRY(Pac::parse(bytes_of(*octets)));
    return pac.verify(service_key, pac_client_name(ticket.client.name), ticket.auth_time);
}

Done check_mutual_agreement(const ApRequest& request, const GssChecksum& checksum)
{
    if (checksum.kind != GssChecksum::Kind::gss) {
        return {};
    }
    const bool flagged = (checksum.flags & flag::mutual) != 0;
    if (flagged != request.options.mutual_required()) {
        return refuse(Fault::ContradictoryMutual,
                      flagged ? "the checksum asks for mutual authentication, the AP options do not"
                              : "the AP options ask for mutual authentication, the checksum does not");
    }
    return {};
}

Done check_framing(bool framed, const GssChecksum& checksum)
{
    const bool dce_style = (checksum.flags & flag::dce_style) != 0;
    if (framed == dce_style) {
        return refuse(Fault::DceStyleMismatch, framed ? "a framed token whose checksum says DCE style"
                                                      : "a bare token whose checksum does not say DCE style");
    }
    return {};
}

namespace {

/// [MS-KILE] 3.4.5: AD-AUTH-DATA-AP-OPTIONS, four octets, least significant first; 0x4000 = bindings are supported.
Result<bool> client_asserts_bindings(const Authenticator& authenticator)
{
    constexpr std::uint8_t asserts = 0x40; // bit 0x4000 lies in the second octet
    bool seen = false;
    bool asserted = false;
    const std::vector<FlatElement> elements = TRY(flatten(authenticator.authorization_data));
    for (const FlatElement& element : elements) {
        if (element.type != ad_ap_options) {
            continue;
        }
        if (seen || element.data.size() != 4) {
            return Error{.fault = Fault::MalformedMessage,
                         .detail = "the authenticator's AP-OPTIONS element (143) stands twice or has " +
                                   std::to_string(element.data.size()) + " octets, expected one of 4"};
        }
        seen = true;
        asserted = (element.data[1] & asserts) != 0;
    }
    return asserted;
}

} // namespace

Result<bool> check_bindings(const GssChecksum& checksum, const Authenticator& authenticator,
                            const ChannelBindings* bindings)
{
    if (bindings == nullptr || checksum.kind != GssChecksum::Kind::gss) {
        return false;
    }
    if (!checksum.has_bindings()) {
        const bool asserted = TRY(client_asserts_bindings(authenticator));
        if (asserted) {
            return refuse(Fault::BindingsMissing,
                          "client " + authenticator.client.text() +
                              " gave none; a proxy that ends TLS, or an attacker, may stand between");
        }
        return false;
    }
    if (!constant_time_equal(checksum.bindings, bindings->hash())) {
        return refuse(Fault::BindingsMismatch,
                      "both sides gave bindings and they differ; client " + authenticator.client.text() +
                          " sees another channel (TLS certificate) than this server");
    }
    return true;
}

} // namespace apex
