// SPDX-License-Identifier: MIT
#include "protection_pair.h"

#include <stdexcept>

namespace apex::test {

std::shared_ptr<const Key> key_of(EncryptionType type, std::uint8_t seed)
{
    const EncryptionProfile* profile = find_profile(type);
    if (profile == nullptr) {
        throw std::runtime_error("no such encryption type");
    }
    Secret octets(profile->key_length);
    std::uint8_t next = seed;
    for (std::uint8_t& octet : octets.span()) {
        octet = next;
        next = static_cast<std::uint8_t>(next * 5 + 3);
    }
    Result<Key> key = Key::from(type, std::move(octets));
    if (!key) {
        throw std::runtime_error(key.error().text());
    }
    return std::make_shared<const Key>(std::move(*key));
}

Bytes pattern(std::size_t length)
{
    Bytes message(length);
    for (std::size_t index = 0; index < length; ++index) {
        message[index] = static_cast<std::uint8_t>(index * 7 + index / 256 + 1);
    }
    return message;
}

MessageProtection must_make(Role role, ProtectionKeys keys, const ProtectionState& state, const PairOptions& options,
                            Random& random)
{
    Result<MessageProtection> made =
        MessageProtection::restore(role, std::move(keys), state, options.rules, options.dce_style, random);
    if (!made) {
        throw std::runtime_error(made.error().text());
    }
    return std::move(*made);
}

ProtectionPair::ProtectionPair(const PairOptions& options)
    : keys{key_of(options.type, 11), options.acceptor_subkey ? key_of(options.type, 77) : nullptr},
      initiator(must_make(Role::initiator, keys,
                          {.send_sequence = options.initiator_sequence, .receive = {.first = options.acceptor_sequence}},
                          options, random)),
      acceptor(fresh_acceptor(*this, options))
{
}

MessageProtection fresh_acceptor(ProtectionPair& pair, const PairOptions& options)
{
    return must_make(Role::acceptor, pair.keys,
                     {.send_sequence = options.acceptor_sequence, .receive = {.first = options.initiator_sequence}},
                     options, pair.random);
}

} // namespace apex::test
