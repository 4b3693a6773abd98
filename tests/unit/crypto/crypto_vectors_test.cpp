// SPDX-License-Identifier: MIT

// Known answers: RFC 3961 A.1, RFC 3962 B, RFC 6803 10, RFC 8009 A, RFC 4757 and MIT's own.
#include "apex/crypto/key.h"
#include "apex/crypto/system_random.h"
#include "crypto/cbc_cts.h"
#include "crypto/key_derivation.h"
#include "crypto/n_fold.h"
#include "scripted_confounder.h"
#include "vector_file.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex::test {

class CryptoVectorsTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CryptoVectorsTest);
    CPPUNIT_TEST(n_fold_agrees);
    CPPUNIT_TEST(ciphertext_stealing_agrees);
    CPPUNIT_TEST(camellia_cmac_agrees);
    CPPUNIT_TEST(derived_keys_agree);
    CPPUNIT_TEST(ciphertexts_open_and_seal_again_to_the_same_octets);
    CPPUNIT_TEST(checksums_agree);
    CPPUNIT_TEST(pseudo_random_functions_agree);
    CPPUNIT_TEST(pseudo_random_functions_agree_as_gss_api_uses_them);
    CPPUNIT_TEST_SUITE_END();

public:
    void n_fold_agrees()
    {
        for (const VectorRecord& vector : read_vectors("crypto_n_fold.txt")) {
            Bytes output(vector.octets("output").size());
            n_fold(vector.octets("input"), output);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("output"), hex(output));
        }
    }

    void ciphertext_stealing_agrees()
    {
        for (const VectorRecord& vector : read_vectors("crypto_cts.txt")) {
            const CbcKey key(BlockCipher::aes128, vector.octets("key"));
            Bytes octets = vector.octets("plaintext");
            CPPUNIT_ASSERT(cts_encrypt(key, octets, {}));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("ciphertext"), hex(octets));
            CPPUNIT_ASSERT(cts_decrypt(key, octets, {}));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("plaintext"), hex(octets));
        }
    }

    void camellia_cmac_agrees()
    {
        for (const VectorRecord& vector : read_vectors("crypto_cmac.txt")) {
            const MacKey key(MacAlgorithm::cmac_camellia128, vector.octets("key"));
            MacRun run(key);
            run.update(vector.octets("input"));
            Block mac;
            CPPUNIT_ASSERT(run.finish(mac));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("output"), hex(mac));
        }
    }

    void derived_keys_agree()
    {
        for (const VectorRecord& vector : read_vectors("crypto_derive.txt")) {
            const Result<Secret> derived = derive(vector);
            CPPUNIT_ASSERT_MESSAGE(vector.text("name"), derived);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("key"), hex(derived->view()));
        }
    }

    void ciphertexts_open_and_seal_again_to_the_same_octets()
    {
        for (const VectorRecord& vector : read_vectors("crypto_encrypt.txt")) {
            const std::string& name = vector.text("name");
            const Key key = key_of(vector);
            const auto usage = static_cast<KeyUsage>(vector.number("usage"));
            const Bytes ciphertext = vector.octets("ciphertext");
            const Result<Secret> plaintext = key.open(usage, ciphertext);
            CPPUNIT_ASSERT_MESSAGE(name, plaintext);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, vector.text("plaintext"), hex(plaintext->view()));

            const Bytes confounder = confounder_in(key, usage, ciphertext);
            if (vector.has("confounder")) {
                CPPUNIT_ASSERT_EQUAL_MESSAGE(name, vector.text("confounder"), hex(confounder));
            }
            ScriptedConfounder random(confounder);
            const Result<Bytes> sealed = key.seal(usage, plaintext->view(), random);
            CPPUNIT_ASSERT_MESSAGE(name, sealed);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, vector.text("ciphertext"), hex(*sealed));
        }
    }

    void checksums_agree()
    {
        for (const VectorRecord& vector : read_vectors("crypto_checksum.txt")) {
            const Key key = key_of(vector);
            const auto usage = static_cast<KeyUsage>(vector.number("usage"));
            const Bytes input = vector.octets("input");
            const Result<Bytes> checksum = key.sign(usage, input);
            CPPUNIT_ASSERT_MESSAGE(vector.text("name"), checksum);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("checksum"), hex(*checksum));
            CPPUNIT_ASSERT_MESSAGE(vector.text("name"), key.verify(usage, input, *checksum));
        }
    }

    void pseudo_random_functions_agree()
    {
        for (const VectorRecord& vector : read_vectors("crypto_prf.txt")) {
            const Key key = key_of(vector);
            const Result<Secret> output = key.prf(vector.octets("input"));
            CPPUNIT_ASSERT_MESSAGE(vector.text("name"), output);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("output"), hex(output->view()));
            CPPUNIT_ASSERT_EQUAL(key.profile().prf_length, output->size());
        }
    }

    void pseudo_random_functions_agree_as_gss_api_uses_them()
    {
        for (const VectorRecord& vector : read_vectors("crypto_gss_prf.txt")) {
            const Key key = key_of(vector);
            const Bytes expected = vector.octets("output");
            Bytes output;
            for (std::uint8_t counter = 0; output.size() < expected.size(); ++counter) {
                Bytes input = {0, 0, 0, counter};
                append(input, vector.octets("input"));
                const Result<Secret> part = key.prf(input);
                CPPUNIT_ASSERT_MESSAGE(vector.text("name"), part);
                append(output, part->view());
            }
            output.resize(expected.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), hex(expected), hex(output));
        }
    }

