// SPDX-License-Identifier: MIT
#include "support.h"

#include "apex/gss/oids.h"

#include <array>
#include <optional>
#include <string_view>

using namespace apex;

namespace {

template <typename Value>
void set(Value* output, Value value)
{
    if (output != nullptr) {
        *output = value;
    }
}

Result<CredentialUsage> usage_from(gss_cred_usage_t usage)
{
    switch (usage) {
    case GSS_C_BOTH:
        return CredentialUsage::both;
    case GSS_C_INITIATE:
        return CredentialUsage::initiate;
    case GSS_C_ACCEPT:
        return CredentialUsage::accept;
    default:
        return refuse(Fault::BadUsage, "usage " + std::to_string(usage) + " is none of RFC 2744's");
    }
}

gss_cred_usage_t usage_to_c(CredentialUsage usage)
{
    return static_cast<gss_cred_usage_t>(usage);
}

std::optional<KerberosName> kerberos_name(const std::shared_ptr<const Name>& name)
{
    return name != nullptr ? std::optional<KerberosName>(name->kerberos()) : std::nullopt;
}

Result<CredentialStore> store_from(gss_const_key_value_set_t given)
{
    std::vector<CredentialStore::Element> elements;
    if (given != GSS_C_NO_CRED_STORE) {
        for (OM_uint32 i = 0; i < given->count; ++i) {
            const gss_key_value_element_desc& element = given->elements[i];
            if (element.key == nullptr || element.value == nullptr) {
                return refuse(Fault::BadCall, "an element of the credential store has no key or no value");
            }
            elements.emplace_back(element.key, element.value);
        }
    }
    return CredentialStore::from(elements);
}

/// Seconds that a credential lasts: indefinitely for keys, 0 when its tickets have ended.
OM_uint32 lifetime_of(const CredentialFacts& facts)
{
    return facts.end_time ? seconds_until(facts.end_time) : GSS_C_INDEFINITE;
}

std::vector<gss_OID> mechanisms()
{
    return {static_krb5_old_oid(), static_krb5_oid()};
}

/// Where the outputs of the acquiring calls go.
struct AcquireOutputs final {
    gss_cred_id_t* credential;
    gss_OID_set* mechanisms;
    OM_uint32* lifetime;

    void clear_all() const
    {
        clear(credential);
        clear(mechanisms);
        clear(lifetime);
    }
};

Result<OM_uint32> give_acquired(std::shared_ptr<Credential> credential, const AcquireOutputs& outputs)
{
    if (outputs.lifetime != nullptr) {
        // Only who wants to know the lifetime settles the choice of cache now.
        *outputs.lifetime =
            credential->usage() == CredentialUsage::accept ? GSS_C_INDEFINITE : lifetime_of(TRY(credential->facts()));
    }
    Made<gss_cred_id_t> made(handle_of(std::move(credential)));
    TRY(give(outputs.mechanisms, mechanisms()));
    made.give(outputs.credential);
    return GSS_S_COMPLETE;
}

Result<OM_uint32> acquire(gss_name_t name, gss_cred_usage_t usage, CredentialStore store, const AcquireOutputs& outputs)
{
    CredentialRequest request;
    request.name = kerberos_name(TRY(optional_name_from(name)));
    request.usage = TRY(usage_from(usage));
    request.store = std::move(store);
    return give_acquired(TRY(Credential::acquire(std::move(request))), outputs);
}

/// The caller's credential, or the default initiator's as MIT has it.
Result<std::shared_ptr<Credential>> credential_or_default(gss_cred_id_t handle)
{
    std::shared_ptr<Credential> given = TRY(optional_credential_from(handle));
    return given != nullptr ? Result<std::shared_ptr<Credential>>(std::move(given))
                            : Credential::default_credential(CredentialUsage::initiate);
}

OM_uint32 major_for(OM_uint32 lifetime)
{
    return lifetime == 0 ? GSS_S_CREDENTIALS_EXPIRED : GSS_S_COMPLETE;
}

} // namespace

