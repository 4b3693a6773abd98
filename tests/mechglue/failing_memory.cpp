// SPDX-License-Identifier: MIT
#include "failing_memory.h"

#include <cerrno>
#include <cppunit/TestAssert.h>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <new>
#include <string>

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);
extern "C" void* __libc_realloc(void* octets, std::size_t size);

namespace {

thread_local long left = -1;
thread_local long living = 0; // blocks of operator new that were not given back
bool as_expected = true;

bool may_allocate()
{
    if (left == 0) {
        return false;
    }
    if (left > 0) {
        --left;
    }
    return true;
}

/// Whether code of the module or of the mechglue asks.
bool asked_by_us(const void* return_address)
{
    Dl_info info{};
    return dladdr(return_address, &info) != 0 && info.dli_fname != nullptr &&
           (std::strstr(info.dli_fname, "mech_apex.so") != nullptr ||
            std::strstr(info.dli_fname, "libgssapi_krb5.so") != nullptr);
}

bool may_allocate_in_c(const void* return_address)
{
    if (left < 0 || !asked_by_us(return_address) || may_allocate()) {
        return true;
    }
    errno = ENOMEM;
    return false;
}

void* allocate(std::size_t size)
{
    void* octets = may_allocate() ? __libc_malloc(size == 0 ? 1 : size) : nullptr;
    if (octets == nullptr) {
        throw std::bad_alloc();
    }
    ++living;
    return octets;
}

void give_back(void* octets)
{
    living -= octets != nullptr ? 1 : 0;
    std::free(octets);
}

} // namespace

// The module takes its operator new and malloc from the program that loaded it, so these serve it as well.
void* operator new(std::size_t size)
{
    return allocate(size);
}
void* operator new[](std::size_t size)
{
    return allocate(size);
}
void operator delete(void* octets) noexcept
{
    give_back(octets);
}
void operator delete[](void* octets) noexcept
{
    give_back(octets);
}
void operator delete(void* octets, std::size_t) noexcept
{
    give_back(octets);
}
void operator delete[](void* octets, std::size_t) noexcept
{
    give_back(octets);
}

extern "C" void* malloc(std::size_t size)
{
    return may_allocate_in_c(__builtin_return_address(0)) ? __libc_malloc(size) : nullptr;
}

extern "C" void* calloc(std::size_t count, std::size_t size)
{
    return may_allocate_in_c(__builtin_return_address(0)) ? __libc_calloc(count, size) : nullptr;
}

extern "C" void* realloc(void* octets, std::size_t size)
{
    return may_allocate_in_c(__builtin_return_address(0)) ? __libc_realloc(octets, size) : nullptr;
}

namespace apex::test {

void allow(long count) noexcept
{
    left = count;
}

long allow_all() noexcept
{
    const long before = left;
    left = -1;
    return before;
}

void expect(bool condition) noexcept
{
    as_expected = as_expected && condition;
}

namespace {

/// How a run ended, and how many blocks it kept.
struct Outcome final {
    OM_uint32 major = GSS_S_FAILURE;
    long kept = 0;
};

Outcome run_once(const std::function<OM_uint32()>& run, long allowed)
{
    Outcome outcome;
    const long before = living;
    left = allowed;
    try {
        outcome.major = run();
    } catch (...) {
        left = -1;
        throw;
    }
    left = -1;
    outcome.kept = living - before;
    const bool held = as_expected;
    as_expected = true;
    CPPUNIT_ASSERT_MESSAGE("something was given out at a failure", held);
    return outcome;
}

/// What a failure keeps may be a cache that it filled; one that fails the same way again and keeps more leaks.
OM_uint32 run_with(const std::function<OM_uint32()>& run, long allowed)
{
    Outcome outcome = run_once(run, allowed);
    for (int again = 0; again < 2 && GSS_ERROR(outcome.major) != 0 && outcome.kept > 0; ++again) {
        outcome = run_once(run, allowed);
    }
    CPPUNIT_ASSERT_MESSAGE("a failure leaks " + std::to_string(outcome.kept) + " blocks each time, with " +
                               std::to_string(allowed) + " allocations allowed",
                           GSS_ERROR(outcome.major) == 0 || outcome.kept <= 0);
    return outcome.major;
}

} // namespace

long until_it_succeeds(const std::function<OM_uint32()>& run, const std::function<void()>& prepare)
{
    constexpr long most = 20000;
    for (long allowed = 0; allowed < most; ++allowed) {
        if (prepare) {
            prepare();
        }
        if (GSS_ERROR(run_with(run, allowed)) == 0) {
            return allowed;
        }
    }
    CPPUNIT_FAIL("it does not succeed with " + std::to_string(most) + " allocations either");
    return most;
}

void while_it_fails(const std::function<OM_uint32()>& run, long most)
{
    for (long allowed = 0; allowed < most; ++allowed) {
        CPPUNIT_ASSERT(GSS_ERROR(run_with(run, allowed)) != 0);
    }
}

} // namespace apex::test
