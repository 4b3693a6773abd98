// SPDX-License-Identifier: MIT
#pragma once

#include "apex/protection/message_protection.h"
#include "require.h"

#include <cstdlib>
#include <memory>

namespace apex::fuzz {

/// FixedRandom makes runs repeatable.
class FixedRandom final : public Random {
public:
    Done fill(ByteSpan octets) override
    {
        for (std::uint8_t& octet : octets) {
            octet = next_;
            next_ = static_cast<std::uint8_t>(next_ * 5 + 1);
        }
        return {};
    }

private:
    std::uint8_t next_ = 1;
};

/// Context is the acceptor's side of a context with keys that everyone knows.
struct Context final {
    explicit Context(unsigned choice)
        : keys{key(choice, 0x0b), key(choice, 0x4d)}, acceptor(make())
    {
    }

    FixedRandom random;
    ProtectionKeys keys;
    MessageProtection acceptor;

private:
    static std::shared_ptr<const Key> key(unsigned choice, std::uint8_t octet)
    {
        constexpr EncryptionType types[] = {
            EncryptionType::aes256_cts_hmac_sha1_96,    EncryptionType::aes128_cts_hmac_sha1_96,
            EncryptionType::aes128_cts_hmac_sha256_128, EncryptionType::aes256_cts_hmac_sha384_192,
            EncryptionType::camellia128_cts_cmac,       EncryptionType::camellia256_cts_cmac,
        };
        const EncryptionType type = types[choice % std::size(types)];
        Secret octets(find_profile(type)->key_length);
        for (std::uint8_t& each : octets.span()) {
            each = octet;
        }
        Result<Key> made = Key::from(type, std::move(octets));
        require(made.has_value());
        return std::make_shared<const Key>(std::move(*made));
    }

    MessageProtection make()
    {
        Result<MessageProtection> made =
            MessageProtection::make(Role::acceptor, keys, 0, 0, {.replay = true, .sequence = true}, false, random);
        require(made.has_value());
        return std::move(*made);
    }
};

} // namespace apex::fuzz
