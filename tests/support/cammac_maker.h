// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/key.h"
#include "apex/der/der_writer.h"
#include "apex/der/kerberos_types.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/authorization_data.h"

#include <string>
#include <vector>

namespace apex::test {

/// CammacMaker writes an AD-CAMMAC with authentication indicators, as a KDC does (RFC 7751 4).
class CammacMaker final {
public:
    CammacMaker(const Key& key, const std::vector<std::string>& indicators)
        : elements{AuthorizationElement{ad_authentication_indicator, texts(indicators)}},
          checksum_type(static_cast<std::int32_t>(key.profile().required_checksum)),
          key_(key)
    {
    }

    AuthorizationData elements;
    std::int32_t checksum_type;
    bool for_service = true;
    bool for_kdc = false;
    bool for_others = false;

    [[nodiscard]] Bytes encode() const
    {
        const Bytes covered = encode_authorization_data(elements);
        const Checksum mac{checksum_type, *key_.sign(KeyUsage::cammac, covered)};
        DerWriter writer;
        writer.element(sequence_tag, [&] {
            writer.element(context(0), [&] { writer.raw(covered); });
            if (for_kdc) {
                writer.element(context(1), [&] { write_verifier(writer, Checksum{16, Bytes(12)}); });
            }
            if (for_service) {
                writer.element(context(2), [&] { write_verifier(writer, mac); });
            }
            if (for_others) {
                writer.element(context(3), [&] {
                    writer.element(sequence_tag, [&] { write_verifier(writer, Checksum{16, Bytes(12)}); });
                });
            }
        });
        return writer.take_bytes();
    }

private:
    static Bytes texts(const std::vector<std::string>& indicators)
    {
        constexpr Tag utf8_string_tag{0x0c};
        DerWriter writer;
        writer.element(sequence_tag, [&] {
            for (const std::string& indicator : indicators) {
                writer.primitive(utf8_string_tag, view_of(indicator));
            }
        });
        return writer.take_bytes();
    }

    static void write_verifier(DerWriter& writer, const Checksum& mac)
    {
        writer.element(sequence_tag, [&] {
            writer.element(context(1), [&] { write_int32(writer, 1); });
            writer.element(context(2), [&] { write_int32(writer, 18); });
            writer.element(context(3), [&] { mac.write(writer); });
        });
    }

    const Key& key_;
};

} // namespace apex::test
