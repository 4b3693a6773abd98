// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <span>

// Everything that Apex asks of OpenSSL; openssl.cpp is the only file that includes its headers. All of it happens in
// a library context of our own (INVARIANTS K5). After OPENSSL_cleanup every call fails with Fault::CryptoFailure.

struct evp_mac_ctx_st;

namespace apex {

/// The block length of AES and of Camellia.
inline constexpr std::size_t block_length = 16;
using Block = std::array<std::uint8_t, block_length>;

enum class BlockCipher : std::uint8_t { aes128, aes256, camellia128, camellia256 };
enum class Direction : std::uint8_t { encrypt, decrypt };

struct CipherContext;

/// CbcKey is a key for CBC with the contexts that were set up for it. Safe for concurrent use.
class CbcKey final {
public:
    CbcKey(BlockCipher cipher, ByteView key) : cipher_(cipher), key_(key) {}
    ~CbcKey();
    CbcKey(const CbcKey&) = delete;
    CbcKey& operator=(const CbcKey&) = delete;

private:
    friend class CbcRun;
    static constexpr std::size_t pooled = 2; // contexts kept for each direction
    using Pool = std::array<std::atomic<CipherContext*>, pooled>;

    BlockCipher cipher_;
    Secret key_;
    mutable std::array<Pool, 2> idle_{};
};

/// CbcRun ciphers one run of blocks with a zero initialisation vector. Failures are kept until `finish`.
class CbcRun final {
public:
    CbcRun(const CbcKey& key, Direction direction) noexcept;
    ~CbcRun();
    CbcRun(const CbcRun&) = delete;
    CbcRun& operator=(const CbcRun&) = delete;

    /// Ciphers the next octets in place; their number is a multiple of block_length.
    void update(ByteSpan blocks) noexcept;
    /// Fault::CryptoFailure if any step failed.
    Done finish() const;

private:
    const CbcKey& key_;
    Direction direction_;
    CipherContext* context_ = nullptr;
    bool fresh_ = true;
    bool good_ = false;
};

/// encrypt_blocks encrypts each block of `blocks` by itself and, `rounds` times, the outcome again (the K1 | K2 of
/// RFC 3961 5.1 for several constants at once). Round r of block b is written to block r * count + b of `rounds`.
Done encrypt_blocks(BlockCipher cipher, ByteView key, ByteView blocks, ByteSpan rounds);

enum class MacAlgorithm : std::uint8_t {
    hmac_sha1,
    hmac_sha256,
    hmac_sha384,
    hmac_md5, // in the context of legacy algorithms
    cmac_camellia128,
    cmac_camellia256,
};

/// MacKey is a key of a message authentication code, made ready once. Immutable, safe for concurrent use. If OpenSSL
/// refuses, every run with it fails.
class MacKey final {
public:
    MacKey(MacAlgorithm algorithm, ByteView key) noexcept;
    ~MacKey();
    MacKey(const MacKey&) = delete;
    MacKey& operator=(const MacKey&) = delete;

    /// Room for one hash state of OpenSSL.
    struct State final {
        alignas(16) std::array<std::byte, 224> octets;
    };

private:
    friend class MacRun;
    MacAlgorithm algorithm_;
    bool good_ = false;
    evp_mac_ctx_st* master_ = nullptr; // where there are no plain states
    State inner_;                      // after the first block, key xor ipad (RFC 2104)
    State outer_;                      // after the first block, key xor opad
};

/// MacRun computes one code. Failures are kept until `finish`.
class MacRun final {
public:
    explicit MacRun(const MacKey& key) noexcept;
    ~MacRun();
    MacRun(const MacRun&) = delete;
    MacRun& operator=(const MacRun&) = delete;

    void update(ByteView octets) noexcept;
    /// Writes the code, cut to the size of `mac`. Fault::CryptoFailure if any step failed.
    Done finish(ByteSpan mac);

private:
    const MacKey& key_;
    evp_mac_ctx_st* context_ = nullptr;
    bool good_ = false;
    MacKey::State state_;
};

enum class HashAlgorithm : std::uint8_t {
    sha1,
    sha256,
    md5, // in the context of legacy algorithms
};

/// hash_of hashes the concatenated parts; `digest` has the size of the algorithm.
Done hash_of(HashAlgorithm algorithm, std::span<const ByteView> parts, ByteSpan digest);

/// random_octets fills `octets` from the private generator of our context. Fault::NoRandomness.
Done random_octets(ByteSpan octets);

} // namespace apex
