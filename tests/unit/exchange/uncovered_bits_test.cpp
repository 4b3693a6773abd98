// SPDX-License-Identifier: MIT
#include "tests/support/world.h"

#include <cppunit/extensions/HelperMacros.h>
#include <map>
#include <string_view>

using namespace apex;
using namespace apex::test;

namespace {

/// A field of an AP-REQ that no key covers, and how many of its bits may be flipped without a refusal in the request that
/// World makes (server host/server.test@TEST).
struct UncoveredField final {
    std::string_view name;
    std::size_t bits;
    std::string_view reason;
};

// The written list: 201 bits, 160 of them in names of 20 octets together. Kerberos leaves them outside of every encrypted part (RFC
// 4120 5.3, 5.5.1); Apex believes none of them: the names and the version of a ticket only say which key to try first, and
// what the session reports comes from the keytab and from behind the encryption.
constexpr UncoveredField written_list[] = {
    {"ap-options, reserved bits", 30, "RFC 4120 5.5.1: they mean nothing, and receivers must ignore them"},
    {"ap-options, count of unused bits", 3, "1, 2 or 4 unused zero bits leave the options what they are"},
    {"ticket, realm", 32, "all bits of its 4 characters: a hint for the choice of key"},
    {"ticket, sname type", 8, "RFC 4120 6.2: types are ignored when names are compared"},
    {"ticket, sname components", 120, "all bits of their 15 characters: aliases of a service share its key"},
    {"ticket, kvno", 8, "a hint for the choice of key"},
};

std::string field_that_differs(const ApRequest& before, const ApRequest& after)
{
    if (before.options.bits != after.options.bits) {
        return "ap-options, reserved bits";
    }
    if (before.ticket.server.realm != after.ticket.server.realm) {
        return "ticket, realm";
    }
    if (before.ticket.server.name.type != after.ticket.server.name.type) {
        return "ticket, sname type";
    }
    if (before.ticket.server.name.components != after.ticket.server.name.components) {
        return "ticket, sname components";
    }
    if (before.ticket.encrypted_part.kvno != after.ticket.encrypted_part.kvno) {
        return "ticket, kvno";
    }
    if (before.authenticator.kvno != after.authenticator.kvno) {
        return "authenticator, kvno";
    }
    return same(before.encode(), after.encode()) ? "ap-options, count of unused bits"
                                                 : "a field that is not in the list";
}

} // namespace

/// Every single-bit flip of an AP-REQ is refused, or stands in the list of bits that no key covers.
class UncoveredBitsTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(UncoveredBitsTest);
    CPPUNIT_TEST(every_flipped_bit_is_refused_or_in_the_list);
    CPPUNIT_TEST_SUITE_END();

public:
    void every_flipped_bit_is_refused_or_in_the_list()
    {
        World world;
        const Bytes request = world.initiate().request();
        const ApRequest original = must(ApRequest::decode(request));
        std::map<std::string, std::size_t> uncovered;
        for (std::size_t bit = 0; bit < request.size() * 8; ++bit) {
            Bytes flipped = request;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
            world.replays.seen.clear();
            const Result<ApRequest> read = ApRequest::decode(flipped);
            if (read && world.accept(*read)) {
                ++uncovered[field_that_differs(original, *read)];
            }
        }
        for (const UncoveredField& field : written_list) {
            const std::string name(field.name);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name + ": " + std::string(field.reason), field.bits, uncovered[name]);
            uncovered.erase(name);
        }
        CPPUNIT_ASSERT_MESSAGE(uncovered.empty() ? "" : uncovered.begin()->first, uncovered.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(UncoveredBitsTest);
