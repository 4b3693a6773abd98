// SPDX-License-Identifier: MIT

// The plain hash functions are deprecated since OpenSSL 3.0, but they alone let a keyed state be kept and copied
// without memory being allocated for each message. In FIPS mode they are not used.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/openssl.h"

#include "apex/crypto/rc4.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

namespace apex {

namespace {

// ---------------------------------------------------------------------------------------------------------------------
// Library contexts and algorithms, fetched once per process and never given back.

constexpr std::size_t cipher_count = 4;

struct Algorithms final {
    OSSL_LIB_CTX* context = nullptr;
    bool fips = false;
    std::array<EVP_CIPHER*, cipher_count> cbc{};
    std::array<EVP_CIPHER*, cipher_count> ecb{};
    EVP_MAC* hmac = nullptr;
    EVP_MAC* cmac = nullptr;
    EVP_MD* sha1 = nullptr;
    EVP_MD* sha256 = nullptr;
};

struct LegacyAlgorithms final {
    OSSL_LIB_CTX* context = nullptr;
    EVP_CIPHER* rc4 = nullptr;
    EVP_MAC* hmac = nullptr;
    EVP_MD* md5 = nullptr;
};

/// Set when OPENSSL_cleanup begins: from then on OpenSSL's locks and thread data are gone (INVARIANTS K5).
std::atomic<bool> ended{false};

void note_end()
{
    ended.store(true, std::memory_order_release);
}

/// OpenSSL's error queue belongs to the host: what our failures leave there is taken away again.
class QuietErrors final {
public:
    QuietErrors() noexcept { ERR_set_mark(); }
    ~QuietErrors() { ERR_pop_to_mark(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
};

bool kernel_demands_fips()
{
    std::FILE* file = std::fopen("/proc/sys/crypto/fips_enabled", "re");
    if (file == nullptr) {
        return false;
    }
    const int first = std::fgetc(file);
    std::fclose(file);
    return first == '1';
}

/// Where the distribution's fips module does not know its own checksum, openssl.cnf leads to it.
bool load_fips(OSSL_LIB_CTX* context)
{
    if (OSSL_PROVIDER_load(context, "fips") == nullptr) {
        if (OSSL_LIB_CTX_load_config(context, nullptr) != 1 || OSSL_PROVIDER_load(context, "fips") == nullptr) {
            return false;
        }
    }
    return OSSL_PROVIDER_load(context, "base") != nullptr && EVP_default_properties_enable_fips(context, 1) == 1;
}

/// What the machine or the host wants, whether or not it can be had; for the text of a refusal too.
bool fips_demanded()
{
    static const bool demanded = kernel_demands_fips() || EVP_default_properties_is_fips_enabled(nullptr) == 1;
    return demanded;
}

const Algorithms* open_algorithms()
{
    static Algorithms all;
    if (OPENSSL_init_crypto(0, nullptr) != 1 || OPENSSL_atexit(note_end) != 1) {
        note_end(); // OpenSSL has ended before we began
        return nullptr;
    }
    const QuietErrors quiet; // what is not there (Camellia under FIPS) is refused where it is asked for
    all.fips = fips_demanded();
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    if (context == nullptr || !(all.fips ? load_fips(context) : OSSL_PROVIDER_load(context, "default") != nullptr)) {
        return nullptr;
    }
    constexpr std::array<const char*, cipher_count> cbc = {"AES-128-CBC", "AES-256-CBC", "CAMELLIA-128-CBC",
                                                           "CAMELLIA-256-CBC"};
    constexpr std::array<const char*, cipher_count> ecb = {"AES-128-ECB", "AES-256-ECB", "CAMELLIA-128-ECB",
                                                           "CAMELLIA-256-ECB"};
    for (std::size_t i = 0; i < cipher_count; ++i) {
        all.cbc[i] = EVP_CIPHER_fetch(context, cbc[i], nullptr);
        all.ecb[i] = EVP_CIPHER_fetch(context, ecb[i], nullptr);
    }
    all.hmac = EVP_MAC_fetch(context, "HMAC", nullptr);
    all.cmac = EVP_MAC_fetch(context, "CMAC", nullptr);
    all.sha1 = EVP_MD_fetch(context, "SHA1", nullptr);
    all.sha256 = EVP_MD_fetch(context, "SHA256", nullptr);
    all.context = context;
    return &all;
}

/// Ours, or nullptr if OpenSSL is unusable or has ended.
const Algorithms* algorithms() noexcept
{
    if (ended.load(std::memory_order_acquire)) {
        return nullptr;
    }
    static const Algorithms* const opened = open_algorithms();
    return opened;
}

const LegacyAlgorithms* open_legacy()
{
    static LegacyAlgorithms all;
    const QuietErrors quiet;
    all.context = OSSL_LIB_CTX_new();
    if (all.context != nullptr && OSSL_PROVIDER_load(all.context, "default") != nullptr &&
        OSSL_PROVIDER_load(all.context, "legacy") != nullptr) {
        all.rc4 = EVP_CIPHER_fetch(all.context, "RC4", nullptr);
        all.hmac = EVP_MAC_fetch(all.context, "HMAC", nullptr);
        all.md5 = EVP_MD_fetch(all.context, "MD5", nullptr);
    }
    return &all;
}

/// RC4 and MD5 do not exist for us on FIPS machines, whatever the legacy provider would say.
const LegacyAlgorithms* legacy_algorithms() noexcept
{
    const Algorithms* const main = algorithms();
    if (main == nullptr || main->fips) {
        return nullptr;
    }
    static const LegacyAlgorithms* const opened = open_legacy();
    return opened;
}

/// Why OpenSSL may have failed us, as far as it is not the call's own fault.
std::string_view circumstance()
{
    const Algorithms* const all = algorithms();
    if (ended.load(std::memory_order_acquire)) {
        return ": OpenSSL has been shut down";
    }
    if (all == nullptr) {
        return fips_demanded() ? ": FIPS mode is demanded but the fips provider cannot be loaded"
                               : ": OpenSSL cannot be set up";
    }
    return all->fips ? ", in FIPS mode" : "";
}

Done crypto_failure(std::string what)
{
    return refuse(Fault::CryptoFailure, std::move(what.append(circumstance())));
}

/// EVP takes lengths as int; a multiple of every block length.
constexpr std::size_t longest_update = 1U << 30;

bool cipher_in_place(EVP_CIPHER_CTX* context, ByteSpan octets)
{
    while (!octets.empty()) {
        const ByteSpan piece = octets.first(std::min(octets.size(), longest_update));
        int written = 0;
        if (EVP_CipherUpdate(context, piece.data(), &written, piece.data(), static_cast<int>(piece.size())) != 1 ||
            static_cast<std::size_t>(written) != piece.size()) {
            return false;
        }
        octets = octets.subspan(piece.size());
    }
    return true;
}

} // namespace

// ---------------------------------------------------------------------------------------------------------------------
// CBC

/// A context goes on where its last run stopped: its vector is then the last ciphertext block of that run. Knowing it,
/// a new run cancels it by one exclusive or, which is cheaper than setting a vector (80 ns in OpenSSL 3.0).
struct CipherContext final {
    EVP_CIPHER_CTX* evp;
    Block vector{};

