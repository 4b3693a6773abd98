// SPDX-License-Identifier: MIT
#include "apex/host/credential_store.h"

#include "apex/host/initiator_credential.h"
#include "host/initiator_state.h"
#include "host/temporary_cache.h"

#include <set>
#include <utility>

namespace apex {
namespace {

/// The place of a key's value, or null for keys that Apex does not know.
std::optional<std::string>* place_of(CredentialStore& store, std::string_view key)
{
    if (key == "ccache") {
        return &store.ccache;
    }
    if (key == "client_keytab") {
        return &store.client_keytab;
    }
    if (key == "keytab") {
        return &store.keytab;
    }
    if (key == "rcache") {
        return &store.rcache;
    }
    return key == "verify" ? &store.verify : nullptr;
}

Error twice(std::string_view key)
{
    return refuse(Fault::DuplicateElement, "the credential store names '" + std::string(key) + "' twice");
}

} // namespace

Result<CredentialStore> CredentialStore::from(std::span<const Element> elements)
{
    CredentialStore store;
    for (const auto& [key, value] : elements) {
        std::optional<std::string>* place = place_of(store, key);
        if (place != nullptr) {
            if (place->has_value()) {
                return twice(key);
            }
            *place = std::string(value);
        }
        if (key == "password") {
            if (store.password) {
                return twice(key);
            }
            store.password = Secret(view_of(value));
        }
    }
    return store;
}

namespace {

/// The cache that will hold the tickets, and what is in the way.
struct Destination final {
    Krb5Ccache cache;
    bool occupied = false;
    bool in_collection = false;
};

/// In a collection: the client's own cache, or a new one.
Result<Destination> destination_in_collection(const Krb5Context& context, const Principal& client,
                                              const std::string& type)
{
    Destination destination{Krb5Ccache(context), false, true};
    const Krb5Principal principal = TRY(to_krb5(context, client));
    krb5_error_code code = krb5_cc_cache_match(context.get(), principal.get(), destination.cache.out());
    destination.occupied = code == 0;
    if (code == KRB5_CC_NOTFOUND) {
        code = krb5_cc_new_unique(context.get(), type.c_str(), nullptr, destination.cache.out());
    }
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "a credential cache for " + client.text());
    }
    return destination;
}

Result<Destination> destination_of(const Krb5Context& context, const Principal& client,
                                   const std::optional<std::string>& ccache)
{
    if (ccache) {
        const krb5_error_code code = krb5_cc_set_default_name(context.get(), ccache->c_str());
        if (code != 0) {
            return from_krb5(context, code, Fault::Library, "credential cache " + *ccache);
        }
    } else {
        TRY(use_thread_cache(context));
    }
    Destination destination{Krb5Ccache(context), false, false};
    const krb5_error_code code = krb5_cc_default(context.get(), destination.cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "credential cache " + ccache.value_or("by default"));
    }
    const std::string type = krb5_cc_get_type(context.get(), destination.cache.get());
    if (krb5_cc_support_switch(context.get(), type.c_str()) != 0) {
        return destination_in_collection(context, client, type);
    }
    Krb5Principal owner(context);
    destination.occupied = krb5_cc_get_principal(context.get(), destination.cache.get(), owner.out()) == 0;
    return destination;
}

/// Replaces the destination as a whole: nobody ever sees half of it.
Done move_tickets(const Krb5Context& context, const InitiatorState& state, Destination& destination,
                  const StoreChoice& choice)
{
    const std::string what = "storing credentials in " + TRY(full_name_of(context, destination.cache.get()));
    const Krb5Ccache source = TRY(open_cache(context, state.cache_name));
    const Krb5Principal client = TRY(to_krb5(context, *state.client));
    Krb5TemporaryCcache copy(context);
    krb5_error_code code = krb5_cc_new_unique(context.get(), "MEMORY", nullptr, copy.out());
    if (code == 0) {
        code = krb5_cc_initialize(context.get(), copy.get(), client.get());
    }
    if (code == 0) {
        code = krb5_cc_copy_creds(context.get(), source.get(), copy.get());
    }
    if (code == 0) {
        code = krb5_cc_move(context.get(), copy.get(), destination.cache.get());
        if (code == 0) {
            static_cast<void>(copy.release()); // it was destroyed by moving
        }
    }
    if (code == 0 && destination.in_collection && choice.make_default) {
        code = krb5_cc_switch(context.get(), destination.cache.get());
    }
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, what);
    }
    return {};
}

} // namespace

Done InitiatorCredential::store_into(const std::optional<std::string>& ccache, const StoreChoice& choice)
{
    TRY(resolve(nullptr));
    const std::shared_ptr<const InitiatorState> state = state_.load();
    const Krb5Context context = TRY(Krb5Context::make());
    if (state->end_time && *state->end_time <= time_of_kdc(context)) {
        return refuse(Fault::CredentialExpired,
                      "those of " + state->client->text() + " ended " + iso_text(*state->end_time));
    }
    Destination destination = TRY(destination_of(context, *state->client, ccache));
    if (destination.occupied && !choice.overwrite) {
        return refuse(Fault::DuplicateElement, "credential cache " +
                                                   TRY(full_name_of(context, destination.cache.get())) +
                                                   " holds credentials already, and overwriting was not asked for");
    }
    return move_tickets(context, *state, destination, choice);
}

Done InitiatorCredential::copy_to(void* krb5_ccache_handle)
{
    TRY(resolve(nullptr));
    const Krb5Context context = TRY(Krb5Context::make());
    const Krb5Ccache source = TRY(open_cache(context, cache_name()));
    return copy_tickets(context, source.get(), static_cast<krb5_ccache>(krb5_ccache_handle));
}

} // namespace apex