EXPORT OM_uint32 gss_acquire_cred(OM_uint32* minor, gss_name_t name, OM_uint32, gss_OID_set, gss_cred_usage_t usage,
                                  gss_cred_id_t* credential, gss_OID_set* actual_mechanisms, OM_uint32* lifetime)
{
    const AcquireOutputs outputs{credential, actual_mechanisms, lifetime};
    outputs.clear_all();
    return guard(minor, [&]() -> Result<OM_uint32> { return acquire(name, usage, CredentialStore{}, outputs); });
}

EXPORT OM_uint32 gss_acquire_cred_from(OM_uint32* minor, gss_name_t name, OM_uint32, gss_OID_set,
                                       gss_cred_usage_t usage, gss_const_key_value_set_t store,
                                       gss_cred_id_t* credential, gss_OID_set* actual_mechanisms, OM_uint32* lifetime)
{
    const AcquireOutputs outputs{credential, actual_mechanisms, lifetime};
    outputs.clear_all();
    return guard(minor, [&]() -> Result<OM_uint32> {
        CredentialStore known = TRY(store_from(store));
        return acquire(name, usage, std::move(known), outputs);
    });
}

EXPORT OM_uint32 gssspi_acquire_cred_with_password(OM_uint32* minor, gss_name_t name, gss_buffer_t password, OM_uint32,
                                                   gss_OID_set, gss_cred_usage_t usage, gss_cred_id_t* credential,
                                                   gss_OID_set* actual_mechanisms, OM_uint32* lifetime)
{
    const AcquireOutputs outputs{credential, actual_mechanisms, lifetime};
    outputs.clear_all();
    return guard(minor, [&]() -> Result<OM_uint32> {
        CredentialStore store;
        store.password = Secret(view_of(password));
        return acquire(name, usage, std::move(store), outputs);
    });
}

EXPORT OM_uint32 gss_acquire_cred_impersonate_name(OM_uint32* minor, gss_cred_id_t impersonator, gss_name_t name,
                                                   OM_uint32, gss_OID_set, gss_cred_usage_t usage,
                                                   gss_cred_id_t* credential, gss_OID_set* actual_mechanisms,
                                                   OM_uint32* lifetime)
{
    const AcquireOutputs outputs{credential, actual_mechanisms, lifetime};
    outputs.clear_all();
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<Credential> self = TRY(credential_from(impersonator));
        const std::shared_ptr<const Name> user = TRY(name_from(name));
        const CredentialUsage wanted = TRY(usage_from(usage));
        if (wanted != CredentialUsage::initiate) {
            return refuse(Fault::BadUsage, "another user's credential is an initiator's only");
        }
        return give_acquired(TRY(self->impersonate(user->kerberos())), outputs);
    });
}

EXPORT OM_uint32 gss_release_cred(OM_uint32* minor, gss_cred_id_t* credential)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(forget(credential));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_inquire_cred(OM_uint32* minor, gss_cred_id_t credential, gss_name_t* name, OM_uint32* lifetime,
                                  gss_cred_usage_t* usage, gss_OID_set* mechanism_set)
{
    clear(name);
    clear(lifetime);
    clear(usage);
    clear(mechanism_set);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<Credential> self = TRY(credential_or_default(credential));
        const CredentialFacts facts = TRY(self->facts());
        Made<gss_name_t> made(name_for(name, facts.name));
        TRY(give(mechanism_set, mechanisms()));
        made.give(name);
        set(lifetime, lifetime_of(facts));
        set(usage, usage_to_c(facts.usage));
        return major_for(lifetime_of(facts));
    });
}

