// SPDX-License-Identifier: MIT
#include "apex/host/krb5_handle.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

namespace apex {
namespace {

/// What libkrb5 reads as its configuration, for people: its own texts do not name the file.
std::string configuration_name()
{
    const char* configured = secure_getenv("KRB5_CONFIG");
    return configured != nullptr ? configured : "/etc/krb5.conf";
}

} // namespace

Result<Krb5Context> Krb5Context::make()
{
    krb5_context context = nullptr;
    const krb5_error_code code = krb5_init_context(&context);
    if (code == 0) {
        return Krb5Context(context);
    }
    const Krb5Context none(nullptr);
    return from_krb5(none, code, Fault::BadSetting, configuration_name());
}

Krb5Context::~Krb5Context()
{
    if (context_ != nullptr) {
        krb5_free_context(context_);
    }
}

Krb5Context& Krb5Context::operator=(Krb5Context&& other) noexcept
{
    if (this != &other) {
        if (context_ != nullptr) {
            krb5_free_context(context_);
        }
        context_ = std::exchange(other.context_, nullptr);
    }
    return *this;
}

Error from_krb5(const Krb5Context& context, krb5_error_code code, Fault fault, std::string_view what)
{
    std::string detail(what);
    // Without a context, too, libkrb5 gives the text of the code's table.
    const char* text = krb5_get_error_message(context.get(), code);
    if (text != nullptr) {
        detail += ": ";
        detail += text;
        krb5_free_error_message(context.get(), text);
    }
    Error error = refuse(fault, std::move(detail));
    error.minor_override = code;
    return error;
}

Result<Krb5Principal> to_krb5(const Krb5Context& context, const Principal& principal)
{
    std::vector<krb5_data> components;
    components.reserve(principal.name.components.size());
    for (const std::string& component : principal.name.components) {
        components.push_back(data_of(view_of(component)));
    }
    krb5_principal_data lent{};
    lent.magic = KV5M_PRINCIPAL;
    lent.realm = data_of(view_of(principal.realm));
    lent.data = components.data();
    lent.length = static_cast<krb5_int32>(components.size());
    lent.type = static_cast<krb5_int32>(principal.name.type);

    Krb5Principal owned(context);
    const krb5_error_code code = krb5_copy_principal(context.get(), &lent, owned.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoMemory, "principal");
    }
    return owned;
}

Principal principal_from(krb5_const_principal principal)
{
    Principal copy;
    copy.name.type = principal->type;
    copy.realm = text_of(view_of(principal->realm));
    for (krb5_int32 i = 0; i < principal->length; ++i) {
        copy.name.components.push_back(text_of(view_of(principal->data[i])));
    }
    return copy;
}

Result<Key> key_from(const krb5_keyblock& block)
{
    return Key::from(static_cast<EncryptionType>(block.enctype), Secret(view_of(block.contents, block.length)));
}

Result<Krb5Keyblock> to_krb5(const Krb5Context& context, const Key& key)
{
    Krb5Keyblock block(context);
    const ByteView octets = key.octets().view();
    krb5_keyblock* made = nullptr;
    const krb5_error_code code =
        krb5_init_keyblock(context.get(), static_cast<krb5_enctype>(key.type()), octets.size(), &made);
    if (code != 0) {
        return from_krb5(context, code, Fault::NoMemory, "key");
    }
    std::copy(octets.begin(), octets.end(), made->contents);
    *block = *made; // the structure's contents change hands; its shell is freed below without them
    made->contents = nullptr;
    made->length = 0;
    krb5_free_keyblock(context.get(), made);
    return block;
}

ByteView view_of(const krb5_data& data) noexcept
{
    return view_of(data.data, data.length);
}

krb5_data data_of(ByteView octets) noexcept
{
    krb5_data data{};
    data.magic = KV5M_DATA;
    data.length = static_cast<unsigned int>(octets.size());
    // libkrb5 has no type for octets it only reads: the caller promises that they are not written.
    data.data = static_cast<char*>(static_cast<void*>(const_cast<std::uint8_t*>(octets.data())));
    return data;
}

Time from_timestamp(krb5_timestamp timestamp) noexcept
{
    return time_from_seconds(static_cast<std::uint32_t>(timestamp));
}

krb5_timestamp to_timestamp(Time time) noexcept
{
    constexpr std::int64_t largest = std::numeric_limits<std::uint32_t>::max();
    const std::int64_t seconds = std::clamp<std::int64_t>(seconds_of(time), 0, largest);
    return static_cast<krb5_timestamp>(static_cast<std::uint32_t>(seconds));
}

} // namespace apex
