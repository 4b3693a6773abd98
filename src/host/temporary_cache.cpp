// SPDX-License-Identifier: MIT
#include "host/temporary_cache.h"

#include <utility>

namespace apex {

Result<std::shared_ptr<const TemporaryCache>> TemporaryCache::make(const Krb5Context& context)
{
    Krb5TemporaryCcache cache(context);
    const krb5_error_code code = krb5_cc_new_unique(context.get(), "MEMORY", nullptr, cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "a credential cache in memory");
    }
    auto owner = std::make_shared<const TemporaryCache>(TRY(full_name_of(context, cache.get())));
    // libkrb5 keeps the cache under its name until it is destroyed; only the handle goes.
    static_cast<void>(krb5_cc_close(context.get(), cache.release()));
    return owner;
}

Result<std::shared_ptr<const TemporaryCache>> TemporaryCache::make(const Krb5Context& context, const Principal& owner)
{
    std::shared_ptr<const TemporaryCache> cache = TRY(make(context));
    const Krb5Ccache handle = TRY(open_cache(context, cache->name()));
    const Krb5Principal principal = TRY(to_krb5(context, owner));
    const krb5_error_code code = krb5_cc_initialize(context.get(), handle.get(), principal.get());
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "a credential cache in memory");
    }
    return cache;
}

TemporaryCache::~TemporaryCache()
{
    const Result<Krb5Context> context = Krb5Context::make();
    if (!context) {
        return; // the tickets stay in memory until the process ends
    }
    krb5_ccache cache = nullptr;
    if (krb5_cc_resolve(context->get(), name_.c_str(), &cache) == 0) {
        static_cast<void>(krb5_cc_destroy(context->get(), cache));
    }
}

Result<Krb5Ccache> open_cache(const Krb5Context& context, const std::string& name)
{
    Krb5Ccache cache(context);
    const krb5_error_code code = krb5_cc_resolve(context.get(), name.c_str(), cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, "credential cache " + name);
    }
    return cache;
}

Result<std::string> full_name_of(const Krb5Context& context, krb5_ccache cache)
{
    Krb5String name(context);
    const krb5_error_code code = krb5_cc_get_full_name(context.get(), cache, name.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "a credential cache's name");
    }
    return std::string(name.get());
}

Result<std::optional<Principal>> owner_of(const Krb5Context& context, krb5_ccache cache)
{
    Krb5Principal owner(context);
    const krb5_error_code code = krb5_cc_get_principal(context.get(), cache, owner.out());
    if (code == KRB5_FCC_NOFILE) {
        return std::optional<Principal>();
    }
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential,
                         "credential cache " + TRY(full_name_of(context, cache)));
    }
    return std::optional<Principal>(principal_from(owner.get()));
}

Done copy_tickets(const Krb5Context& context, krb5_ccache from, krb5_ccache to)
{
    const krb5_error_code code = krb5_cc_copy_creds(context.get(), from, to);
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "copying tickets to " + TRY(full_name_of(context, to)));
    }
    return {};
}

} // namespace apex
