// SPDX-License-Identifier: MIT
#include "apex/gss/credential.h"

#include "apex/base/trace_events.h"
#include "apex/crypto/encryption_type.h"
#include "apex/gss/mechanism.h"
#include "apex/host/credential_codec.h"
#include "apex/host/delegated_credential.h"
#include "apex/host/settings.h"

#include <utility>

namespace apex {

struct Credential::State final {
    std::shared_ptr<InitiatorCredential> initiator; // null: an acceptor's credential
    std::vector<EncryptionType> types;
    bool suppresses_ci_flags = false;
};

namespace {

constexpr std::int32_t prog_etype_nosupp = krb5_base + 150; // KRB5_PROG_ETYPE_NOSUPP

/// A password goes with a name and with nothing else that gives tickets (MIT: gss_acquire_cred_from).
Done check_store(const CredentialRequest& request)
{
    const CredentialStore& store = request.store;
    if (store.verify && !store.password) {
        return refuse(Fault::BadUsage, "the credential store's 'verify' needs 'password'");
    }
    if (!store.password) {
        return {};
    }
    if (!request.name) {
        return refuse(Fault::BadName, "a password needs the name that it belongs to");
    }
    if (request.usage == CredentialUsage::accept || store.ccache || store.client_keytab) {
        return refuse(Fault::BadUsage, "a password gives an initiator's credential of its own: it goes neither with "
                                       "usage accept nor with 'ccache' or 'client_keytab'");
    }
    return {};
}

Result<std::shared_ptr<const KeytabKeys>> keys_for(const CredentialRequest& request)
{
    if (request.usage == CredentialUsage::initiate) {
        return std::shared_ptr<const KeytabKeys>();
    }
    if (request.store.rcache) {
        const std::shared_ptr<const Settings> settings = TRY(current_settings());
        TRY(Mechanism::instance().replay_cache(*request.store.rcache, *settings));
    }
    return keytab_keys(request.store.keytab.value_or(""), request.name);
}

Result<std::shared_ptr<InitiatorCredential>> initiator_for_request(CredentialRequest& request)
{
    if (request.usage == CredentialUsage::accept) {
        return std::shared_ptr<InitiatorCredential>();
    }
    return InitiatorCredential::acquire(InitiatorRequest{
        .name = request.name,
        .ccache = std::move(request.store.ccache),
        .client_keytab = std::move(request.store.client_keytab),
        .password = std::move(request.store.password),
        .verify = std::move(request.store.verify),
        .verify_keytab = std::move(request.store.keytab),
    });
}

TraceRole role_for(CredentialUsage usage)
{
    switch (usage) {
    case CredentialUsage::initiate:
        return TraceRole::initiator;
    case CredentialUsage::accept:
        return TraceRole::acceptor;
    case CredentialUsage::both:
        break;
    }
    return TraceRole::neither;
}

/// A program may keep to itself that it got no credential, and under SPNEGO it never learns the reason.
void tell_refusal(CredentialUsage usage, const Error& error)
{
    tell(trace_if_enabled(), [&] {
        return Refused{
            .role = role_for(usage), .step = 0, .fault = error.fault, .text = error.text(), .minor = error.minor()};
    });
}

/// An initiator's choice is told where it is made.
void tell_keys(const KeytabKeys* keys)
{
    if (keys != nullptr) {
        tell(trace_if_enabled(), [&] {
            const std::optional<KerberosName> name = keys->acceptor();
            return CredentialChosen{
                .role = TraceRole::acceptor, .name = name ? name->principal.text() : "", .source = keys->keytab_name()};
        });
    }
}

} // namespace

Credential::Credential(CredentialUsage usage, std::shared_ptr<const KeytabKeys> keys, std::string replay_cache_name,
                       std::shared_ptr<InitiatorCredential> initiator)
    : usage_(usage), keys_(std::move(keys)), replay_cache_name_(std::move(replay_cache_name)),
      state_(std::make_shared<const State>(State{.initiator = std::move(initiator), .types = {}}))
{
}

std::shared_ptr<Credential> Credential::make(CredentialUsage usage, std::shared_ptr<const KeytabKeys> keys,
                                             std::string replay_cache_name,
                                             std::shared_ptr<InitiatorCredential> initiator)
{
    return std::shared_ptr<Credential>(
        new Credential(usage, std::move(keys), std::move(replay_cache_name), std::move(initiator)));
}

template <typename Change>
void Credential::change(const Change& change)
{
    for (;;) {
        const std::shared_ptr<const State> now = state_.load();
        auto next = std::make_shared<State>(*now);
        change(*next);
        if (state_.replace(now, std::move(next))) {
            return;
        }
    }
}

Result<std::shared_ptr<Credential>> Credential::find(CredentialRequest request)
{
    TRY(check_store(request));
    std::shared_ptr<const KeytabKeys> keys = TRY(keys_for(request));
    std::shared_ptr<InitiatorCredential> initiator = TRY(initiator_for_request(request));
    tell_keys(keys.get());
    return make(request.usage, std::move(keys), request.store.rcache.value_or(""), std::move(initiator));
}

Result<std::shared_ptr<Credential>> Credential::acquire(CredentialRequest request)
{
    const CredentialUsage usage = request.usage;
    Result<std::shared_ptr<Credential>> found = find(std::move(request));
    if (!found) {
        tell_refusal(usage, found.error());
    }
    return found;
}

Result<std::shared_ptr<Credential>> Credential::default_credential(CredentialUsage usage)
{
    std::shared_ptr<const KeytabKeys> keys;
    std::shared_ptr<InitiatorCredential> initiator;
    if (usage != CredentialUsage::initiate) {
        keys = TRY(default_keytab_keys());
    }
    if (usage != CredentialUsage::accept) {
        initiator = InitiatorCredential::unsettled();
    }
    return make(usage, std::move(keys), {}, std::move(initiator));
}

Result<std::shared_ptr<Credential>> Credential::delegated(const DelegatedCredential& forwarded)
{
    if (forwarded.contents.infos.empty() || forwarded.tickets.empty()) {
        return refuse(Fault::BadDelegation, "no ticket was forwarded");
    }
    // RFC 4121 4.1.1.1 speaks of one credential: the first, as in MIT.
    return make(CredentialUsage::initiate, nullptr, {},
                TRY(delegated_credential(forwarded.contents.infos.front(), forwarded.tickets.front())));
}

Result<std::shared_ptr<Credential>> Credential::proxy_for(const Session& session)
{
    if (usage_ != CredentialUsage::both) {
        return refuse(Fault::BadUsage, "only a credential of usage both can stand in for its clients");
    }
    // The KDC wants the evidence under the name that the keytab gives this service, whatever the client called it.
    Ticket ticket = TRY(Ticket::decode(session.ticket));
    ticket.server = session.acceptor;
    ticket.original.clear();
    const std::shared_ptr<InitiatorCredential> own = TRY(initiator());
    return make(CredentialUsage::initiate, nullptr, {},
                TRY(own->proxy_for(ServiceTicket{
                    .ticket = ticket.encode(),
                    .client = session.initiator,
                    .server = session.acceptor,
                    .session_key = session.keys.ticket_session,
                    .flags = session.ticket_flags,
                    .auth_time = session.auth_time,
                    .start_time = session.start_time,
                    .end_time = session.end_time,
                    .renew_till = session.renew_till,
                    .authorization_data = {},
                })));
}

Result<std::shared_ptr<Credential>> Credential::impersonate(const KerberosName& user)
{
    const std::shared_ptr<InitiatorCredential> own = state_.load()->initiator;
    if (own == nullptr) {
        return refuse(Fault::NoCredential, "an acceptor's credential cannot ask the KDC for a user's ticket");
    }
    return make(CredentialUsage::initiate, nullptr, {}, TRY(own->impersonate(user)));
}

Result<Secret> Credential::exported() const
{
    const std::shared_ptr<const State> state = state_.load();
    const auto named = [](const std::string& name) {
        return name.empty() ? std::nullopt : std::optional<std::string>(name);
    };
    return CredentialCodec::encode(CredentialParts{
        .usage = static_cast<std::uint8_t>(usage_),
        .acceptor = acceptor_name(),
        .keytab = keys_ != nullptr ? named(keys_->keytab_name()) : std::nullopt,
        .rcache = named(replay_cache_name_),
        .types = state->types,
        .initiator = state->initiator,
    });
}

Result<std::shared_ptr<Credential>> Credential::import(ByteView token)
{
    CredentialParts parts = TRY(CredentialCodec::decode(token));
    const auto usage = static_cast<CredentialUsage>(parts.usage);
    std::shared_ptr<const KeytabKeys> keys;
    if (usage != CredentialUsage::initiate) {
        keys = parts.keytab ? imported_keytab_keys(*parts.keytab, parts.acceptor) : TRY(default_keytab_keys());
    }
    std::shared_ptr<Credential> credential =
        make(usage, std::move(keys), parts.rcache.value_or(""), std::move(parts.initiator));
    credential->change([&](State& state) { state.types = parts.types; });
    return credential;
}

Result<std::shared_ptr<TicketSource>> Credential::initiator_for(const KerberosName& target)
{
    std::shared_ptr<InitiatorCredential> own = state_.load()->initiator;
    if (own == nullptr) {
        return refuse(Fault::NoCredential, "the credential is an acceptor's and holds no tickets");
    }
    TRY(own->resolve(&target));
    return std::shared_ptr<TicketSource>(std::move(own));
}

Result<std::shared_ptr<const KeySource>> Credential::acceptor_keys() const
{
    if (keys_ == nullptr) {
        return refuse(Fault::NoCredential, "the credential is an initiator's and holds no keys to accept with");
    }
    return std::shared_ptr<const KeySource>(keys_);
}

std::optional<KerberosName> Credential::acceptor_name() const
{
    return keys_ != nullptr ? keys_->acceptor() : std::nullopt;
}

std::vector<EncryptionType> Credential::allowable_types() const
{
    return state_.load()->types;
}

Done Credential::allow_types(const std::vector<std::int32_t>& types)
{
    std::vector<EncryptionType> known;
    for (const std::int32_t number : types) {
        const auto type = static_cast<EncryptionType>(number);
        if (find_profile(type) != nullptr) {
            known.push_back(type);
        }
    }
    if (known.empty() && !types.empty()) {
        Error error = refuse(Fault::EncryptionTypeRefused, "none of the " + std::to_string(types.size()) +
                                                               " given encryption types is supported");
        error.minor_override = prog_etype_nosupp;
        return error;
    }
    change([&](State& state) {
        state.types = known;
        if (state.initiator != nullptr) {
            state.initiator = state.initiator->restricted_to(known);
        }
    });
    return {};
}

bool Credential::suppresses_ci_flags() const
{
    return state_.load()->suppresses_ci_flags;
}

void Credential::suppress_ci_flags()
{
    change([](State& state) { state.suppresses_ci_flags = true; });
}

Result<CredentialFacts> Credential::facts()
{
    CredentialFacts facts{.name = std::nullopt, .end_time = std::nullopt, .usage = usage_};
    const std::shared_ptr<InitiatorCredential> own = state_.load()->initiator;
    if (own != nullptr) {
        Done resolved = own->resolve(nullptr);
        if (!resolved) {
            tell_refusal(usage_, resolved.error());
            return std::move(resolved).error();
        }
        facts.name = own->client();
        facts.end_time = own->end_time();
        return facts;
    }
    const std::optional<KerberosName> acceptor = acceptor_name();
    facts.name = acceptor ? acceptor->principal : keys_->first_principal();
    return facts;
}

Result<std::optional<Principal>> Credential::impersonator()
{
    const std::shared_ptr<InitiatorCredential> own = state_.load()->initiator;
    if (own == nullptr) {
        return std::optional<Principal>();
    }
    TRY(own->resolve(nullptr));
    return own->impersonator();
}

Result<std::shared_ptr<InitiatorCredential>> Credential::initiator() const
{
    std::shared_ptr<InitiatorCredential> own = state_.load()->initiator;
    if (own == nullptr) {
        return refuse(Fault::BadUsage, "the credential is an acceptor's and holds no tickets");
    }
    return own;
}

} // namespace apex
