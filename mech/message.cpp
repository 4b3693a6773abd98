// SPDX-License-Identifier: MIT
#include "support.h"

#include <algorithm>
#include <cstdlib>

using namespace apex;

namespace {

/// Octets of malloc, which the caller of GSS frees (RFC 2744 3.2). Freed here unless they are given away.
class OutputOctets final {
public:
    static Result<OutputOctets> make(std::size_t size)
    {
        OutputOctets made;
        made.octets_.reset(static_cast<std::uint8_t*>(std::malloc(std::max<std::size_t>(size, 1))));
        if (!made.octets_) {
            return refuse(Fault::NoMemory, std::to_string(size) + " octets for an output buffer");
        }
        made.size_ = size;
        return made;
    }

    [[nodiscard]] ByteSpan span() noexcept { return {octets_.get(), size_}; }

    /// Hands the first `length` octets over; none at all leave the buffer empty.
    void give(gss_buffer_t buffer, std::size_t length) noexcept
    {
        if (length == 0) {
            clear(buffer);
            return;
        }
        buffer->length = length;
        buffer->value = octets_.release();
    }

private:
    struct Free final {
        void operator()(std::uint8_t* octets) const noexcept { std::free(octets); }
    };
    std::unique_ptr<std::uint8_t, Free> octets_;
    std::size_t size_ = 0;
};

Result<std::shared_ptr<MessageProtection>> protection_of(gss_ctx_id_t handle)
{
    const Context* context = TRY(context_from(handle));
    return context->protection();
}

/// Refuses a missing output of a call that has nothing else to give.
Done needs(const void* output)
{
    if (output == nullptr) {
        return refuse(Fault::BadCall, "nowhere to write to");
    }
    return {};
}

Confidentiality confidentiality_from(int requested) noexcept
{
    return requested != 0 ? Confidentiality::sealed : Confidentiality::signed_only;
}

void set(int* state, Confidentiality confidentiality) noexcept
{
    if (state != nullptr) {
        *state = confidentiality == Confidentiality::sealed ? 1 : 0;
    }
}

/// RFC 2744 3.9.1: what is said about the order of a message comes with the message.
OM_uint32 major_for(Ordering ordering) noexcept
{
    switch (ordering) {
    case Ordering::Duplicate:
        return GSS_S_DUPLICATE_TOKEN;
    case Ordering::Old:
        return GSS_S_OLD_TOKEN;
    case Ordering::Unsequenced:
        return GSS_S_UNSEQ_TOKEN;
    case Ordering::Gap:
        return GSS_S_GAP_TOKEN;
    case Ordering::InOrder:
        break;
    }
    return GSS_S_COMPLETE;
}

Result<IovBuffer::Kind> kind_from(OM_uint32 type)
{
    using Kind = IovBuffer::Kind;
    switch (GSS_IOV_BUFFER_TYPE(type)) {
    case GSS_IOV_BUFFER_TYPE_EMPTY:
        return Kind::empty;
    case GSS_IOV_BUFFER_TYPE_DATA:
        return Kind::data;
    case GSS_IOV_BUFFER_TYPE_HEADER:
        return Kind::header;
    case GSS_IOV_BUFFER_TYPE_TRAILER:
        return Kind::trailer;
    case GSS_IOV_BUFFER_TYPE_PADDING:
        return Kind::padding;
    case GSS_IOV_BUFFER_TYPE_STREAM:
        return Kind::stream;
    case GSS_IOV_BUFFER_TYPE_SIGN_ONLY:
        return Kind::sign_only;
    case GSS_IOV_BUFFER_TYPE_MIC_TOKEN:
        return Kind::mic_token;
    default:
        return refuse(Fault::BadBuffers, "buffer type " + std::to_string(type));
    }
}

/// The caller's list of buffers, in the words of the engine.
class IovList final {
public:
    static Result<IovList> from(gss_iov_buffer_desc* iov, int count)
    {
        if (count < 0 || (iov == nullptr && count != 0)) {
            return refuse(Fault::BadCall, "no list of buffers");
        }
        IovList list;
        list.given_ = std::span(iov, static_cast<std::size_t>(count));
        list.buffers_.reserve(list.given_.size());
        for (const gss_iov_buffer_desc& buffer : list.given_) {
            list.buffers_.push_back({.kind = TRY(kind_from(buffer.type)),
                                     .data = static_cast<std::uint8_t*>(buffer.buffer.value),
                                     .length = buffer.buffer.length,
                                     .allocate = (buffer.type & GSS_IOV_BUFFER_FLAG_ALLOCATE) != 0});
        }
        return list;
    }

