// SPDX-License-Identifier: MIT
#include "apex/crypto/digest.h"
#include "apex/gss/context_record.h"
#include "gss/record_fields.h"

#include <algorithm>
#include <array>

// magic (8) version (4) fields digest (32): the digest is SHA-256 over all that stands before it. It finds damage, not
// forgery: who may hand us an exported context holds its keys anyway.

namespace apex {
namespace {

constexpr std::array<std::uint8_t, 8> magic = {'A', 'P', 'E', 'X', 'C', 'T', 'X', 0};
constexpr std::int32_t version = 1;
constexpr std::size_t digest_size = 32;

void write_time(RecordWriter& writer, Time time)
{
    writer.int64(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

Result<Time> read_time(RecordReader& reader, std::string_view what)
{
    // What a KerberosTime can say (RFC 4120 5.2.3), so that adding a clock skew to it cannot overflow.
    constexpr Time first = time_from_seconds(-62167219200); // 0000-01-01
    constexpr Time last = time_from_seconds(253402300799);  // 9999-12-31
    const Time time(Duration(static_cast<std::int64_t>(TRY(reader.int64(what)))));
    if (time < first || time > last) {
        return malformed_record(std::string(what) + " is " + std::to_string(time.time_since_epoch().count()) +
                                " microseconds from 1970, outside the years 0 to 9999");
    }
    return time;
}

void write_optional_time(RecordWriter& writer, const std::optional<Time>& time)
{
    writer.int32(time ? 1 : 0);
    if (time) {
        write_time(writer, *time);
    }
}

Result<bool> read_bool(RecordReader& reader, std::string_view what)
{
    const std::int32_t value = TRY(reader.int32(what));
    if (value != 0 && value != 1) {
        return malformed_record(std::string(what) + " is " + std::to_string(value) + ", expected 0 or 1");
    }
    return value == 1;
}

Result<std::optional<Time>> read_optional_time(RecordReader& reader, std::string_view what)
{
    if (!TRY(read_bool(reader, what))) {
        return std::optional<Time>();
    }
    return std::optional<Time>(TRY(read_time(reader, what)));
}

void write_principal(RecordWriter& writer, const Principal& principal)
{
    writer.int32(principal.name.type);
    writer.int32(static_cast<std::int64_t>(principal.name.components.size()));
    for (const std::string& component : principal.name.components) {
        writer.counted(view_of(component));
    }
    writer.counted(view_of(principal.realm));
}

Result<Principal> read_principal(RecordReader& reader, std::string_view what)
{
    Principal principal;
    principal.name.type = TRY(reader.int32(what));
    const std::size_t components = TRY(reader.count(4, "components of a name"));
    for (std::size_t i = 0; i < components; ++i) {
        principal.name.components.push_back(text_of(TRY(reader.counted(what))));
    }
    principal.realm = text_of(TRY(reader.counted(what)));
    return principal;
}

void write_key(RecordWriter& writer, const std::shared_ptr<const Key>& key)
{
    writer.int32(key != nullptr ? 1 : 0);
    if (key != nullptr) {
        writer.int32(static_cast<std::int32_t>(key->type()));
        writer.counted(key->octets().view());
    }
}

Result<std::shared_ptr<const Key>> read_key(RecordReader& reader, std::string_view what)
{
    if (!TRY(read_bool(reader, what))) {
        return std::shared_ptr<const Key>();
    }
    const auto type = static_cast<EncryptionType>(TRY(reader.int32(what)));
    const ByteView octets = TRY(reader.counted(what));
    Key key = TRY(Key::from(type, Secret(octets)));
    return std::make_shared<const Key>(std::move(key));
}

void write_authorization_data(RecordWriter& writer, const AuthorizationData& data)
{
    writer.int32(static_cast<std::int64_t>(data.size()));
    for (const AuthorizationElement& element : data) {
        writer.int32(element.type);
        writer.counted(element.data);
    }
}

Result<AuthorizationData> read_authorization_data(RecordReader& reader)
{
    AuthorizationData data;
    const std::size_t elements = TRY(reader.count(8, "elements of authorization data"));
    for (std::size_t i = 0; i < elements; ++i) {
        AuthorizationElement element;
        element.type = TRY(reader.int32("the type of authorization data"));
        element.data = bytes_of(TRY(reader.counted("authorization data")));
        data.push_back(std::move(element));
    }
    return data;
}

void write_session(RecordWriter& writer, const Session& session)
{
    write_principal(writer, session.initiator);
    write_principal(writer, session.acceptor);
    write_key(writer, session.keys.ticket_session);
    write_key(writer, session.keys.initiator_subkey);
    write_key(writer, session.keys.acceptor_subkey);
    writer.int64(session.send_sequence);
    writer.int64(session.receive_sequence);
    writer.int32(session.flags);
    write_time(writer, session.auth_time);
    write_optional_time(writer, session.start_time);
    write_time(writer, session.end_time);
    write_optional_time(writer, session.renew_till);
    writer.int32(session.ticket_flags);
    writer.int32(static_cast<std::int32_t>(session.ticket_type));
    writer.int32(session.key_version);
    write_authorization_data(writer, session.ticket_authorization);
    write_authorization_data(writer, session.authenticator_authorization);
}

Result<Session> read_session(RecordReader& reader)
{
    Session session;
    session.initiator = TRY(read_principal(reader, "the initiator's name"));
    session.acceptor = TRY(read_principal(reader, "the acceptor's name"));
    session.keys.ticket_session = TRY(read_key(reader, "the session key"));
    session.keys.initiator_subkey = TRY(read_key(reader, "the initiator's subkey"));
    session.keys.acceptor_subkey = TRY(read_key(reader, "the acceptor's subkey"));
    session.send_sequence = TRY(reader.int64("the number to send"));
    session.receive_sequence = TRY(reader.int64("the number to receive"));
    session.flags = static_cast<ContextFlags>(TRY(reader.int32("the flags")));
    session.auth_time = TRY(read_time(reader, "the time of authentication"));
    session.start_time = TRY(read_optional_time(reader, "the start"));
    session.end_time = TRY(read_time(reader, "the end"));
    session.renew_till = TRY(read_optional_time(reader, "the last renewal"));
    session.ticket_flags = static_cast<std::uint32_t>(TRY(reader.int32("the ticket's flags")));
    session.ticket_type = static_cast<EncryptionType>(TRY(reader.int32("the ticket's encryption type")));
    session.key_version = static_cast<std::uint32_t>(TRY(reader.int32("the key version")));
    session.ticket_authorization = TRY(read_authorization_data(reader));
    session.authenticator_authorization = TRY(read_authorization_data(reader));
    if (session.keys.ticket_session == nullptr) {
        return malformed_record("it lacks the session key");
    }
    return session;
}

void write_protection(RecordWriter& writer, const ProtectionState& state)
{
    writer.int64(state.send_sequence);
    writer.int32(state.send_exhausted ? 1 : 0);
    writer.int64(state.receive.first);
    writer.int64(state.receive.expected);
    writer.int64(state.receive.arrived);
    writer.int32(state.peer_used_acceptor_subkey ? 1 : 0);
}

Result<ProtectionState> read_protection(RecordReader& reader)
{
    ProtectionState state;
    state.send_sequence = TRY(reader.int64("the next number to send"));
    state.send_exhausted = TRY(read_bool(reader, "whether all numbers are used up"));
    state.receive.first = TRY(reader.int64("the peer's first number"));
    state.receive.expected = TRY(reader.int64("the number expected"));
    state.receive.arrived = TRY(reader.int64("the numbers that arrived"));
    state.peer_used_acceptor_subkey = TRY(read_bool(reader, "whether the peer used the acceptor's subkey"));
    return state;
}

/// The fields between version and digest, after the digest was found to fit.
Result<ByteView> checked_fields(ByteView token)
{
    constexpr std::size_t head_size = magic.size() + 4;
    if (token.size() < head_size + digest_size) {
        return malformed_record("it has " + std::to_string(token.size()) + " octets, at least " +
                                std::to_string(head_size + digest_size) + " are needed");
    }
    RecordReader head(token.subspan(magic.size()));
    TRY(head.expect(version, "its version"));
    const ByteView covered = token.first(token.size() - digest_size);
    const Sha256Digest digest = TRY(sha256(covered));
    if (!same(digest, token.last(digest_size))) {
        return malformed_record("its digest does not fit: it was damaged on its way");
    }
    return covered.subspan(head_size);
}

} // namespace

bool is_own_record(ByteView token) noexcept
{
    return token.size() >= magic.size() && same(token.first(magic.size()), magic);
}

Result<Secret> write_own_record(const ContextRecord& record)
{
    RecordWriter writer;
    writer.octets(magic);
    writer.int32(version);
    writer.counted(record.mechanism);
    writer.int32(record.role == Role::initiator ? 1 : 0);
    write_session(writer, record.session);
    writer.int32(record.protection ? 1 : 0);
    if (record.protection) {
        write_protection(writer, *record.protection);
    } else {
        write_time(writer, record.sent_time);
    }
    const Sha256Digest digest = TRY(sha256(writer.view()));
    writer.octets(digest);
    return std::move(writer).take();
}

Result<ContextRecord> read_own_record(ByteView token)
{
    RecordReader reader(TRY(checked_fields(token)));
    ContextRecord record;
    record.mechanism = bytes_of(TRY(reader.counted("the mechanism")));
    record.role = TRY(read_bool(reader, "the role")) ? Role::initiator : Role::acceptor;
    record.session = TRY(read_session(reader));
    if (TRY(read_bool(reader, "the state"))) {
        record.protection = TRY(read_protection(reader));
    } else if (record.role == Role::initiator) {
        record.sent_time = TRY(read_time(reader, "the authenticator's time"));
    } else {
        return malformed_record("an acceptor's context that is not established cannot go on elsewhere");
    }
    if (reader.remaining() != 0) {
        return malformed_record(std::to_string(reader.remaining()) + " octets stand behind its end");
    }
    return record;
}

} // namespace apex