EXPORT OM_uint32 gss_inquire_cred_by_mech(OM_uint32* minor, gss_cred_id_t credential, gss_OID, gss_name_t* name,
                                          OM_uint32* initiator_lifetime, OM_uint32* acceptor_lifetime,
                                          gss_cred_usage_t* usage)
{
    clear(name);
    clear(usage);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<Credential> self = TRY(credential_or_default(credential));
        const CredentialFacts facts = TRY(self->facts());
        Made<gss_name_t>(name_for(name, facts.name)).give(name);
        set(usage, usage_to_c(facts.usage));
        // As MIT: only the lifetimes that the usage has are written, and none for the default credential.
        if (credential != GSS_C_NO_CREDENTIAL && facts.usage != CredentialUsage::accept) {
            set(initiator_lifetime, lifetime_of(facts));
        }
        if (credential != GSS_C_NO_CREDENTIAL && facts.usage != CredentialUsage::initiate) {
            set(acceptor_lifetime, lifetime_of(facts));
        }
        return major_for(lifetime_of(facts));
    });
}

namespace {

/// The arcs below 1.2.840.113554.1.2.2.5 that concern credentials (spec: the gss_krb5 wrappers).
constexpr std::array<std::uint8_t, 11> copy_ccache_oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 5, 2};
constexpr std::array<std::uint8_t, 11> enctypes_oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 5, 4};
constexpr std::array<std::uint8_t, 11> replay_cache_oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 5, 11};
constexpr std::array<std::uint8_t, 11> impersonator_oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 5, 14};
/// 1.2.752.43.13.29: GSS_KRB5_CRED_NO_CI_FLAGS_X.
constexpr std::array<std::uint8_t, 6> no_ci_flags_oid = {0x2a, 0x85, 0x70, 0x2b, 0x0d, 0x1d};

/// What gss_krb5_set_allowable_enctypes passes.
struct EnctypesRequest final {
    OM_uint32 count;
    std::int32_t* types;
};

/// The value is the open krb5_ccache itself.
Done copy_ccache(Credential& self, gss_buffer_t value)
{
    if (value == GSS_C_NO_BUFFER || value->value == nullptr) {
        return refuse(Fault::BadCall, "no credential cache to copy to was given");
    }
    const std::shared_ptr<InitiatorCredential> initiator = TRY(self.initiator());
    return initiator->copy_to(value->value);
}

Done allow_enctypes(Credential& self, gss_buffer_t value)
{
    if (value == GSS_C_NO_BUFFER || value->length != sizeof(EnctypesRequest)) {
        return refuse(Fault::BadCall, "the list of encryption types has another shape than MIT's");
    }
    const auto* request = static_cast<const EnctypesRequest*>(value->value);
    return self.allow_types(request->types != nullptr
                                ? std::vector<std::int32_t>(request->types, request->types + request->count)
                                : std::vector<std::int32_t>());
}

Done refuse_replay_cache(Credential&, gss_buffer_t)
{
    return refuse(Fault::Unavailable, "a krb5_rcache handle cannot be used by Apex: name the replay cache in the "
                                      "credential store ('rcache') or in krb5.conf");
}

Done suppress_ci_flags(Credential& self, gss_buffer_t)
{
    self.suppress_ci_flags();
    return {};
}

struct CredentialOption final {
    ByteView oid;
    Done (*set)(Credential& self, gss_buffer_t value);
};

constexpr std::array credential_options = std::to_array<CredentialOption>({
    {copy_ccache_oid, copy_ccache},
    {enctypes_oid, allow_enctypes},
    {replay_cache_oid, refuse_replay_cache},
    {no_ci_flags_oid, suppress_ci_flags},
});

} // namespace

EXPORT OM_uint32 gssspi_set_cred_option(OM_uint32* minor, gss_cred_id_t* credential, gss_OID object, gss_buffer_t value)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        for (const CredentialOption& option : credential_options) {
            if (same(option.oid, view_of(object))) {
                const std::shared_ptr<Credential> self =
                    TRY(credential_from(credential != nullptr ? *credential : GSS_C_NO_CREDENTIAL));
                TRY(option.set(*self, value));
                return GSS_S_COMPLETE;
            }
        }
        return refuse(Fault::Unavailable, "there is no such credential option");
    });
}