    [[nodiscard]] std::span<IovBuffer> buffers() noexcept { return buffers_; }

    /// Tells the caller what became of the buffers; only after success.
    void publish() noexcept
    {
        for (std::size_t index = 0; index < buffers_.size(); ++index) {
            const IovBuffer& buffer = buffers_[index];
            if (buffer.kind == IovBuffer::Kind::empty) {
                continue;
            }
            given_[index].buffer.value = buffer.data;
            given_[index].buffer.length = buffer.length;
            if (buffer.allocated) {
                given_[index].type |= GSS_IOV_BUFFER_FLAG_ALLOCATED;
            }
        }
    }

private:
    std::span<gss_iov_buffer_desc> given_;
    std::vector<IovBuffer> buffers_;
};

IovBuffer input_of(IovBuffer::Kind kind, gss_const_buffer_t buffer)
{
    // The engine only reads what is signed and not sealed.
    return {.kind = kind,
            .data = buffer == nullptr ? nullptr : static_cast<std::uint8_t*>(buffer->value),
            .length = buffer == nullptr ? 0 : buffer->length};
}

} // namespace

EXPORT OM_uint32 gss_get_mic(OM_uint32* minor, gss_ctx_id_t context, gss_qop_t quality, gss_buffer_t message,
                             gss_buffer_t token)
{
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(needs(token));
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        OutputOctets octets = TRY(OutputOctets::make(protection->mic_size()));
        const ByteView octets_signed = view_of(message);
        TRY(protection->sign_into({&octets_signed, 1}, octets.span()));
        octets.give(token, protection->mic_size());
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_verify_mic(OM_uint32* minor, gss_ctx_id_t context, gss_buffer_t message, gss_buffer_t token,
                                gss_qop_t* quality)
{
    clear(quality);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        return major_for(TRY(protection->verify(view_of(message), view_of(token))));
    });
}

EXPORT OM_uint32 gss_wrap(OM_uint32* minor, gss_ctx_id_t context, int confidential, gss_qop_t quality,
                          gss_buffer_t message, int* state, gss_buffer_t token)
{
    clear(state);
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(needs(token));
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        const Confidentiality confidentiality = confidentiality_from(confidential);
        const ByteView plain = view_of(message);
        const std::size_t size = TRY(protection->wrapped_size(plain.size(), confidentiality));
        OutputOctets octets = TRY(OutputOctets::make(size));
        TRY(protection->wrap_into(plain, confidentiality, octets.span()));
        octets.give(token, size);
        set(state, confidentiality);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_unwrap(OM_uint32* minor, gss_ctx_id_t context, gss_buffer_t token, gss_buffer_t message,
                            int* state, gss_qop_t* quality)
{
    clear(message);
    clear(state);
    clear(quality);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(needs(message));
        const auto protection = TRY(protection_of(context));
        const std::size_t room = TRY(protection->unwrap_room(view_of(token)));
        OutputOctets octets = TRY(OutputOctets::make(room));
        const Unwrapped unwrapped = TRY(protection->unwrap_into(view_of(token), octets.span()));
        octets.give(message, unwrapped.length);
        set(state, unwrapped.confidentiality);
        return major_for(unwrapped.ordering);
    });
}

EXPORT OM_uint32 gss_wrap_size_limit(OM_uint32* minor, gss_ctx_id_t context, int confidential, gss_qop_t quality,
                                     OM_uint32 max_output, OM_uint32* max_input)
{
    clear(max_input);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(needs(max_input));
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        *max_input = static_cast<OM_uint32>(protection->size_limit(confidentiality_from(confidential), max_output));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_wrap_iov(OM_uint32* minor, gss_ctx_id_t context, int confidential, gss_qop_t quality, int* state,
                              gss_iov_buffer_desc* iov, int count)
{
    clear(state);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        IovList list = TRY(IovList::from(iov, count));
        set(state, TRY(protection->wrap_iov(list.buffers(), confidentiality_from(confidential))));
        list.publish();
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_unwrap_iov(OM_uint32* minor, gss_ctx_id_t context, int* state, gss_qop_t* quality,
                                gss_iov_buffer_desc* iov, int count)
{
    clear(state);
    clear(quality);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        IovList list = TRY(IovList::from(iov, count));
        const Unwrapped unwrapped = TRY(protection->unwrap_iov(list.buffers()));
        list.publish();
        set(state, unwrapped.confidentiality);
        return major_for(unwrapped.ordering);
    });
}

