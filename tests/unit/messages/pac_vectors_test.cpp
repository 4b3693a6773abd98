// SPDX-License-Identifier: MIT
#include "apex/messages/pac.h"
#include "apex/messages/pac_identity.h"
#include "apex/messages/ticket.h"
#include "support/world.h"
#include "unit/crypto/vector_file.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using test::must;
using test::VectorRecord;

Key key_of(const VectorRecord& vector)
{
    return must(Key::from(static_cast<EncryptionType>(vector.number("etype")), Secret(vector.octets("key"))));
}

/// The PAC of a vector; one inside a ticket is taken out as an acceptor does it, and so proves where it stands.
Bytes pac_of(const VectorRecord& vector)
{
    if (vector.has("pac")) {
        return vector.octets("pac");
    }
    const Ticket ticket = must(Ticket::decode(vector.octets("ticket")));
    const Secret plaintext = must(key_of(vector).open(KeyUsage::ticket, ticket.encrypted_part.cipher));
    const TicketContents contents = must(TicketContents::decode(plaintext.view()));
    CPPUNIT_ASSERT_EQUAL(vector.text("client"), pac_client_name(contents.client.name));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{vector.number("auth_time")}, seconds_of(contents.auth_time));
    return bytes_of(must(find_pac(contents.authorization_data)).value());
}

std::string joined(const std::vector<Sid>& sids)
{
    std::string text;
    for (const Sid& sid : sids) {
        text += (text.empty() ? "" : " ") + sid.text();
    }
    return text;
}

/// What KDCs of Windows 2003 to 2022 wrote.
class PacVectorsTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(PacVectorsTest);
    CPPUNIT_TEST(the_buffers_are_found);
    CPPUNIT_TEST(the_server_signatures_hold);
    CPPUNIT_TEST(a_changed_octet_breaks_the_signature);
    CPPUNIT_TEST(the_user_and_its_groups_are_read);
    CPPUNIT_TEST_SUITE_END();

public:
    void the_buffers_are_found()
    {
        for (const VectorRecord& vector : test::read_vectors("pac.txt")) {
            const Pac pac = must(Pac::parse(pac_of(vector)));
            std::string types;
            for (const PacBuffer& buffer : pac.buffers()) {
                types += (types.empty() ? "" : " ") + std::to_string(static_cast<std::uint32_t>(buffer.type));
            }
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("buffers"), types);
        }
    }

    void the_server_signatures_hold()
    {
        std::size_t verified = 0;
        for (const VectorRecord& vector : test::read_vectors("pac.txt")) {
            if (vector.has("key")) {
                const Done done =
                    must(Pac::parse(pac_of(vector)))
                        .verify(key_of(vector), vector.text("client"), time_from_seconds(vector.number("auth_time")));
                CPPUNIT_ASSERT_MESSAGE(vector.text("name") + (done ? "" : ": " + done.error().text()),
                                       done.has_value());
                ++verified;
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{9}, verified);
    }

    void a_changed_octet_breaks_the_signature()
    {
        for (const VectorRecord& vector : test::read_vectors("pac.txt")) {
            if (vector.has("key")) {
                Bytes octets = pac_of(vector);
                octets[200] ^= 1U; // inside the logon information
                const Done done =
                    must(Pac::parse(std::move(octets)))
                        .verify(key_of(vector), vector.text("client"), time_from_seconds(vector.number("auth_time")));
                CPPUNIT_ASSERT(!done && done.error().fault == Fault::PacRefused);
            }
        }
    }

    void the_user_and_its_groups_are_read()
    {
        for (const VectorRecord& vector : test::read_vectors("pac.txt")) {
            const PacIdentity identity = must(PacIdentity::read(must(Pac::parse(pac_of(vector)))));
            const auto expect = [&](const char* what, const std::string& found) {
                CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name") + " " + what, vector.text(what), found);
            };
            expect("user_sid", identity.user->text());
            expect("primary_group_sid", identity.primary_group->text());
            expect("group_sids", joined(identity.groups));
            expect("logon_name", identity.logon_name);
            expect("domain_name", identity.domain_name);
            expect("upn", identity.user_principal_name);
            expect("dns_domain_name", identity.dns_domain_name);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PacVectorsTest);

} // namespace
} // namespace apex
