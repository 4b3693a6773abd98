// SPDX-License-Identifier: MIT
#include "apex/messages/ap_reply.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/etype_negotiation.h"
#include "apex/messages/krb_cred.h"
#include "apex/messages/krb_error.h"
#include "apex/messages/ticket.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

// A program of its own, because it replaces operator new: counts what decoders ask for and holds it against the size
// of their input (INVARIANTS C5). All requests of a decode are added up, freed or not, so a needless copy shows too.

namespace {

std::size_t requested = 0;

} // namespace

// Not inlined: the compiler would take malloc and free for a mismatch with new and delete.
[[gnu::noinline]] void* operator new(std::size_t size)
{
    requested += size;
    void* const memory = std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept
{
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept
{
    std::free(memory);
}

namespace apex {

namespace {

unsigned passed = 0;
unsigned failed = 0;

/// Before the MAC of a ticket is known to be right: four times the input, and two names of 512 components.
constexpr std::size_t before_mac(std::size_t size)
{
    return 4 * size + 40 * 1024;
}

/// Behind a MAC: a name of empty components takes 16 octets for each of its own.
constexpr std::size_t behind_mac(std::size_t size)
{
    return 16 * size + 40 * 1024;
}

template <typename Message>
void check(const char* name, ByteView octets, std::size_t limit)
{
    requested = 0;
    const Result<Message> message = Message::decode(octets);
    const std::size_t used = requested;
    const bool good = used <= limit;
    (good ? passed : failed)++;
    std::printf("%s %s: %zu octets, %s, %zu requested, limit %zu\n", good ? "ok" : "FAILED", name, octets.size(),
                message ? "accepted" : "refused", used, limit);
}

/// The message as it is, cut in the middle, and with an octet behind it.
template <typename Message>
void check_all(const char* name, ByteView octets, std::size_t (*limit)(std::size_t))
{
    check<Message>(name, octets, limit(octets.size()));
    check<Message>(name, octets.first(octets.size() / 2), limit(octets.size() / 2));
    Bytes longer = bytes_of(octets);
    longer.push_back(0);
    check<Message>(name, longer, limit(longer.size()));
}

Ticket ticket_with(std::size_t components, std::size_t cipher)
{
    Ticket ticket;
    ticket.server.name.components.resize(components);
    ticket.encrypted_part.cipher.resize(cipher);
    return ticket;
}

ApRequest request_with(std::size_t components, std::size_t cipher)
{
    ApRequest request;
    request.ticket = ticket_with(components, cipher);
    request.authenticator.cipher.resize(cipher);
    return request;
}

void check_messages_before_mac()
{
    check_all<ApRequest>("ApRequest", request_with(2, 1000).encode(), before_mac);
    check_all<ApRequest>("ApRequest, large", request_with(2, 500000).encode(), before_mac);
    check_all<ApRequest>("ApRequest, many components", request_with(512, 0).encode(), before_mac);
    check_all<ApRequest>("ApRequest, too many components", request_with(400000, 0).encode(), before_mac);
    ApReply reply;
    reply.encrypted_part.cipher.resize(1000000);
    check_all<ApReply>("ApReply, large", reply.encode(), before_mac);
    KrbError error;
    error.server.name.components.resize(512);
    error.client_name = error.server.name;
    check_all<KrbError>("KrbError, many components", error.encode(), before_mac);
    error.data = Bytes(300000);
    error.text = std::string(300000, 'x');
    check_all<KrbError>("KrbError, large", error.encode(), before_mac);
}

void check_lists_behind_mac()
{
    TicketContents contents;
    contents.client.name.components.resize(2);
    contents.authorization_data.resize(50000);
    check_all<TicketContents>("TicketContents, many elements", contents.encode().view(), before_mac);
    contents.authorization_data.clear();
    contents.addresses.resize(50000);
    check_all<TicketContents>("TicketContents, many addresses", contents.encode().view(), before_mac);
    Authenticator authenticator;
    authenticator.client.name.components.resize(512);
    authenticator.checksum = Checksum{0x8003, Bytes(100000)};
    check_all<Authenticator>("Authenticator, large", authenticator.encode().view(), before_mac);
    EtypeNegotiation offer;
    offer.types.resize(100000);
    check_all<EtypeNegotiation>("EtypeNegotiation, many types", offer.encode(), before_mac);
}

void check_delegations()
{
    KrbCred cred;
    cred.tickets.resize(KrbCred::max_tickets, ticket_with(1, 0));
    check_all<KrbCred>("KrbCred, many tickets", cred.encode(), before_mac);
    cred.tickets.assign(KrbCred::max_tickets, ticket_with(512, 0));
    check_all<KrbCred>("KrbCred, many components", cred.encode(), behind_mac);
    cred.tickets.resize(50000, ticket_with(1, 0));
    check_all<KrbCred>("KrbCred, too many tickets", cred.encode(), before_mac);
    KrbCredContents contents;
    contents.infos.resize(KrbCred::max_tickets);
    check_all<KrbCredContents>("KrbCredContents, many infos", contents.encode().view(), before_mac);
    contents.infos.resize(50000);
    check_all<KrbCredContents>("KrbCredContents, too many infos", contents.encode().view(), before_mac);
}

} // namespace

} // namespace apex

int main()
{
    apex::check_messages_before_mac();
    apex::check_lists_behind_mac();
    apex::check_delegations();
    std::printf("%u passed, %u failed\n", apex::passed, apex::failed);
    return apex::failed == 0 ? 0 : 1;
}
