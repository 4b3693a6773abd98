// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/system_random.h"
#include "apex/protection/message_protection.h"

#include <memory>
#include <vector>

namespace apex::test {

/// The types whose messages go in RFC 4121 tokens.
inline constexpr EncryptionType message_types[] = {
    EncryptionType::aes128_cts_hmac_sha1_96,    EncryptionType::aes256_cts_hmac_sha1_96,
    EncryptionType::aes128_cts_hmac_sha256_128, EncryptionType::aes256_cts_hmac_sha384_192,
    EncryptionType::camellia128_cts_cmac,       EncryptionType::camellia256_cts_cmac,
};

inline constexpr Confidentiality both_kinds[] = {Confidentiality::sealed, Confidentiality::signed_only};

/// key_of makes a key of a type whose octets all derive from `seed`.
std::shared_ptr<const Key> key_of(EncryptionType type, std::uint8_t seed);

/// pattern makes a message of `length` octets that differ.
Bytes pattern(std::size_t length);

/// PairOptions say how the two sides of a ProtectionPair were set up.
struct PairOptions final {
    EncryptionType type = EncryptionType::aes256_cts_hmac_sha1_96;
    bool acceptor_subkey = true;
    SequenceRules rules{.replay = true, .sequence = true};
    bool dce_style = false;
    std::uint64_t initiator_sequence = 1000;
    std::uint64_t acceptor_sequence = 0xffffffff;
};

/// ProtectionPair is both sides of one context.
struct ProtectionPair final {
    explicit ProtectionPair(const PairOptions& options = {});

    SystemRandom random;
    ProtectionKeys keys;
    MessageProtection initiator;
    MessageProtection acceptor;
};

/// must_make builds one side or throws.
MessageProtection must_make(Role role, ProtectionKeys keys, const ProtectionState& state, const PairOptions& options,
                            Random& random);

/// fresh_acceptor is an acceptor that has seen nothing yet: each trial of a token needs its own window.
MessageProtection fresh_acceptor(ProtectionPair& pair, const PairOptions& options);

/// fault_of names the fault of a result that failed, Fault::Count_ if it did not.
template <typename T>
Fault fault_of(const Result<T>& result)
{
    return result ? Fault::Count_ : result.error().fault;
}

} // namespace apex::test

// For the messages of CppUnit.
#include <ostream>
namespace apex {
inline std::ostream& operator<<(std::ostream& stream, Fault fault)
{
    return stream << (fault == Fault::Count_ ? std::string_view("success") : traits_of(fault).name);
}
inline std::ostream& operator<<(std::ostream& stream, Ordering ordering)
{
    return stream << "ordering " << static_cast<int>(ordering);
}
} // namespace apex
