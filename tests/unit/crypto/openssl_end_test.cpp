// SPDX-License-Identifier: MIT

// INVARIANTS K5: what happens around OpenSSL's end, its error queue and its default context.
#include "apex/crypto/digest.h"
#include "apex/crypto/key.h"
#include "apex/crypto/rc4.h"
#include "apex/crypto/system_random.h"
#include "crypto/openssl.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <functional>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex::test {

namespace {

/// Holds what an exit handler of the child is to do; the handler itself can take no argument.
std::function<bool()>* at_the_end = nullptr;

} // namespace

class OpensslEndTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(OpensslEndTest);
    CPPUNIT_TEST(after_the_end_every_call_is_refused);
    CPPUNIT_TEST(after_the_end_keys_can_die);
    CPPUNIT_TEST(exit_handlers_may_still_call);
    CPPUNIT_TEST(the_host_finds_its_error_queue_as_it_was);
    CPPUNIT_TEST(the_hosts_default_context_gets_no_legacy_provider);
    CPPUNIT_TEST_SUITE_END();

public:
    void after_the_end_every_call_is_refused()
    {
        check_in_child([] {
            const World world;
            if (!world.works()) {
                return false;
            }
            OPENSSL_cleanup();
            return world.everything_is_refused();
        });
    }

    void after_the_end_keys_can_die()
    {
        check_in_child([] {
            auto* const world = new World;
            const bool worked = world->works();
            OPENSSL_cleanup();
            delete world;
            return worked;
        });
    }

    void exit_handlers_may_still_call()
    {
        // Whichever runs first, the handler or OpenSSL's, each call gives a result or a refusal and nothing crashes.
        check_in_child([] {
            static World* const world = new World;
            at_the_end = new std::function<bool()>([] { return world->works() || world->everything_is_refused(); });
            std::atexit([] { _exit((*at_the_end)() ? 0 : 1); });
            std::exit(2);
            return false;
        });
    }

    void the_host_finds_its_error_queue_as_it_was()
    {
        ERR_clear_error();
        ERR_raise(ERR_LIB_USER, 77);
        const World world;
        CPPUNIT_ASSERT(world.works());
        // Camellia takes no key of 5 octets, and OpenSSL says so in the queue.
        const MacKey key(MacAlgorithm::cmac_camellia128, Bytes(5));
        MacRun run(key);
        Block mac;
        CPPUNIT_ASSERT(run.finish(mac).error().fault == Fault::CryptoFailure);
        CPPUNIT_ASSERT_EQUAL(77, ERR_GET_REASON(ERR_get_error()));
        CPPUNIT_ASSERT_EQUAL(0UL, ERR_get_error());
    }

    void the_hosts_default_context_gets_no_legacy_provider()
    {
        Bytes octets(3);
        const ByteSpan part(octets);
        CPPUNIT_ASSERT(rc4_in_place(Bytes(16), {&part, 1}));
        CPPUNIT_ASSERT_EQUAL(0, OSSL_PROVIDER_available(nullptr, "legacy"));
    }

private:
    /// A key of every type, with its sub-keys and their contexts in use.
    class World final {
    public:
        World()
        {
            for (const EncryptionProfile& profile : all_profiles()) {
                keys_.push_back(Key::generate(profile.type, random_).value());
                sealed_.push_back(keys_.back().seal(KeyUsage::ticket, view_of("text"), random_).value());
            }
        }

        [[nodiscard]] bool works() const
        {
            bool good = sha256({}) && hmac_sha256({}, {});
            for (std::size_t i = 0; i < keys_.size(); ++i) {
                good = good && keys_[i].open(KeyUsage::ticket, sealed_[i]) && keys_[i].prf({}) &&
                       keys_[i].sign(KeyUsage::acceptor_sign, {});
            }
            return good;
        }

        [[nodiscard]] bool everything_is_refused() const
        {
            SystemRandom random;
            Bytes large(1000);
            bool refused = is_failure(sha256({})) && is_failure(hmac_sha256({}, {})) &&
                           random.fill(large).error().fault == Fault::NoRandomness;
            for (std::size_t i = 0; i < keys_.size(); ++i) {
                refused = refused && is_failure(keys_[i].open(KeyUsage::ticket, sealed_[i])) &&
                          is_failure(keys_[i].prf({})) && is_failure(keys_[i].sign(KeyUsage::ticket, {})) &&
                          is_failure(keys_[i].seal(KeyUsage::cammac, {}, random));
            }
            return refused;
        }

    private:
        template <typename T>
        static bool is_failure(const Result<T>& result)
        {
            return !result && result.error().fault == Fault::CryptoFailure &&
                   result.error().detail.find("shut down") != std::string::npos;
        }

        mutable SystemRandom random_;
        std::vector<Key> keys_;
        std::vector<Bytes> sealed_;
    };

    template <typename Check>
    static void check_in_child(Check check)
    {
        const pid_t child = fork();
        if (child == 0) {
            _exit(check() ? 0 : 1);
        }
        int status = -1;
        CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
        CPPUNIT_ASSERT_EQUAL(0, status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OpensslEndTest);

} // namespace apex::test
