// SPDX-License-Identifier: MIT
#include "message_sample.h"
#include "taken_apart.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>

namespace apex {

namespace {

/// Tells whether a field says that an optional list is there and empty, which is the same as absent (RFC 4120 5.1.3).
bool is_empty_list(const std::pair<const std::string, std::string>& field)
{
    return field.second == "0" && field.first.ends_with(".count");
}

TakenApart take(const MessageSample& sample)
{
    const Result<TakenApart> taken = take_apart(sample.type, sample.der);
    const std::string why = taken ? "" : taken.error().text();
    CPPUNIT_ASSERT_MESSAGE(sample.name + " " + sample.type + ": " + why, taken.has_value());
    return *taken;
}

} // namespace

/// The known world: encodings of other implementations, with the values that were put into them.
class SamplesTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SamplesTest);
    CPPUNIT_TEST(every_sample_has_the_values_of_its_origin);
    CPPUNIT_TEST(every_sample_is_written_again_octet_for_octet);
    CPPUNIT_TEST(an_empty_optional_list_counts_as_absent);
    CPPUNIT_TEST_SUITE_END();

    void every_sample_has_the_values_of_its_origin()
    {
        CPPUNIT_ASSERT(message_samples().size() >= 70);
        for (const MessageSample& sample : message_samples()) {
            const std::string what = sample.name + " " + sample.type;
            TakenApart taken = take(sample);
            for (const auto& field : sample.fields) {
                if (is_empty_list(field)) {
                    continue;
                }
                CPPUNIT_ASSERT_MESSAGE(what + " lacks " + field.first, taken.fields.contains(field.first));
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what + " " + field.first, field.second, taken.fields.at(field.first));
                taken.fields.erase(field.first);
            }
            CPPUNIT_ASSERT_MESSAGE(what + " has more fields than its origin", taken.fields.empty());
        }
    }

    void every_sample_is_written_again_octet_for_octet()
    {
        std::size_t with_empty_list = 0;
        for (const MessageSample& sample : message_samples()) {
            if (std::any_of(sample.fields.begin(), sample.fields.end(), is_empty_list)) {
                ++with_empty_list;
                continue;
            }
            CPPUNIT_ASSERT_EQUAL_MESSAGE(sample.name + " " + sample.type, hex(sample.der), hex(take(sample).encoded));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, with_empty_list);
    }

    void an_empty_optional_list_counts_as_absent()
    {
        // Kerberos.NET puts an empty caddr and an empty authorization-data into its tickets.
        const TakenApart taken = take(message_sample("kn-aes256-nopac", "EncTicketPart"));
        CPPUNIT_ASSERT(!taken.fields.contains("caddr.count"));
        CPPUNIT_ASSERT(!taken.fields.contains("authorization-data.count"));
        CPPUNIT_ASSERT(taken.fields == take_apart("EncTicketPart", taken.encoded)->fields);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SamplesTest);

} // namespace apex
