// SPDX-License-Identifier: MIT
#include "support.h"

#include "apex/gss/context_inquiries.h"
#include "apex/gss/oids.h"

#include <optional>

using namespace apex;

namespace {

/// Copies the caller's channel bindings; none for GSS_C_NO_CHANNEL_BINDINGS.
std::optional<ChannelBindings> bindings_from(gss_channel_bindings_t given)
{
    if (given == GSS_C_NO_CHANNEL_BINDINGS) {
        return std::nullopt;
    }
    return ChannelBindings{.initiator_address_type = given->initiator_addrtype,
                           .initiator_address = bytes_of(view_of(&given->initiator_address)),
                           .acceptor_address_type = given->acceptor_addrtype,
                           .acceptor_address = bytes_of(view_of(&given->acceptor_address)),
                           .application_data = bytes_of(view_of(&given->application_data))};
}

const ChannelBindings* pointer_to(const std::optional<ChannelBindings>& bindings)
{
    return bindings ? &*bindings : nullptr;
}

OM_uint32 major_for(Progress progress)
{
    return progress == Progress::complete ? GSS_S_COMPLETE : GSS_S_CONTINUE_NEEDED;
}

gss_OID oid_for(ByteView mechanism)
{
    return static_oid_of(mechanism).value_or(static_krb5_oid());
}

template <typename Value>
void set(Value* output, Value value)
{
    if (output != nullptr) {
        *output = value;
    }
}

Result<ContextFacts> facts_of(gss_ctx_id_t handle)
{
    const Context* context = TRY(context_from(handle));
    return context->facts();
}

/// The context that a step works on: the caller's, or a new one. A new one becomes the caller's only when the whole call
/// has succeeded; until then it dies with this object and the caller sees none (INVARIANTS H1). A context that fails later
/// stays until it is deleted (H2).
class StepContext final {
public:
    explicit StepContext(gss_ctx_id_t* handle)
        : fresh_(*handle == GSS_C_NO_CONTEXT ? handle_of(std::make_unique<Context>()) : GSS_C_NO_CONTEXT),
          handle_(handle)
    {
    }

    /// Fault::NoContext if the caller's handle is none of ours.
    [[nodiscard]] Result<Context*> context() const { return context_from(is_fresh() ? fresh_.get() : *handle_); }

    void publish() noexcept
    {
        if (is_fresh()) {
            fresh_.give(handle_);
        }
    }

private:
    [[nodiscard]] bool is_fresh() const noexcept { return fresh_.get() != GSS_C_NO_CONTEXT; }

    Made<gss_ctx_id_t> fresh_;
    gss_ctx_id_t* handle_;
};

/// Takes the error out of a step; its token, a KRB-ERROR, goes to the peer all the same.
Done check_step(Step& step, gss_buffer_t output)
{
    if (!step.error) {
        return {};
    }
    TRY(give(output, step.token));
    return std::move(*step.error);
}

} // namespace

EXPORT OM_uint32 gss_init_sec_context(OM_uint32* minor, gss_cred_id_t credential, gss_ctx_id_t* handle,
                                      gss_name_t target, gss_OID mechanism, OM_uint32 flags, OM_uint32 lifetime,
                                      gss_channel_bindings_t channel_bindings, gss_buffer_t input,
                                      gss_OID* actual_mechanism, gss_buffer_t output, OM_uint32* granted_flags,
                                      OM_uint32* granted_lifetime)
{
    clear(output);
    clear(actual_mechanism);
    clear(granted_flags);
    clear(granted_lifetime);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::optional<ChannelBindings> bindings = bindings_from(channel_bindings);
        InitiateCall call;
        call.credential = TRY(optional_credential_from(credential));
        call.target = TRY(name_from(target));
        call.mechanism = view_of(mechanism);
        call.flags = flags;
        call.lifetime = lifetime;
        call.bindings = pointer_to(bindings);
        call.token = view_of(input);
        StepContext stepping(handle);
        Context* context = TRY(stepping.context());
        Step step = context->initiate(call);
        TRY(check_step(step, output));
        const ContextFacts facts = TRY(context->facts());
        TRY(give(output, step.token));
        stepping.publish();
        set(actual_mechanism, oid_for(facts.mechanism));
        set(granted_flags, facts.flags);
        set(granted_lifetime, seconds_until(facts.end_time));
        return major_for(step.progress);
    });
}

