// SPDX-License-Identifier: MIT
#include "apex/gss/context_record.h"

#include "apex/host/name_service.h"
#include "gss/record_fields.h"

#include <cstring>

// The layout was read off tokens that MIT 1.20 wrote. What Apex has no use for is written as MIT's mechanism needs it to
// go on, and passed over when it is read.

namespace apex {
namespace {

// Marks that stand before and behind each part.
constexpr std::int32_t mark_context = 39756040; // KG_CONTEXT
constexpr std::int32_t mark_principal = -1760647423;
constexpr std::int32_t mark_keyblock = -1760647421;
constexpr std::int32_t mark_authdata = -1760647414;
constexpr std::int32_t mark_authenticator = -1760647410;
constexpr std::int32_t mark_library = -1760647388;  // krb5_context
constexpr std::int32_t mark_system = -1760647387;   // its part for the operating system
constexpr std::int32_t mark_exchange = -1760647383; // krb5_auth_context
constexpr std::int32_t mark_oid = -1760647369;
constexpr std::int32_t mark_queue = -1760647368;
constexpr std::int32_t mark_attributes = -1760647364; // krb5_authdata_context
constexpr std::int32_t mark_profile = -1429577710;

constexpr std::int32_t tag_first_address = 950916;
constexpr std::int32_t tag_last_address = 950919;
constexpr std::int32_t tag_session_key = 950920;
constexpr std::int32_t tag_send_subkey = 950921;
constexpr std::int32_t tag_receive_subkey = 950922;
constexpr std::int32_t mark_address = -1760647390;

constexpr std::size_t seed_size = 16;
constexpr std::int32_t gss_checksum_type = 0x8003;

/// How MIT holds the sequence window, in the order and size of the host.
struct Queue final {
    std::int32_t replay;
    std::int32_t sequence;
    std::uint64_t mask;
    std::uint64_t base;
    std::uint64_t next;
    std::uint64_t arrived;
};
static_assert(sizeof(Queue) == 40);

std::int64_t seconds_or_zero(const std::optional<Time>& time)
{
    return time ? seconds_of(*time) : 0;
}

// --- writing -------------------------------------------------------------------------------------------------------

void write_counted(RecordWriter& writer, std::int32_t mark, ByteView octets)
{
    writer.int32(mark);
    writer.counted(octets);
    writer.int32(mark);
}

void write_key(RecordWriter& writer, const std::shared_ptr<const Key>& key)
{
    if (key != nullptr) {
        writer.int32(mark_keyblock);
        writer.int32(static_cast<std::int32_t>(key->type()));
        writer.counted(key->octets().view());
        writer.int32(mark_keyblock);
    }
}

void write_head(RecordWriter& writer, const ContextRecord& record)
{
    const Session& session = record.session;
    const bool rc4 = is_rc4(session.keys.for_messages()->type());
    writer.int32(mark_context);
    writer.int32(record.role == Role::initiator ? 1 : 0);
    writer.int32(record.protection ? 1 : 0);
    writer.int32(session.keys.acceptor_subkey ? 1 : 0);
    writer.int32(0); // no seed
    writer.int32(session.flags);
    writer.octets(Bytes(seed_size));
    writer.int32(rc4 ? 0x11 : -1); // RFC 4757 7: SGN_ALG HMAC, RFC 1964's numbers
    writer.int32(rc4 ? 8 : 0);
    writer.int32(rc4 ? 0x10 : -1);
    writer.int32(seconds_of(session.auth_time));
    writer.int32(seconds_or_zero(session.start_time));
    writer.int32(seconds_of(session.end_time));
    writer.int32(seconds_or_zero(session.renew_till));
    writer.int32(session.ticket_flags);
    writer.int64(record.protection ? record.protection->send_sequence : session.send_sequence);
    writer.int64(record.protection ? session.receive_sequence : 0);
}

void write_window(RecordWriter& writer, const ContextRecord& record)
{
    if (!record.protection) {
        return;
    }
    const SequenceWindow::State& window = record.protection->receive;
    const Queue queue{.replay = (record.session.flags & flag::replay) != 0 ? 1 : 0,
                      .sequence = (record.session.flags & flag::sequence) != 0 ? 1 : 0,
                      .mask = is_rc4(record.session.keys.for_messages()->type()) ? 0xffffffffU : ~std::uint64_t{0},
                      .base = window.first,
                      .next = window.expected,
                      .arrived = window.arrived};
    writer.int32(mark_queue);
    writer.octets(view_of(&queue, sizeof queue));
    writer.int32(mark_queue);
}

/// A krb5_context of the importing process: its own configuration, with our clock skew.
void write_library(RecordWriter& writer, const ContextRecord& record)
{
    constexpr std::int32_t renewable_ok = 0x10;
    constexpr std::int32_t cache_format = 0x0504;
    writer.int32(mark_library);
    writer.int32(0); // no default realm
    writer.int32(0); // no list of types
    writer.int32(std::chrono::duration_cast<std::chrono::seconds>(record.clock_skew).count());
    writer.int32(renewable_ok);
    writer.int32(1);
    writer.int32(0);
    writer.int32(cache_format);
    writer.int32(mark_system);
    for (int i = 0; i < 3; ++i) {
        writer.int32(0); // no offset to the KDC's clock
    }
    writer.int32(mark_system);
    writer.int32(mark_library);
}

void write_exchange(RecordWriter& writer, const ContextRecord& record)
{
    constexpr std::int32_t do_sequence = 4;
    const Session& session = record.session;
    writer.int32(mark_exchange);
    writer.int32(do_sequence);
    writer.int32(record.protection ? static_cast<std::int64_t>(session.receive_sequence) : 0);
    writer.int32(static_cast<std::int64_t>(session.send_sequence));
    writer.int32(record.role == Role::initiator ? gss_checksum_type : 0);
    writer.int32(0);
    writer.int32(0);
    writer.int32(tag_session_key);
    write_key(writer, session.keys.ticket_session);
    writer.int32(tag_send_subkey);
    write_key(writer, session.keys.for_messages());
    writer.int32(tag_receive_subkey);
    write_key(writer, session.keys.for_messages());
    if (!record.protection) {
        writer.int32(mark_authenticator);
        writer.int32(seconds_of(record.sent_time));
        writer.int32(microseconds_of(record.sent_time));
        writer.int32(static_cast<std::int64_t>(session.send_sequence));
        write_key(writer, session.keys.initiator_subkey);
        writer.int32(0);
        writer.int32(mark_authenticator);
    }
    writer.int32(mark_exchange);
}

void write_authorization_data(RecordWriter& writer, const Session& session)
{
    writer.int32(
        static_cast<std::int64_t>(session.ticket_authorization.size() + session.authenticator_authorization.size()));
    for (const AuthorizationData* list : {&session.ticket_authorization, &session.authenticator_authorization}) {
        for (const AuthorizationElement& element : *list) {
            writer.int32(mark_authdata);
            writer.int32(element.type);
            writer.counted(element.data);
            writer.int32(mark_authdata);
        }
    }
}

std::int32_t checksum_type(const std::shared_ptr<const Key>& key)
{
    return key != nullptr ? static_cast<std::int32_t>(key->profile().required_checksum) : 0;
}

// --- reading -------------------------------------------------------------------------------------------------------

Result<ByteView> read_counted(RecordReader& reader, std::int32_t mark, std::string_view what)
{
    TRY(reader.expect(mark, what));
    const ByteView octets = TRY(reader.counted(what));
    TRY(reader.expect(mark, what));
    return octets;
}

Result<Principal> read_principal(RecordReader& reader, std::string_view what)
{
    const ByteView text = TRY(read_counted(reader, mark_principal, what));
    return TRY(import_principal_text(text_of(text))).principal;
}

Result<std::shared_ptr<const Key>> read_key(RecordReader& reader, std::string_view what)
{
    if (!reader.next_is(mark_keyblock)) {
        return std::shared_ptr<const Key>();
    }
    TRY(reader.expect(mark_keyblock, what));
    const auto type = static_cast<EncryptionType>(TRY(reader.int32(what)));
    const ByteView octets = TRY(reader.counted(what));
    Key key = TRY(Key::from(type, Secret(octets)));
    TRY(reader.expect(mark_keyblock, what));
    return std::make_shared<const Key>(std::move(key));
}

Result<Time> read_time(RecordReader& reader, std::string_view what)
{
    // MIT's seconds are unsigned: they reach to 2106.
    return time_from_seconds(static_cast<std::uint32_t>(TRY(reader.int32(what))));
}

Result<std::optional<Time>> read_optional_time(RecordReader& reader, std::string_view what)
{
    const Time time = TRY(read_time(reader, what));
    return seconds_of(time) != 0 ? std::optional<Time>(time) : std::nullopt;
}

/// What the first numbers say beside the session.
struct Head final {
    bool established = false;
    std::uint64_t next_to_send = 0;
};

Result<Head> read_head(RecordReader& reader, ContextRecord& record)
{
    Head head;
    Session& session = record.session;
    TRY(reader.expect(mark_context, "the mark at its start"));
    record.role = TRY(reader.int32("the role")) != 0 ? Role::initiator : Role::acceptor;
    head.established = TRY(reader.int32("the state")) != 0;
    TRY(reader.octets(8, "the subkey's and the seed's mark"));
    session.flags = static_cast<ContextFlags>(TRY(reader.int32("the flags")));
    TRY(reader.octets(seed_size + 12, "the seed and the algorithms"));
    session.auth_time = TRY(read_time(reader, "the time of authentication"));
    session.start_time = TRY(read_optional_time(reader, "the start"));
    session.end_time = TRY(read_time(reader, "the end"));
    session.renew_till = TRY(read_optional_time(reader, "the last renewal"));
    session.ticket_flags = static_cast<std::uint32_t>(TRY(reader.int32("the ticket's flags")));
    head.next_to_send = TRY(reader.int64("the number to send"));
    session.send_sequence = head.next_to_send;
    session.receive_sequence = TRY(reader.int64("the number to receive"));
    return head;
}

Result<ProtectionState> read_window(RecordReader& reader, const Head& head)
{
    Queue queue{};
    TRY(reader.expect(mark_queue, "the sequence window"));
    const ByteView octets = TRY(reader.octets(sizeof queue, "the sequence window"));
    TRY(reader.expect(mark_queue, "the sequence window"));
    std::memcpy(&queue, octets.data(), sizeof queue);
    ProtectionState state;
    state.send_sequence = head.next_to_send;
    state.receive = {.first = queue.base, .expected = queue.next, .arrived = queue.arrived};
    return state;
}

Done pass_profile(RecordReader& reader)
{
    if (!reader.next_is(mark_profile)) {
        return {};
    }
    TRY(reader.expect(mark_profile, "the list of configuration files"));
    const std::size_t files = TRY(reader.count(4, "configuration files"));
    for (std::size_t i = 0; i < files; ++i) {
        TRY(reader.counted("a configuration file"));
    }
    return reader.expect(mark_profile, "the list of configuration files");
}

Done read_library(RecordReader& reader, ContextRecord& record)
{
    TRY(reader.expect(mark_library, "the library's context"));
    TRY(reader.counted("the default realm"));
    const std::size_t types = TRY(reader.count(4, "encryption types"));
    TRY(reader.octets(types * 4, "the encryption types"));
    record.clock_skew = std::chrono::seconds(TRY(reader.int32("the clock skew")));
    TRY(reader.octets(16, "the library's options"));
    TRY(reader.expect(mark_system, "the library's clock"));
    TRY(reader.octets(12, "the library's clock"));
    TRY(reader.expect(mark_system, "the library's clock"));
    TRY(pass_profile(reader));
    return reader.expect(mark_library, "the library's context");
}

Done pass_address(RecordReader& reader)
{
    TRY(reader.expect(mark_address, "an address"));
    TRY(reader.int32("an address's type"));
    TRY(reader.counted("an address"));
    return reader.expect(mark_address, "an address");
}

/// The authenticator that a half-open context remembers: only its time is of use.
Done read_authenticator(RecordReader& reader, ContextRecord& record)
{
    TRY(reader.expect(mark_authenticator, "the authenticator"));
    const Time seconds = TRY(read_time(reader, "the authenticator's time"));
    record.sent_time = seconds + std::chrono::microseconds(TRY(reader.int32("the authenticator's time")));
    TRY(reader.int32("the authenticator's sequence number"));
    if (reader.next_is(mark_principal)) {
        TRY(read_counted(reader, mark_principal, "the authenticator's client"));
    }
    constexpr std::int32_t mark_checksum = -1760647420;
    if (reader.next_is(mark_checksum)) {
        TRY(reader.octets(8, "the authenticator's checksum"));
        TRY(reader.counted("the authenticator's checksum"));
        TRY(reader.expect(mark_checksum, "the authenticator's checksum"));
    }
    TRY(read_key(reader, "the authenticator's subkey"));
    const std::size_t elements = TRY(reader.count(16, "elements of authorization data"));
    for (std::size_t i = 0; i < elements; ++i) {
        TRY(reader.octets(8, "an element of authorization data"));
        TRY(reader.counted("an element of authorization data"));
        TRY(reader.expect(mark_authdata, "an element of authorization data"));
    }
    return reader.expect(mark_authenticator, "the authenticator");
}

Done read_exchange(RecordReader& reader, ContextRecord& record)
{
    TRY(reader.expect(mark_exchange, "the exchange"));
    TRY(reader.octets(20, "the exchange"));
    TRY(reader.counted("the exchange's cipher state"));
    while (!reader.next_is(mark_exchange) && !reader.next_is(mark_authenticator)) {
        const std::int32_t tag = TRY(reader.int32("a part of the exchange"));
        if (tag >= tag_first_address && tag <= tag_last_address) {
            TRY(pass_address(reader));
        } else if (tag == tag_session_key) {
            record.session.keys.ticket_session = TRY(read_key(reader, "the session key"));
        } else if (tag == tag_send_subkey || tag == tag_receive_subkey) {
            TRY(read_key(reader, "a subkey"));
        } else {
            return malformed_record("the exchange has a part of unknown kind " + std::to_string(tag));
        }
    }
    if (reader.next_is(mark_authenticator)) {
        TRY(read_authenticator(reader, record));
    }
    return reader.expect(mark_exchange, "the exchange");
}

Done read_authorization_data(RecordReader& reader, Session& session)
{
    const std::size_t elements = TRY(reader.count(16, "elements of authorization data"));
    for (std::size_t i = 0; i < elements; ++i) {
        TRY(reader.expect(mark_authdata, "an element of authorization data"));
        AuthorizationElement element;
        element.type = TRY(reader.int32("the type of authorization data"));
        element.data = bytes_of(TRY(reader.counted("authorization data")));
        session.ticket_authorization.push_back(std::move(element));
        TRY(reader.expect(mark_authdata, "an element of authorization data"));
    }
    return {};
}

/// MIT's attributes of the initiator's name, which fill the rest up to the end's mark: each of MIT's modules has its own
/// layout, and what they say cannot be verified again here.
Done pass_attributes(RecordReader& reader)
{
    constexpr std::size_t marks_at_the_end = 8;
    if (!reader.next_is(mark_attributes)) {
        return {};
    }
    TRY(reader.expect(mark_attributes, "the attributes"));
    if (reader.remaining() < marks_at_the_end) {
        return malformed_record("it ends in the middle of the attributes");
    }
    TRY(reader.octets(reader.remaining() - marks_at_the_end, "the attributes"));
    return reader.expect(mark_attributes, "the attributes' end");
}

Done read_names(RecordReader& reader, ContextRecord& record)
{
    Principal here = TRY(read_principal(reader, "our own name"));
    Principal there = TRY(read_principal(reader, "the peer's name"));
    const bool initiator = record.role == Role::initiator;
    record.session.initiator = initiator ? std::move(here) : std::move(there);
    record.session.acceptor = initiator ? std::move(there) : std::move(here);
    return {};
}

/// Checks what the order of the parts does not enforce.
Done check_whole(const ContextRecord& record, const RecordReader& reader)
{
    if (record.session.keys.initiator_subkey == nullptr || record.session.keys.ticket_session == nullptr) {
        return malformed_record("it lacks a key");
    }
    if (!record.protection && record.role == Role::acceptor) {
        return malformed_record("an acceptor's context that is not established cannot go on elsewhere");
    }
    if (reader.remaining() != 0) {
        return malformed_record(std::to_string(reader.remaining()) + " octets stand behind its end");
    }
    return {};
}

} // namespace

Result<Secret> write_mit_record(const ContextRecord& record)
{
    const Session& session = record.session;
    const bool initiator = record.role == Role::initiator;
    const bool rc4 = is_rc4(session.keys.for_messages()->type());
    RecordWriter writer;
    write_head(writer, record);
    write_counted(writer, mark_oid, record.mechanism);
    write_counted(writer, mark_principal, view_of((initiator ? session.initiator : session.acceptor).text()));
    write_counted(writer, mark_principal, view_of((initiator ? session.acceptor : session.initiator).text()));
    write_key(writer, session.keys.of_initiator());
    if (rc4) { // RFC 1964 tokens have a key for encryption and one for sequence numbers, here the same
        write_key(writer, session.keys.for_messages());
        write_key(writer, session.keys.for_messages());
    }
    write_window(writer, record);
    write_library(writer, record);
    write_exchange(writer, record);
    writer.int32(rc4 ? 0 : 1);
    writer.int32(checksum_type(session.keys.of_initiator()));
    write_key(writer, session.keys.acceptor_subkey);
    writer.int32(checksum_type(session.keys.acceptor_subkey));
    writer.int32(0); // the replay cache was the credential's
    write_authorization_data(writer, session);
    writer.int32(mark_context);
    return std::move(writer).take();
}

Result<ContextRecord> read_mit_record(ByteView token)
{
    RecordReader reader(token);
    ContextRecord record;
    const Head head = TRY(read_head(reader, record));
    record.mechanism = bytes_of(TRY(read_counted(reader, mark_oid, "the mechanism")));
    TRY(read_names(reader, record));
    record.session.keys.initiator_subkey = TRY(read_key(reader, "the initiator's subkey"));
    TRY(read_key(reader, "the encryption key"));
    TRY(read_key(reader, "the sequence key"));
    if (head.established) {
        record.protection = TRY(read_window(reader, head));
        record.session.receive_sequence = record.protection->receive.first;
    }
    TRY(read_library(reader, record));
    TRY(read_exchange(reader, record));
    TRY(reader.octets(8, "the protocol"));
    record.session.keys.acceptor_subkey = TRY(read_key(reader, "the acceptor's subkey"));
    TRY(reader.octets(8, "the checksum type"));
    TRY(read_authorization_data(reader, record.session));
    TRY(pass_attributes(reader));
    TRY(reader.expect(mark_context, "the mark at its end"));
    TRY(check_whole(record, reader));
    return record;
}

} // namespace apex
