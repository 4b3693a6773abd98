// SPDX-License-Identifier: MIT
#include "apex/messages/cammac.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

#include <limits>

namespace apex {
namespace {

constexpr Tag utf8_string_tag{0x0c};

Result<ByteView> read_whole_sequence(DerReader& reader)
{
    return reader.read_whole(sequence_tag);
}

/// The elements as they came, after a look whether they can be read.
Result<Bytes> read_elements(DerReader& reader)
{
    const ByteView octets = TRY(reader.read_whole(sequence_tag));
    TRY(decode_authorization_data(octets));
    return bytes_of(octets);
}

Result<std::string> read_utf8_string(DerReader& reader)
{
    const ByteView octets = TRY(reader.read(utf8_string_tag));
    return text_of(octets);
}

Result<std::vector<std::string>> read_indicators(DerReader& reader)
{
    return read_list(reader, utf8_string_tag, std::numeric_limits<std::size_t>::max(), read_utf8_string);
}

} // namespace

Result<VerifierMac> VerifierMac::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "Verifier-MAC"));
    std::optional<PrincipalName> identifier = TRY(fields.optional(0, "identifier", PrincipalName::read));
    const std::optional<std::uint32_t> version = TRY(fields.optional(1, "kvno", read_wrapped_uint32));
    const std::optional<EncryptionType> type = TRY(fields.optional(2, "enctype", read_encryption_type));
    Checksum mac = TRY(fields.required(3, "mac", Checksum::read));
    TRY(fields.end());
    return VerifierMac{.identifier = std::move(identifier), .version = version, .type = type, .mac = std::move(mac)};
}

Result<Cammac> Cammac::decode(ByteView octets)
{
    DerReader reader(octets);
    DerFields fields = TRY(DerFields::of(reader, "AD-CAMMAC"));
    Cammac cammac;
    cammac.elements_ = TRY(fields.required(0, "elements", read_elements));
    TRY(fields.optional(1, "kdc-verifier", VerifierMac::read));
    cammac.service_verifier_ = TRY(fields.optional(2, "svc-verifier", VerifierMac::read));
    TRY(fields.optional(3, "other-verifiers", read_whole_sequence));
    TRY(fields.end());
    TRY(end_of(reader, "AD-CAMMAC"));
    return cammac;
}

Result<AuthorizationData> Cammac::verified_elements(const Key& service_key) const
{
    if (!service_verifier_) {
        return refuse(Fault::BadIntegrity, "AD-CAMMAC has no verifier for the service");
    }
    const auto required = static_cast<std::int32_t>(service_key.profile().required_checksum);
    if (service_verifier_->mac.type != required) {
        return refuse(Fault::BadIntegrity, "AD-CAMMAC: the verifier for the service is of type " +
                                               std::to_string(service_verifier_->mac.type) + ", expected " +
                                               std::to_string(required));
    }
    if (!service_key.verify(KeyUsage::cammac, elements_, service_verifier_->mac.value)) {
        return refuse(Fault::BadIntegrity,
                      "AD-CAMMAC: the verifier for the service does not hold with the key that opened the ticket");
    }
    return decode_authorization_data(elements_);
}

namespace {

/// Appends the indicators of one container, all or none.
Done append_indicators(std::vector<std::string>& values, ByteView container, const Key& service_key)
{
    const Cammac cammac = TRY(Cammac::decode(container));
    const AuthorizationData elements = TRY(cammac.verified_elements(service_key));
    const std::vector<FlatElement> flat = TRY(flatten(elements));
    std::vector<std::string> found;
    for (const FlatElement& element : flat) {
        if (element.type == ad_authentication_indicator) {
            const std::vector<std::string> more =
                TRY(decode_whole(element.data, "AD-AUTHENTICATION-INDICATOR", read_indicators));
            found.insert(found.end(), more.begin(), more.end());
        }
    }
    values.insert(values.end(), found.begin(), found.end());
    return {};
}

} // namespace

AuthenticationIndicators AuthenticationIndicators::of(const AuthorizationData& elements, const Key& service_key)
{
    AuthenticationIndicators indicators;
    const Result<std::vector<FlatElement>> flat = flatten(elements);
    if (!flat) {
        indicators.left_out = flat.error().text();
        return indicators;
    }
    for (const FlatElement& element : *flat) {
        if (element.type != ad_cammac) {
            continue;
        }
        if (const Done appended = append_indicators(indicators.values, element.data, service_key); !appended) {
            indicators.left_out = appended.error().text();
        }
    }
    return indicators;
}

} // namespace apex