EXPORT OM_uint32 gss_accept_sec_context(OM_uint32* minor, gss_ctx_id_t* handle, gss_cred_id_t credential,
                                        gss_buffer_t input, gss_channel_bindings_t channel_bindings, gss_name_t* source,
                                        gss_OID* mechanism, gss_buffer_t output, OM_uint32* granted_flags,
                                        OM_uint32* granted_lifetime, gss_cred_id_t* delegated)
{
    clear(source);
    clear(mechanism);
    clear(output);
    clear(granted_flags);
    clear(granted_lifetime);
    clear(delegated);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::optional<ChannelBindings> bindings = bindings_from(channel_bindings);
        const std::shared_ptr<Credential> verifier = TRY(optional_credential_from(credential));
        StepContext stepping(handle);
        Context* context = TRY(stepping.context());
        Step step = context->accept(verifier, view_of(input), pointer_to(bindings), delegated != nullptr);
        TRY(check_step(step, output));
        if (step.progress == Progress::continue_needed) {
            TRY(give(output, step.token));
            stepping.publish();
            return GSS_S_CONTINUE_NEEDED;
        }
        const ContextFacts facts = TRY(context->facts());
        Made<gss_name_t> peer(name_for(source, facts.initiator, facts.initiator_attributes));
        Made<gss_cred_id_t> forwarded(handle_of(delegated != nullptr ? context->take_delegated() : nullptr));
        TRY(give(output, step.token));
        stepping.publish();
        peer.give(source);
        forwarded.give(delegated);
        set(mechanism, oid_for(facts.mechanism));
        set(granted_flags, facts.flags);
        set(granted_lifetime, seconds_until(facts.end_time));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_delete_sec_context(OM_uint32* minor, gss_ctx_id_t* handle, gss_buffer_t output)
{
    clear(output);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(forget(handle));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_process_context_token(OM_uint32* minor, gss_ctx_id_t handle, gss_buffer_t token)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        Context* context = TRY(context_from(handle));
        TRY(context->process(view_of(token)));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_context_time(OM_uint32* minor, gss_ctx_id_t handle, OM_uint32* lifetime)
{
    clear(lifetime);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const ContextFacts facts = TRY(facts_of(handle));
        if (!facts.open) {
            return refuse(Fault::ContextIncomplete);
        }
        set(lifetime, seconds_until(facts.end_time));
        return seconds_until(facts.end_time) > 0 ? GSS_S_COMPLETE : GSS_S_CONTEXT_EXPIRED;
    });
}

EXPORT OM_uint32 gss_inquire_context(OM_uint32* minor, gss_ctx_id_t handle, gss_name_t* source, gss_name_t* target,
                                     OM_uint32* lifetime, gss_OID* mechanism, OM_uint32* flags, int* local, int* open)
{
    clear(source);
    clear(target);
    clear(lifetime);
    clear(mechanism);
    clear(flags);
    clear(local);
    clear(open);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const ContextFacts facts = TRY(facts_of(handle));
        const OM_uint32 left = facts.open ? seconds_until(facts.end_time) : 0;
        set(lifetime, left);
        set(mechanism, oid_for(facts.mechanism));
        set(flags, facts.flags);
        set(local, facts.locally_initiated ? 1 : 0);
        set(open, facts.open ? 1 : 0);
        if (facts.open && left == 0) {
            // The mechglue drops names that come with an error, so none are made.
            return GSS_S_CONTEXT_EXPIRED;
        }
        Made<gss_name_t> initiator(name_for(source, facts.initiator, facts.initiator_attributes));
        Made<gss_name_t> acceptor(name_for(target, facts.acceptor));
        initiator.give(source);
        acceptor.give(target);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_inquire_sec_context_by_oid(OM_uint32* minor, const gss_ctx_id_t handle, const gss_OID object,
                                                gss_buffer_set_t* data)
{
    clear(data);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const Context* context = TRY(context_from(handle));
        Answers answers = TRY(inquire_context(*context, view_of(object)));
        std::vector<ByteView> members;
        for (const Secret& answer : answers.members) {
            members.push_back(answer.view());
        }
        TRY(give(data, members));
        static_cast<void>(answers.handed_out.release());
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_set_sec_context_option(OM_uint32* minor, gss_ctx_id_t*, const gss_OID option, const gss_buffer_t)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        return refuse(Fault::Unavailable, "context option " + hex(view_of(option)));
    });
}

EXPORT OM_uint32 gss_export_sec_context(OM_uint32* minor, gss_ctx_id_t* handle, gss_buffer_t token)
{
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const Context* context = TRY(context_from(*handle));
        const Secret exported = TRY(context->exported());
        TRY(give(token, exported.view()));
        TRY(forget(handle));
        return GSS_S_COMPLETE;
    });
}

namespace {

Result<OM_uint32> import_token(gss_buffer_t token, gss_ctx_id_t* handle)
{
    Made<gss_ctx_id_t>(handle_of(TRY(Context::imported(view_of(token))))).give(handle);
    return GSS_S_COMPLETE;
}

} // namespace

EXPORT OM_uint32 gss_import_sec_context(OM_uint32* minor, gss_buffer_t token, gss_ctx_id_t* handle)
{
    *handle = GSS_C_NO_CONTEXT;
    return guard(minor, [&] { return import_token(token, handle); });
}

EXPORT OM_uint32 gssspi_import_sec_context_by_mech(OM_uint32* minor, gss_OID, gss_buffer_t token, gss_ctx_id_t* handle)
{
    *handle = GSS_C_NO_CONTEXT;
    return guard(minor, [&] { return import_token(token, handle); });
}

EXPORT OM_uint32 gss_pseudo_random(OM_uint32* minor, gss_ctx_id_t handle, int which, const gss_buffer_t input,
                                   ssize_t length, gss_buffer_t output)
{
    clear(output);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const Context* context = TRY(context_from(handle));
        const Secret octets = TRY(pseudo_random(*context, which, view_of(input), length));
        TRY(give(output, octets.view()));
        return GSS_S_COMPLETE;
    });
}