    ~CipherContext() { EVP_CIPHER_CTX_free(evp); }
};

namespace {

CipherContext* make_context(BlockCipher cipher, ByteView key, Direction direction) noexcept
{
    const Algorithms* const all = algorithms();
    const auto index = static_cast<std::size_t>(cipher);
    if (all == nullptr || all->cbc[index] == nullptr ||
        key.size() != static_cast<std::size_t>(EVP_CIPHER_get_key_length(all->cbc[index]))) {
        return nullptr;
    }
    const QuietErrors quiet;
    EVP_CIPHER_CTX* const evp = EVP_CIPHER_CTX_new();
    constexpr Block zero{};
    if (evp == nullptr ||
        EVP_CipherInit_ex2(evp, all->cbc[index], key.data(), zero.data(), direction == Direction::encrypt ? 1 : 0,
                           nullptr) != 1 ||
        EVP_CIPHER_CTX_set_padding(evp, 0) != 1) {
        EVP_CIPHER_CTX_free(evp);
        return nullptr;
    }
    auto* const context = new (std::nothrow) CipherContext{evp};
    if (context == nullptr) {
        EVP_CIPHER_CTX_free(evp);
    }
    return context;
}

void exclusive_or(ByteSpan target, ByteView mask)
{
    for (std::size_t i = 0; i < mask.size(); ++i) {
        target[i] = static_cast<std::uint8_t>(target[i] ^ mask[i]);
    }
}

} // namespace

CbcKey::~CbcKey()
{
    for (Pool& pool : idle_) {
        for (std::atomic<CipherContext*>& slot : pool) {
            delete slot.load(std::memory_order_acquire);
        }
    }
}

CbcRun::CbcRun(const CbcKey& key, Direction direction) noexcept : key_(key), direction_(direction)
{
    if (ended.load(std::memory_order_acquire)) {
        return;
    }
    for (std::atomic<CipherContext*>& slot : key.idle_[static_cast<std::size_t>(direction)]) {
        if (slot.load(std::memory_order_relaxed) != nullptr) {
            context_ = slot.exchange(nullptr, std::memory_order_acq_rel);
        }
        if (context_ != nullptr) {
            break;
        }
    }
    if (context_ == nullptr) {
        context_ = make_context(key.cipher_, key.key_.view(), direction);
    }
    good_ = context_ != nullptr;
}

CbcRun::~CbcRun()
{
    if (good_) {
        for (std::atomic<CipherContext*>& slot : key_.idle_[static_cast<std::size_t>(direction_)]) {
            CipherContext* empty = nullptr;
            if (slot.load(std::memory_order_relaxed) == nullptr &&
                slot.compare_exchange_strong(empty, context_, std::memory_order_acq_rel)) {
                return;
            }
        }
    }
    delete context_;
}

void CbcRun::update(ByteSpan blocks) noexcept
{
    if (!good_ || blocks.empty()) {
        return;
    }
    good_ = blocks.size() % block_length == 0;
    if (!good_) {
        return;
    }
    const ByteSpan first = blocks.first(block_length);
    const ByteSpan last = blocks.last(block_length);
    if (direction_ == Direction::encrypt) {
        if (fresh_) {
            exclusive_or(first, context_->vector);
        }
        good_ = cipher_in_place(context_->evp, blocks);
        std::memcpy(context_->vector.data(), last.data(), block_length);
    } else {
        Block next;
        std::memcpy(next.data(), last.data(), block_length);
        good_ = cipher_in_place(context_->evp, blocks);
        if (fresh_) {
            exclusive_or(first, context_->vector);
        }
        context_->vector = next;
    }
    fresh_ = false;
}

Done CbcRun::finish() const
{
    return good_ ? Done{} : crypto_failure("block cipher");
}

Done encrypt_blocks(BlockCipher cipher, ByteView key, ByteView blocks, ByteSpan rounds)
{
    const Algorithms* const all = algorithms();
    const auto index = static_cast<std::size_t>(cipher);
    if (all == nullptr || all->ecb[index] == nullptr) {
        return crypto_failure("block cipher");
    }
    const QuietErrors quiet;
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    bool good = context != nullptr && !blocks.empty() && rounds.size() % blocks.size() == 0 &&
                key.size() == static_cast<std::size_t>(EVP_CIPHER_get_key_length(all->ecb[index])) &&
                EVP_EncryptInit_ex2(context, all->ecb[index], key.data(), nullptr, nullptr) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1;
    ByteView source = blocks;
    for (std::size_t at = 0; good && at < rounds.size(); at += blocks.size()) {
        const ByteSpan round = rounds.subspan(at, blocks.size());
        std::memcpy(round.data(), source.data(), round.size());
        good = cipher_in_place(context, round);
        source = round;
    }
    EVP_CIPHER_CTX_free(context);
    return good ? Done{} : crypto_failure("block cipher");
}

// ---------------------------------------------------------------------------------------------------------------------
// Message authentication codes

namespace {

/// The plain hash functions of one algorithm, over a MacKey::State.
struct PlainHash final {
    std::size_t block;
    std::size_t digest;
    int (*start)(void* state);
    int (*update)(void* state, const void* octets, std::size_t size);
    int (*finish)(unsigned char* digest, void* state);
};

template <typename Context, int (*Init)(Context*), int (*Update)(Context*, const void*, std::size_t),
          int (*Final)(unsigned char*, Context*)>
constexpr PlainHash plain_hash(std::size_t block, std::size_t digest)
{
    static_assert(sizeof(Context) <= sizeof(MacKey::State) && alignof(Context) <= alignof(MacKey::State));
    return {block, digest, [](void* state) { return Init(::new (state) Context); },
            [](void* state, const void* octets, std::size_t size) {
                return Update(static_cast<Context*>(state), octets, size);
            },
            [](unsigned char* out, void* state) { return Final(out, static_cast<Context*>(state)); }};
}

const PlainHash* plain_hash_of(MacAlgorithm algorithm) noexcept
{
    static constexpr PlainHash sha1 = plain_hash<SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final>(64, 20);
    static constexpr PlainHash sha256 = plain_hash<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final>(64, 32);
    static constexpr PlainHash sha384 = plain_hash<SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final>(128, 48);
    switch (algorithm) {
    case MacAlgorithm::hmac_sha1:
        return &sha1;
    case MacAlgorithm::hmac_sha256:
        return &sha256;
    case MacAlgorithm::hmac_sha384:
        return &sha384;
    case MacAlgorithm::hmac_md5:
    case MacAlgorithm::cmac_camellia128:
    case MacAlgorithm::cmac_camellia256:
        break;
    }
    return nullptr;
}

constexpr std::size_t longest_hash_block = 128;
constexpr std::size_t longest_digest = 64;

/// One of the two halves of RFC 2104: the state after the key has been mixed with `pad`.
bool start_pad(const PlainHash& hash, ByteView key, std::uint8_t pad, MacKey::State& state)
{
    std::array<std::uint8_t, longest_hash_block> block;
    block.fill(pad);
    exclusive_or(block, key);
    const bool good = hash.start(&state) == 1 && hash.update(&state, block.data(), hash.block) == 1;
    wipe(block);
    return good;
}

/// The name of what the code is built of, for EVP_MAC.
const char* part_of(MacAlgorithm algorithm) noexcept
{
    switch (algorithm) {
    case MacAlgorithm::hmac_sha1:
        return "SHA1";
    case MacAlgorithm::hmac_sha256:
        return "SHA256";
    case MacAlgorithm::hmac_sha384:
        return "SHA384";
    case MacAlgorithm::hmac_md5:
        return "MD5";
    case MacAlgorithm::cmac_camellia128:
        return "CAMELLIA-128-CBC";
    case MacAlgorithm::cmac_camellia256:
        return "CAMELLIA-256-CBC";
    }
    return "";
}

EVP_MAC_CTX* make_mac(const Algorithms& all, MacAlgorithm algorithm, ByteView key) noexcept
{
    const bool block_cipher = algorithm >= MacAlgorithm::cmac_camellia128;
    EVP_MAC* mac = block_cipher ? all.cmac : all.hmac;
    if (algorithm == MacAlgorithm::hmac_md5) {
        const LegacyAlgorithms* const legacy = legacy_algorithms();
        mac = legacy == nullptr ? nullptr : legacy->hmac;
    }
    const QuietErrors quiet;
    EVP_MAC_CTX* const context = mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac);
    std::array<char, 24> name{};
    std::strncpy(name.data(), part_of(algorithm), name.size() - 1);
    const std::array<OSSL_PARAM, 2> parameters = {
        OSSL_PARAM_construct_utf8_string(block_cipher ? OSSL_MAC_PARAM_CIPHER : OSSL_MAC_PARAM_DIGEST, name.data(), 0),
        OSSL_PARAM_construct_end()};
    // A null pointer would mean: keep the key there is.
    constexpr std::uint8_t no_key = 0;
    const std::uint8_t* const octets = key.empty() ? &no_key : key.data();
    if (context == nullptr || EVP_MAC_init(context, octets, key.size(), parameters.data()) != 1) {
        EVP_MAC_CTX_free(context);
        return nullptr;
    }
    return context;
}

} // namespace

MacKey::MacKey(MacAlgorithm algorithm, ByteView key) noexcept : algorithm_(algorithm)
{
    const Algorithms* const all = algorithms();
    if (all == nullptr) {
        return;
    }
    const PlainHash* const hash = plain_hash_of(algorithm);
    if (hash != nullptr && key.size() <= hash->block && !all->fips) {
        good_ = start_pad(*hash, key, 0x36, inner_) && start_pad(*hash, key, 0x5c, outer_);
        return;
    }
    master_ = make_mac(*all, algorithm, key);
    good_ = master_ != nullptr;
}

MacKey::~MacKey()
{
    if (master_ != nullptr) {
        EVP_MAC_CTX_free(master_);
        return;
    }
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
}

MacRun::MacRun(const MacKey& key) noexcept : key_(key)
{
    if (!key.good_ || ended.load(std::memory_order_acquire)) {
        return;
    }
    if (key.master_ == nullptr) {
        state_ = key.inner_;
        good_ = true;
        return;
    }
    const QuietErrors quiet;
    context_ = EVP_MAC_CTX_dup(key.master_);
    good_ = context_ != nullptr;
}

MacRun::~MacRun()
{
    if (key_.master_ == nullptr) {
        OPENSSL_cleanse(&state_, sizeof state_);
        return;
    }
    EVP_MAC_CTX_free(context_);
}

void MacRun::update(ByteView octets) noexcept
{
    if (!good_ || octets.empty()) {
        return;
    }
    good_ = (context_ != nullptr ? EVP_MAC_update(context_, octets.data(), octets.size())
                                 : plain_hash_of(key_.algorithm_)->update(&state_, octets.data(), octets.size())) == 1;
}

Done MacRun::finish(ByteSpan mac)
{
    std::array<std::uint8_t, longest_digest> whole{};
    std::size_t size = 0;
    if (good_ && context_ != nullptr) {
        good_ = EVP_MAC_final(context_, whole.data(), &size, whole.size()) == 1;
    } else if (good_) {
        const PlainHash& hash = *plain_hash_of(key_.algorithm_);
        size = hash.digest;
        good_ = hash.finish(whole.data(), &state_) == 1;
        state_ = key_.outer_;
        good_ = good_ && hash.update(&state_, whole.data(), size) == 1 && hash.finish(whole.data(), &state_) == 1;
    }
    if (!good_ || mac.size() > size) {
        return crypto_failure("message authentication code");
    }
    std::memcpy(mac.data(), whole.data(), mac.size());
    wipe(whole);
    return {};
}

// ---------------------------------------------------------------------------------------------------------------------
// Hashes, RC4, random octets

namespace {

/// A hash without a key, by the plain functions: no context is allocated.
bool hash_plainly(const PlainHash& hash, std::span<const ByteView> parts, ByteSpan digest)
{
    MacKey::State state;
    bool good = digest.size() == hash.digest && hash.start(&state) == 1;
    for (const ByteView part : parts) {
        good = good && (part.empty() || hash.update(&state, part.data(), part.size()) == 1);
    }
    good = good && hash.finish(digest.data(), &state) == 1;
    OPENSSL_cleanse(&state, sizeof state);
    return good;
}

} // namespace

Done hash_of(HashAlgorithm algorithm, std::span<const ByteView> parts, ByteSpan digest)
{
    const Algorithms* const all = algorithms();
    if (all != nullptr && !all->fips && algorithm != HashAlgorithm::md5) {
        const MacAlgorithm with_key =
            algorithm == HashAlgorithm::sha1 ? MacAlgorithm::hmac_sha1 : MacAlgorithm::hmac_sha256;
        return hash_plainly(*plain_hash_of(with_key), parts, digest) ? Done{} : crypto_failure("hash function");
    }
    const LegacyAlgorithms* const legacy = algorithm == HashAlgorithm::md5 ? legacy_algorithms() : nullptr;
    if (all == nullptr || (algorithm == HashAlgorithm::md5 && legacy == nullptr)) {
        return crypto_failure("hash function");
    }
    const EVP_MD* const function = algorithm == HashAlgorithm::md5    ? legacy->md5
                                   : algorithm == HashAlgorithm::sha1 ? all->sha1
                                                                      : all->sha256;
    const QuietErrors quiet;
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    bool good = function != nullptr && context != nullptr &&
                digest.size() == static_cast<std::size_t>(EVP_MD_get_size(function)) &&
                EVP_DigestInit_ex2(context, function, nullptr) == 1;
    for (const ByteView part : parts) {
        good = good && (part.empty() || EVP_DigestUpdate(context, part.data(), part.size()) == 1);
    }
    good = good && EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
    EVP_MD_CTX_free(context);
    return good ? Done{} : crypto_failure("hash function");
}

Done rc4_in_place(ByteView key, std::span<const ByteSpan> parts)
{
    const LegacyAlgorithms* const legacy = legacy_algorithms();
    if (legacy == nullptr || legacy->rc4 == nullptr) {
        return crypto_failure("RC4 is not available");
    }
    const QuietErrors quiet;
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    bool good = context != nullptr && key.size() == block_length &&
                EVP_EncryptInit_ex2(context, legacy->rc4, key.data(), nullptr, nullptr) == 1;
    for (const ByteSpan part : parts) {
        good = good && cipher_in_place(context, part);
    }
    EVP_CIPHER_CTX_free(context);
    return good ? Done{} : crypto_failure("RC4");
}

Done random_octets(ByteSpan octets)
{
    const Algorithms* const all = algorithms();
    const QuietErrors quiet;
    if (all == nullptr || RAND_priv_bytes_ex(all->context, octets.data(), octets.size(), 0) != 1) {
        return refuse(Fault::NoRandomness, std::string("OpenSSL's private generator").append(circumstance()));
    }
    return {};
}

} // namespace apex