EXPORT OM_uint32 gss_wrap_iov_length(OM_uint32* minor, gss_ctx_id_t context, int confidential, gss_qop_t quality,
                                     int* state, gss_iov_buffer_desc* iov, int count)
{
    clear(state);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        IovList list = TRY(IovList::from(iov, count));
        set(state, TRY(protection->wrap_iov_length(list.buffers(), confidentiality_from(confidential))));
        list.publish();
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_get_mic_iov(OM_uint32* minor, gss_ctx_id_t context, gss_qop_t quality, gss_iov_buffer_desc* iov,
                                 int count)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        IovList list = TRY(IovList::from(iov, count));
        TRY(protection->sign_iov(list.buffers()));
        list.publish();
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_get_mic_iov_length(OM_uint32* minor, gss_ctx_id_t context, gss_qop_t quality,
                                        gss_iov_buffer_desc* iov, int count)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        IovList list = TRY(IovList::from(iov, count));
        TRY(protection->sign_iov_length(list.buffers()));
        list.publish();
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_verify_mic_iov(OM_uint32* minor, gss_ctx_id_t context, gss_qop_t* quality,
                                    gss_iov_buffer_desc* iov, int count)
{
    clear(quality);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const auto protection = TRY(protection_of(context));
        IovList list = TRY(IovList::from(iov, count));
        return major_for(TRY(protection->verify_iov(list.buffers())));
    });
}

EXPORT OM_uint32 gss_wrap_aead(OM_uint32* minor, gss_ctx_id_t context, int confidential, gss_qop_t quality,
                               gss_buffer_t associated, gss_buffer_t message, int* state, gss_buffer_t token)
{
    clear(state);
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        using Kind = IovBuffer::Kind;
        TRY(needs(token));
        const auto protection = TRY(protection_of(context));
        TRY(default_quality(quality));
        const Confidentiality requested = confidentiality_from(confidential);
        const ByteView plain = view_of(message);
        IovBuffer buffers[] = {{.kind = Kind::header},
                               input_of(Kind::sign_only, associated),
                               {.kind = Kind::data},
                               {.kind = Kind::trailer}};
        const Confidentiality confidentiality = TRY(protection->wrap_iov_length(buffers, requested));
        const std::size_t header = buffers[0].length;
        const std::size_t trailer = buffers[3].length;
        const std::size_t limit = SIZE_MAX - header - trailer;
        if (plain.size() > limit) {
            return refuse(Fault::MessageTooLong, std::to_string(plain.size()) + " octets");
        }
        OutputOctets octets = TRY(OutputOctets::make(header + plain.size() + trailer));
        buffers[0].data = octets.span().data();
        buffers[2].data = buffers[0].data + header;
        buffers[2].length = plain.size();
        buffers[3].data = buffers[2].data + plain.size();
        std::copy(plain.begin(), plain.end(), buffers[2].data);
        TRY(protection->wrap_iov(buffers, confidentiality));
        octets.give(token, octets.span().size());
        set(state, confidentiality);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_unwrap_aead(OM_uint32* minor, gss_ctx_id_t context, gss_buffer_t token, gss_buffer_t associated,
                                 gss_buffer_t message, int* state, gss_qop_t* quality)
{
    clear(message);
    clear(state);
    clear(quality);
    return guard(minor, [&]() -> Result<OM_uint32> {
        using Kind = IovBuffer::Kind;
        TRY(needs(message));
        const auto protection = TRY(protection_of(context));
        IovBuffer buffers[] = {input_of(Kind::stream, token),
                               input_of(Kind::sign_only, associated),
                               {.kind = Kind::data, .allocate = true}};
        const Unwrapped unwrapped = TRY(protection->unwrap_iov(buffers));
        if (unwrapped.length == 0) {
            std::free(buffers[2].data);
        } else {
            message->value = buffers[2].data;
            message->length = unwrapped.length;
        }
        set(state, unwrapped.confidentiality);
        return major_for(unwrapped.ordering);
    });
}