private:
    static Key key_of(const VectorRecord& vector)
    {
        return Key::from(static_cast<EncryptionType>(vector.number("etype")), Secret(vector.octets("key"))).value();
    }

    static Result<Secret> derive(const VectorRecord& vector)
    {
        const Bytes base = vector.octets("base_key");
        const Bytes constant = vector.octets("constant");
        const std::size_t length = vector.octets("key").size();
        const EncryptionType type{vector.number("etype")};
        switch (type) {
        case EncryptionType::aes128_cts_hmac_sha256_128:
            return derive_hmac_sha2({MacAlgorithm::hmac_sha256, base}, constant, {}, length);
        case EncryptionType::aes256_cts_hmac_sha384_192:
            return derive_hmac_sha2({MacAlgorithm::hmac_sha384, base}, constant, {}, length);
        case EncryptionType::camellia128_cts_cmac:
            return derive_cmac({MacAlgorithm::cmac_camellia128, base}, constant, length);
        case EncryptionType::camellia256_cts_cmac:
            return derive_cmac({MacAlgorithm::cmac_camellia256, base}, constant, length);
        default:
            return derive_aes(*find_profile(type), base, constant);
        }
    }

    /// Reads the confounder out of a cipher octet string.
    static Bytes confounder_in(const Key& key, KeyUsage usage, ByteView ciphertext)
    {
        const EncryptionProfile& profile = key.profile();
        const bool mac_leads = profile.type == EncryptionType::rc4_hmac;
        const ByteView mac = mac_leads ? ciphertext.first(profile.mac_length) : ciphertext.last(profile.mac_length);
        const ByteView rest = mac_leads ? ciphertext.subspan(profile.mac_length)
                                        : ciphertext.first(ciphertext.size() - profile.mac_length);
        Bytes confounder = bytes_of(rest.first(profile.confounder_length));
        Bytes body = bytes_of(rest.subspan(profile.confounder_length));
        const Segment segment{.octets = body};
        const UsageKey keys = key.for_usage(usage).value();
        CPPUNIT_ASSERT(keys.open_in_place(confounder, {&segment, 1}, mac));
        return confounder;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CryptoVectorsTest);

} // namespace apex::test
