// SPDX-License-Identifier: MIT
#include "apex/host/realm_paths.h"

#include "configured_world.h"
#include "tests/support/world.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using test::fault_of;

/// RealmPaths with a krb5.conf of the test's own.
class RealmPathsTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(RealmPathsTest);
    CPPUNIT_TEST(capaths_name_the_realms_on_the_way);
    CPPUNIT_TEST(without_capaths_the_hierarchy_counts);
    CPPUNIT_TEST_SUITE_END();

    static std::string judged(const std::string& through, const std::string& from, const std::string& to)
    {
        TransitedEncoding transited;
        transited.type = 1;
        transited.contents = bytes_of(view_of(through));
        return fault_of(RealmPaths().check_transited(transited, from, to));
    }

public:
    void capaths_name_the_realms_on_the_way()
    {
        ConfiguredWorld world;
        world.configure("[capaths]\n CLIENT.ORG = {\n  TEST.REALM = MIDDLE.NET\n }\n");
        CPPUNIT_ASSERT_EQUAL(std::string("none"), judged("MIDDLE.NET", "CLIENT.ORG", "TEST.REALM"));
        CPPUNIT_ASSERT_EQUAL(std::string("TransitRefused"), judged("OTHER.NET", "CLIENT.ORG", "TEST.REALM"));
        CPPUNIT_ASSERT_EQUAL(std::string("TransitRefused"), judged("MIDDLE.NET", "STRANGER.ORG", "TEST.REALM"));
    }

    void without_capaths_the_hierarchy_counts()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("none"), judged("REALM.ORG", "A.REALM.ORG", "B.REALM.ORG"));
        CPPUNIT_ASSERT_EQUAL(std::string("TransitRefused"), judged("OTHER.ORG", "A.REALM.ORG", "B.REALM.ORG"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RealmPathsTest);

} // namespace
} // namespace apex
