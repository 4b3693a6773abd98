// SPDX-License-Identifier: MIT
#include "apex/messages/ap_reply.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/etype_negotiation.h"
#include "apex/messages/krb_cred.h"
#include "apex/messages/krb_error.h"
#include "apex/messages/ticket.h"
#include "require.h"

#include <cstdlib>
#include <iterator>

// The first octet chooses the decoder, the rest is its input. What a decoder accepts must encode to something that it
// accepts again and that encodes to itself. Names and texts are made of it too.

namespace apex {

namespace {

using fuzz::require;

ByteView view(const Bytes& octets)
{
    return octets;
}
ByteView view(const Secret& octets)
{
    return octets.view();
}

void use_texts(const ApRequest& message)
{
    require(!message.ticket.server.text().empty());
}
void use_texts(const KrbError& message)
{
    require(message.safe_text().size() <= 200);
    require(!message.server.text().empty());
}
void use_texts(const TicketContents& message)
{
    require(!message.client.text().empty());
    if (const auto flat = flatten(message.authorization_data)) {
        for (const FlatElement& element : *flat) {
            require(element.type != ad_if_relevant);
        }
    }
}
void use_texts(const KrbCredContents& message)
{
    require(!check_delegation(KrbCred(), message));
}
template <typename Message>
void use_texts(const Message& /*message*/)
{
}

template <typename Message>
void try_decoder(ByteView octets)
{
    const Result<Message> message = Message::decode(octets);
    if (!message) {
        require(!message.error().detail.empty() && message.error().detail.size() < 1000);
        return;
    }
    use_texts(*message);
    const auto encoded = message->encode();
    const Result<Message> again = Message::decode(view(encoded));
    require(again.has_value());
    const auto encoded_again = again->encode();
    require(same(view(encoded), view(encoded_again)));
}

void try_authorization_data(ByteView octets)
{
    const Result<AuthorizationData> elements = decode_authorization_data(octets);
    if (!elements) {
        return;
    }
    require(same(octets, encode_authorization_data(*elements)));
    if (const auto flat = flatten(*elements)) {
        require(flat->size() <= octets.size() / 11);
    }
}

using Decoder = void (*)(ByteView);

// The order is that of tests/fuzz/seed_messages.py.
constexpr Decoder decoders[] = {
    try_decoder<ApRequest>,      try_decoder<ApReply>,          try_decoder<ApReplyContents>,
    try_decoder<Ticket>,         try_decoder<TicketContents>,   try_decoder<Authenticator>,
    try_decoder<KrbError>,       try_decoder<KrbCred>,          try_decoder<KrbCredContents>,
    try_decoder<EncryptedData>,  try_decoder<EncryptionKey>,    try_decoder<EtypeNegotiation>,
    try_authorization_data,      try_decoder<PrincipalName>,    try_decoder<HostAddress>,
};

} // namespace

} // namespace apex

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    const apex::ByteView octets(data, size);
    apex::decoders[octets[0] % std::size(apex::decoders)](octets.subspan(1));
    return 0;
}
