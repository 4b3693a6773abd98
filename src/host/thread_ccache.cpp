// SPDX-License-Identifier: MIT
#include "apex/host/initiator_credential.h"

#include "apex/host/krb5_handle.h"

#include <memory>
#include <new>
#include <pthread.h>
#include <utility>

namespace apex {
namespace {

struct ThreadNames final {
    std::optional<std::string> current;
    std::optional<std::string> lent; // what exchange_thread_ccache_name gave out last
};

extern "C" void apex_forget_thread_names(void* names)
{
    delete static_cast<ThreadNames*>(names);
}

/// A key of pthreads, not thread_local: the names die with their thread, and nothing dies at the process's end, when
/// others may still call.
const pthread_key_t* names_key()
{
    static pthread_key_t key;
    static const bool made = pthread_key_create(&key, apex_forget_thread_names) == 0;
    return made ? &key : nullptr;
}

ThreadNames* names_of_thread()
{
    const pthread_key_t* key = names_key();
    return key != nullptr ? static_cast<ThreadNames*>(pthread_getspecific(*key)) : nullptr;
}

ThreadNames& make_names()
{
    ThreadNames* names = names_of_thread();
    if (names != nullptr) {
        return *names;
    }
    auto fresh = std::make_unique<ThreadNames>();
    const pthread_key_t* key = names_key();
    if (key == nullptr || pthread_setspecific(*key, fresh.get()) != 0) {
        throw std::bad_alloc();
    }
    return *fresh.release();
}

std::optional<std::string> default_name()
{
    const Result<Krb5Context> context = Krb5Context::make();
    const char* name = context ? krb5_cc_default_name(context->get()) : nullptr;
    return name != nullptr ? std::optional<std::string>(name) : std::nullopt;
}

} // namespace

const char* exchange_thread_ccache_name(std::optional<std::string> name)
{
    ThreadNames& names = make_names();
    names.lent = names.current ? std::move(names.current) : default_name();
    names.current = std::move(name);
    return names.lent ? names.lent->c_str() : nullptr;
}

const char* thread_ccache_name() noexcept
{
    const ThreadNames* names = names_of_thread();
    return names != nullptr && names->current ? names->current->c_str() : nullptr;
}

} // namespace apex
