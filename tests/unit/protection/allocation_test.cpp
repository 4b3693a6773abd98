// SPDX-License-Identifier: MIT

// COST.md, ARCHITECTURE 8: a message costs one allocation, the caller's buffer. So the engine makes none.
#include "apex/protection/message_protection.h"

#include "token_changes.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstddef>

// The sanitizers have an allocator of their own, and other C libraries no such names.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define APEX_COUNTS_ALLOCATIONS 1

namespace {
thread_local std::size_t allocations = 0;
}

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* octets, std::size_t size);

// Every allocation of the test program comes by here, those of operator new and of OpenSSL too.
void* malloc(std::size_t size)
{
    ++allocations;
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size)
{
    ++allocations;
    return __libc_calloc(count, size);
}

void* realloc(void* octets, std::size_t size)
{
    ++allocations;
    return __libc_realloc(octets, size);
}
}
#endif

namespace apex::test {

#ifdef APEX_COUNTS_ALLOCATIONS

namespace {

// OpenSSL's CMAC, of which Camellia is the only user, allocates each time.
constexpr std::span<const EncryptionType> aes_types(message_types, 4);

} // namespace

class AllocationTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AllocationTest);
    CPPUNIT_TEST(the_count_notices_an_allocation);
    CPPUNIT_TEST(wrapping_and_unwrapping_allocate_nothing);
    CPPUNIT_TEST(signing_and_verifying_allocate_nothing);
    CPPUNIT_TEST_SUITE_END();

public:
    void the_count_notices_an_allocation()
    {
        const std::size_t before = allocations;
        const auto kept = std::make_unique<Bytes>(100);
        const std::size_t counted = allocations - before;
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, counted);
    }

    void wrapping_and_unwrapping_allocate_nothing()
    {
        for (const EncryptionType type : aes_types) {
            ProtectionPair pair({.type = type});
            const Bytes message = pattern(1024);
            for (const Confidentiality kind : both_kinds) {
                Bytes token(*pair.initiator.wrapped_size(message.size(), kind));
                Bytes room(token.size());
                std::size_t counted = 0;
                // The first round derives keys and fills the pool of cipher contexts.
                for (int round = 0; round < 3; ++round) {
                    const std::size_t before = allocations;
                    const bool wrapped = pair.initiator.wrap_into(message, kind, token).has_value();
                    const bool opened = pair.acceptor.unwrap_into(token, room).has_value();
                    counted = allocations - before;
                    CPPUNIT_ASSERT(wrapped && opened);
                }
                CPPUNIT_ASSERT_EQUAL_MESSAGE(name_of(type), std::size_t{0}, counted);
            }
        }
    }

    void signing_and_verifying_allocate_nothing()
    {
        for (const EncryptionType type : aes_types) {
            ProtectionPair pair({.type = type});
            const Bytes message = pattern(1024);
            const ByteView part = message;
            Bytes token(pair.initiator.mic_size());
            std::size_t counted = 0;
            for (int round = 0; round < 3; ++round) {
                const std::size_t before = allocations;
                const bool made = pair.initiator.sign_into({&part, 1}, token).has_value();
                const bool verified = pair.acceptor.verify(message, token).has_value();
                counted = allocations - before;
                CPPUNIT_ASSERT(made && verified);
            }
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name_of(type), std::size_t{0}, counted);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AllocationTest);

#endif

} // namespace apex::test
