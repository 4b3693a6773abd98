// SPDX-License-Identifier: MIT
#include "apex/exchange/etype_offer.h"

#include "apex/messages/etype_negotiation.h"

#include <algorithm>

namespace apex {

std::vector<EncryptionType> types_to_offer(std::span<const EncryptionType> permitted, EncryptionType session)
{
    const auto at = std::find(permitted.begin(), permitted.end(), session);
    if (at == permitted.begin()) {
        return {};
    }
    std::vector<EncryptionType> offer(permitted.begin(), at);
    offer.push_back(session);
    return offer;
}

AuthorizationData authenticator_data(const std::vector<EncryptionType>& offer, bool assert_bindings)
{
    AuthorizationData inner;
    if (!offer.empty()) {
        inner.push_back({ad_etype_negotiation, EtypeNegotiation{offer}.encode()});
    }
    if (assert_bindings) {
        inner.push_back({ad_ap_options, {0x00, 0x40, 0x00, 0x00}}); // KERB_AP_OPTIONS_CBT, least significant first
    }
    if (inner.empty()) {
        return {};
    }
    return {if_relevant(inner)};
}

Result<std::vector<EncryptionType>> offered_types(const AuthorizationData& elements)
{
    const std::vector<FlatElement> flat = TRY(flatten(elements));
    for (const FlatElement& element : flat) {
        if (element.type == ad_etype_negotiation) {
            EtypeNegotiation offer = TRY(EtypeNegotiation::decode(element.data));
            return std::move(offer.types);
        }
    }
    return std::vector<EncryptionType>{};
}

} // namespace apex