EXPORT OM_uint32 gss_inquire_cred_by_oid(OM_uint32* minor, gss_cred_id_t credential, gss_OID object,
                                         gss_buffer_set_t* data)
{
    clear(data);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<Credential> self = TRY(credential_from(credential));
        if (!same(impersonator_oid, view_of(object))) {
            return refuse(Fault::Unavailable, "there is no such inquiry about credentials");
        }
        const std::optional<Principal> impersonator = TRY(self->impersonator());
        const std::string text = impersonator ? impersonator->text() : std::string();
        TRY(give(data, impersonator ? std::vector<ByteView>{apex::view_of(text)} : std::vector<ByteView>()));
        return GSS_S_COMPLETE;
    });
}

namespace {

Result<OM_uint32> store(gss_cred_id_t credential, gss_cred_usage_t usage, gss_const_key_value_set_t destination,
                        const StoreChoice& choice, gss_OID_set* elements, gss_cred_usage_t* stored_usage)
{
    if (credential == GSS_C_NO_CREDENTIAL) {
        return refuse(Fault::NoCredential, "no credential to store was given");
    }
    const std::shared_ptr<Credential> self = TRY(credential_from(credential));
    const CredentialUsage wanted = TRY(usage_from(usage));
    if (wanted == CredentialUsage::accept || self->usage() == CredentialUsage::accept) {
        return refuse(Fault::StoreRefused, "an acceptor's credential is a keytab, which Apex does not write");
    }
    const CredentialStore place = TRY(store_from(destination));
    const std::shared_ptr<InitiatorCredential> initiator = TRY(self->initiator());
    TRY(initiator->store_into(place.ccache, choice));
    TRY(give(elements, mechanisms()));
    set(stored_usage, gss_cred_usage_t{GSS_C_INITIATE});
    return GSS_S_COMPLETE;
}

} // namespace

EXPORT OM_uint32 gss_store_cred(OM_uint32* minor, gss_cred_id_t credential, gss_cred_usage_t usage, gss_OID,
                                OM_uint32 overwrite, OM_uint32 make_default, gss_OID_set* elements,
                                gss_cred_usage_t* stored_usage)
{
    clear(elements);
    return guard(minor, [&]() -> Result<OM_uint32> {
        return store(credential, usage, GSS_C_NO_CRED_STORE,
                     StoreChoice{.overwrite = overwrite != 0, .make_default = make_default != 0}, elements,
                     stored_usage);
    });
}

EXPORT OM_uint32 gss_store_cred_into(OM_uint32* minor, gss_cred_id_t credential, gss_cred_usage_t usage, gss_OID,
                                     OM_uint32 overwrite, OM_uint32 make_default, gss_const_key_value_set_t destination,
                                     gss_OID_set* elements, gss_cred_usage_t* stored_usage)
{
    clear(elements);
    return guard(minor, [&]() -> Result<OM_uint32> {
        return store(credential, usage, destination,
                     StoreChoice{.overwrite = overwrite != 0, .make_default = make_default != 0}, elements,
                     stored_usage);
    });
}

EXPORT OM_uint32 gss_export_cred(OM_uint32* minor, gss_cred_id_t credential, gss_buffer_t token)
{
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<Credential> self = TRY(credential_from(credential));
        const Secret text = TRY(self->exported());
        TRY(give(token, text.view()));
        return GSS_S_COMPLETE;
    });
}

namespace {

Result<OM_uint32> import_token(gss_buffer_t token, gss_cred_id_t* credential)
{
    give(credential, TRY(Credential::import(view_of(token))));
    return GSS_S_COMPLETE;
}

} // namespace

EXPORT OM_uint32 gss_import_cred(OM_uint32* minor, gss_buffer_t token, gss_cred_id_t* credential)
{
    clear(credential);
    return guard(minor, [&] { return import_token(token, credential); });
}

EXPORT OM_uint32 gssspi_import_cred_by_mech(OM_uint32* minor, gss_OID, gss_buffer_t token, gss_cred_id_t* credential)
{
    clear(credential);
    return guard(minor, [&] { return import_token(token, credential); });
}
