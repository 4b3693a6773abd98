// SPDX-License-Identifier: MIT
#include "kerberos_files.h"

#include "apex/crypto/system_random.h"
#include "apex/host/krb5_handle.h"
#include "host/file_stamp.h"
#include "support/world.h"

#include <stdexcept>
#include <thread>
#include <vector>

namespace apex::test {
namespace {

void check(krb5_error_code code, const char* what)
{
    if (code != 0) {
        throw std::runtime_error(std::string(what) + " failed with " + std::to_string(code));
    }
}

} // namespace

Principal principal_of(const std::string& text)
{
    const std::size_t at = text.find('@');
    Principal principal{.name = {.type = name_type_principal, .components = {""}}, .realm = text.substr(at + 1)};
    for (const char letter : text.substr(0, at)) {
        if (letter == '/') {
            principal.name.components.emplace_back();
        } else {
            principal.name.components.back() += letter;
        }
    }
    return principal;
}

Principal host_of(const std::string& service, const std::string& host)
{
    return Principal{.name = {.type = name_type_service_host, .components = {service, host}}, .realm = ""};
}

Key key_of(EncryptionType type, std::uint8_t seed)
{
    const Bytes octets(must(profile_of(type))->key_length, seed);
    return must(Key::from(type, Secret(octets)));
}

void add_key(const std::string& keytab, const std::string& principal, std::uint32_t version, EncryptionType type,
             std::uint8_t seed)
{
    const Krb5Context context = must(Krb5Context::make());
    Krb5Keytab handle(context);
    check(krb5_kt_resolve(context.get(), keytab.c_str(), handle.out()), "krb5_kt_resolve");
    const Krb5Principal owner = must(to_krb5(context, principal_of(principal)));
    // A type that Apex lacks is still a number with octets to libkrb5.
    Bytes octets(find_profile(type) != nullptr ? find_profile(type)->key_length : 24, seed);
    krb5_keytab_entry entry{};
    entry.principal = owner.get();
    entry.vno = version;
    entry.key.enctype = static_cast<krb5_enctype>(type);
    entry.key.length = static_cast<unsigned>(octets.size());
    entry.key.contents = octets.data();
    check(krb5_kt_add_entry(context.get(), handle.get(), &entry), "krb5_kt_add_entry");
}

void remove_keys(const std::string& keytab, const std::string& principal, std::uint32_t version)
{
    const Krb5Context context = must(Krb5Context::make());
    Krb5Keytab handle(context);
    check(krb5_kt_resolve(context.get(), keytab.c_str(), handle.out()), "krb5_kt_resolve");
    const Krb5Principal owner = must(to_krb5(context, principal_of(principal)));
    Krb5KeytabEntry entry(context);
    while (krb5_kt_get_entry(context.get(), handle.get(), owner.get(), version, 0, entry.out()) == 0) {
        check(krb5_kt_remove_entry(context.get(), handle.get(), entry.get()), "krb5_kt_remove_entry");
    }
}

MemoryKeytab::MemoryKeytab(const std::string& name) : context_(must(Krb5Context::make())), handle_(context_)
{
    check(krb5_kt_resolve(context_.get(), name.c_str(), handle_.out()), "krb5_kt_resolve");
}

Ticket sealed_ticket(const std::string& server, std::optional<std::uint32_t> version, EncryptionType type,
                     std::uint8_t seed)
{
    SystemRandom random;
    const Bytes plaintext(40, 0x5A);
    return Ticket{
        .server = principal_of(server),
        .encrypted_part = {.type = type,
                           .kvno = version,
                           .cipher = must(key_of(type, seed).seal(KeyUsage::ticket, plaintext, random))},
        .original = {},
    };
}

void make_cache(const std::string& cache, const std::string& client, std::chrono::seconds offset)
{
    const Krb5Context context = must(Krb5Context::make());
    if (offset.count() != 0) {
        const Time kdc = SystemClock().now() + offset;
        check(krb5_set_real_time(context.get(), to_timestamp(kdc), microseconds_of(kdc)), "krb5_set_real_time");
    }
    Krb5Ccache handle(context);
    check(krb5_cc_resolve(context.get(), cache.c_str(), handle.out()), "krb5_cc_resolve");
    const Krb5Principal owner = must(to_krb5(context, principal_of(client)));
    check(krb5_cc_initialize(context.get(), handle.get(), owner.get()), "krb5_cc_initialize");
}

void add_ticket(const std::string& cache, const CachedTicket& ticket)
{
    const Krb5Context context = must(Krb5Context::make());
    Krb5Ccache handle(context);
    check(krb5_cc_resolve(context.get(), cache.c_str(), handle.out()), "krb5_cc_resolve");
    const Krb5Principal client = must(to_krb5(context, principal_of(ticket.client)));
    const Krb5Principal server = must(to_krb5(context, principal_of(ticket.server)));
    Krb5Keyblock key = must(to_krb5(context, key_of(ticket.session_type, 7)));
    const Bytes encoded =
        sealed_ticket(ticket.server, 1, EncryptionType::aes256_cts_hmac_sha1_96, 9).encode();
    krb5_creds creds{};
    creds.client = client.get();
    creds.server = server.get();
    creds.keyblock = *key;
    creds.times.authtime = to_timestamp(ticket.end_time - std::chrono::hours(10));
    creds.times.starttime = creds.times.authtime;
    creds.times.endtime = to_timestamp(ticket.end_time);
    creds.ticket_flags = static_cast<krb5_flags>(ticket.flags);
    creds.ticket = data_of(encoded);
    check(krb5_cc_store_cred(context.get(), handle.get(), &creds), "krb5_cc_store_cred");
}

void set_config(const std::string& cache, const char* key, const std::string& value)
{
    const Krb5Context context = must(Krb5Context::make());
    Krb5Ccache handle(context);
    check(krb5_cc_resolve(context.get(), cache.c_str(), handle.out()), "krb5_cc_resolve");
    krb5_data data = data_of(view_of(value));
    check(krb5_cc_set_config(context.get(), handle.get(), nullptr, key, &data), "krb5_cc_set_config");
}

CachedTicket tgt(const std::string& client, const std::string& realm)
{
    return CachedTicket{.client = client, .server = "krbtgt/" + realm + "@" + realm};
}

void wait_until_settled(const std::string& path)
{
    while (!is_settled(stamp_of(path).value())) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

} // namespace apex::test
