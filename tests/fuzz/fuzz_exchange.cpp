// SPDX-License-Identifier: MIT
#include "apex/exchange/context_token.h"
#include "apex/exchange/refusal.h"
#include "apex/messages/ap_reply.h"
#include "changes.h"
#include "require.h"
#include "tests/support/world.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

// The AP exchange behind its encryption. The harness holds the keys: what the fuzzer wrote is sealed as the ticket's
// contents, the authenticator, its checksum, the reply or the third leg, and judged by the code that the module runs. The
// first octet chooses; its highest bit says whether the rest is the plaintext itself or a list of changes to an honest one.

namespace apex::fuzz {
namespace {

using test::World;

/// What to seal in place of an honest plaintext.
class Input final {
public:
    Input(bool whole, ByteView octets) : whole_(whole), octets_(octets) {}
    [[nodiscard]] Bytes instead_of(ByteView honest) const
    {
        return whole_ ? bytes_of(octets_) : changed(honest, octets_);
    }
    [[nodiscard]] ByteView octets() const noexcept { return octets_; }

private:
    bool whole_;
    ByteView octets_;
};

void reseal(World& world, const Key& key, KeyUsage usage, Bytes& cipher, const Input& input)
{
    const Secret honest = test::must(key.open(usage, cipher));
    cipher = test::must(key.seal(usage, input.instead_of(honest.view()), world.random));
}

/// What is accepted must be whole; what is refused must say why and leave no record.
void judge(World& world, const ApRequest& request)
{
    const std::size_t records = world.replays.seen.size();
    const Result<Acceptance> accepted = world.accept(request);
    if (!accepted) {
        require(!accepted.error().text().empty() && world.replays.seen.size() == records);
        static_cast<void>(refusal_message(accepted.error(), request, world.clock.now()));
        return;
    }
    require(world.replays.seen.size() == records + 1);
    require(accepted->session.keys.for_messages() != nullptr);
    require(!accepted->session.initiator.text().empty());
    require(accepted->reply.has_value() == ((accepted->session.flags & flag::mutual) != 0));
}

void ticket_contents(World& world, const Input& input)
{
    ApRequest request = test::must(ApRequest::decode(world.initiate().request()));
    reseal(world, *world.service_key, KeyUsage::ticket, request.ticket.encrypted_part.cipher, input);
    request.ticket.original.clear();
    judge(world, request);
}

void authenticator(World& world, const Input& input)
{
    ApRequest request = test::must(ApRequest::decode(world.initiate().request()));
    reseal(world, *world.session_key, KeyUsage::ap_request_authenticator, request.authenticator.cipher, input);
    judge(world, request);
}

void checksum(World& world, const Input& input)
{
    judge(world, world.with_authenticator(world.initiate().request(), [&](Authenticator& changed) {
        changed.checksum->value = input.instead_of(changed.checksum->value);
    }));
}

void authorization_data(World& world, const Input& input)
{
    judge(world, world.with_authenticator(world.initiate().request(), [&](Authenticator& changed) {
        for (AuthorizationElement& element : changed.authorization_data) {
            element.data = input.instead_of(element.data);
        }
    }));
}

void reply(World& world, const Input& input)
{
    InitiatorExchange initiator = world.initiate();
    Acceptance accepted = test::must(world.accept(test::must(ApRequest::decode(initiator.request()))));
    const Bytes honest = accepted.reply->encrypted_part.cipher;
    reseal(world, *world.session_key, KeyUsage::ap_reply, accepted.reply->encrypted_part.cipher, input);
    const Secret sent = test::must(world.session_key->open(KeyUsage::ap_reply, accepted.reply->encrypted_part.cipher));
    const Result<Session> session = std::move(initiator).complete(*accepted.reply);
    require(!session || session->keys.for_messages() != nullptr);
    require(session || !session.error().text().empty());
}

void third_leg(World& world, const Input& input)
{
    world.wish.flags |= flag::dce_style;
    InitiatorExchange initiator = world.initiate();
    const Acceptance accepted =
        test::must(world.accept(test::must(ApRequest::decode(initiator.request())), nullptr, Framing::bare));
    const Session session = test::must(std::move(initiator).complete(*accepted.reply));
    ApReply third = test::must(make_third_leg(session, world.clock, world.random));
    reseal(world, *world.session_key, KeyUsage::ap_reply, third.encrypted_part.cipher, input);
    const Done checked = check_third_leg(third, accepted.session);
    require(checked || !checked.error().text().empty());
}

void frame(World& world, const Input& input)
{
    const Result<ContextToken> token = read_context_token(input.octets());
    if (!token) {
        require(!token.error().text().empty());
        return;
    }
    require(token->message.size() <= input.octets().size());
    if (token->framed) {
        require(same(frame_message(token->mechanism, token->kind, token->message), input.octets()));
    }
    if (token->kind == TokenKind::krb_error) {
        require(!reported_error(token->message, world.clock.now()).text().empty());
    }
    if (const Result<ApRequest> request = ApRequest::decode(token->message)) {
        judge(world, *request);
    }
}

using Target = void (*)(World& world, const Input& input);
constexpr Target targets[] = {frame, ticket_contents, authenticator, checksum, authorization_data, reply, third_leg};

} // namespace
} // namespace apex::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    constexpr unsigned whole_bit = 0x80;
    constexpr apex::EncryptionType types[] = {apex::EncryptionType::aes256_cts_hmac_sha1_96,
                                              apex::EncryptionType::aes128_cts_hmac_sha256_128};
    const unsigned choice = data[0];
    apex::test::World world(types[(choice >> 4) % std::size(types)]);
    const apex::fuzz::Input input((choice & whole_bit) != 0, apex::ByteView(data + 1, size - 1));
    apex::fuzz::targets[(choice & 0x0fU) % std::size(apex::fuzz::targets)](world, input);
    return 0;
}
