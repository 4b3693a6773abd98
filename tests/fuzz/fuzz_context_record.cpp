// SPDX-License-Identifier: MIT
#include "apex/crypto/digest.h"
#include "apex/exchange/context_token.h"
#include "apex/gss/context_record.h"
#include "changes.h"
#include "require.h"
#include "tests/support/world.h"

#include <array>
#include <cstdlib>

// Exported contexts, in Apex's own form and in that of MIT. The first octet chooses: what the fuzzer wrote as it is, with
// the digest that belongs to it, or as changes to an honest record. What a reader accepts, its writer must write to
// something that reads as the same, and a context must be able to go on with it.

namespace apex::fuzz {
namespace {

using test::must;
using test::World;

/// The configuration of the machine shall not count, so that runs are repeatable.
const bool configured = setenv("KRB5_CONFIG", "/dev/null", 1) == 0;

ContextRecord honest_record(unsigned choice)
{
    constexpr std::array types{EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha256_128,
                               EncryptionType::rc4_hmac};
    World world(types[choice % types.size()]);
    world.policy.permitted = {types.begin(), types.end()};
    world.wish.permitted = {types[choice % types.size()]};
    ContextRecord record;
    record.mechanism = bytes_of(krb5_oid());
    if ((choice & 8U) != 0) {
        const InitiatorExchange exchange = world.initiate();
        record.session = exchange.session_so_far();
        record.sent_time = exchange.sent_time();
        return record;
    }
    record.role = (choice & 4U) != 0 ? Role::initiator : Role::acceptor;
    record.session = must(world.accept_honest()).session;
    record.protection = ProtectionState{.send_sequence = 7, .receive = {.first = 5, .expected = 3, .arrived = 5}};
    return record;
}

/// A context that goes on with what was read protects a message.
void go_on(ContextRecord record)
{
    World world;
    if (!record.protection) {
        require(record.role == Role::initiator);
        const auto exchange = InitiatorExchange::resume(std::move(record.session), record.sent_time, {}, nullptr);
        require(exchange.sent_time() == record.sent_time);
        return;
    }
    const SessionKeys& keys = record.session.keys;
    auto protection = MessageProtection::restore(
        record.role, {.own = keys.of_initiator(), .acceptor_subkey = keys.acceptor_subkey}, *record.protection,
        {.replay = true, .sequence = true}, false, world.random, record.mechanism);
    require(protection && protection->state() == *record.protection);
    const Bytes message = {'a'};
    const Result<Bytes> token = protection->wrap(message, Confidentiality::sealed);
    require(token || record.protection->send_exhausted);
}

using Read = Result<ContextRecord> (*)(ByteView token);
using Write = Result<Secret> (*)(const ContextRecord& record);

void judge(ByteView token, Read read, Write write)
{
    Result<ContextRecord> record = read(token);
    if (!record) {
        require(!record.error().text().empty());
        return;
    }
    require(record->session.keys.of_initiator() != nullptr && record->session.keys.ticket_session != nullptr);
    const Secret written = must(write(*record));
    const Secret again = must(write(must(read(written.view()))));
    require(same(written.view(), again.view()));
    go_on(std::move(record).value());
}

Bytes with_digest(Bytes fields)
{
    append(fields, must(sha256(fields)));
    return fields;
}

void own(ByteView input, unsigned choice)
{
    constexpr std::size_t digest_size = 32;
    if ((choice & 0x40U) != 0) {
        return judge(input, &read_own_record, &write_own_record);
    }
    const Secret honest = must(write_own_record(honest_record(choice)));
    const ByteView fields = honest.view().first(honest.size() - digest_size);
    judge(with_digest(changed(fields, input)), &read_own_record, &write_own_record);
}

void mits(ByteView input, unsigned choice)
{
    if ((choice & 0x40U) != 0) {
        return judge(input, &read_mit_record, &write_mit_record);
    }
    const Secret honest = must(write_mit_record(honest_record(choice)));
    judge(changed(honest.view(), input), &read_mit_record, &write_mit_record);
}

} // namespace
} // namespace apex::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0 || !apex::fuzz::configured) {
        return 0;
    }
    constexpr unsigned mits_form = 0x80; // next to 0x40: the input as it is
    const unsigned choice = data[0];
    const apex::ByteView input(data + 1, size - 1);
    (choice & mits_form) != 0 ? apex::fuzz::mits(input, choice) : apex::fuzz::own(input, choice);
    return 0;
}
