// SPDX-License-Identifier: MIT
#include "entry_points.h"

#include "apex/base/fault.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstdint>
#include <fstream>
#include <memory>

using namespace apex::test;

namespace {

Rows all_rows()
{
    Rows rows = context_rows();
    rows.merge(message_rows());
    rows.merge(name_rows());
    rows.merge(credential_rows());
    rows.merge(mechanism_rows());
    return rows;
}

} // namespace

/// Every function that the module exports, called with the first, second, third, ... allocation failing until it
/// succeeds: a status each time, nothing given out, and the next try works (INVARIANTS C4, H7).
class EveryEntryPointTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(EveryEntryPointTest);
    CPPUNIT_TEST(each_survives_every_failing_allocation);
    CPPUNIT_TEST(no_export_is_left_out);
    CPPUNIT_TEST(exhausted_memory_is_named);
    CPPUNIT_TEST(the_interposer_function_answers_without_memory);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        glued_realm();
        handles_ = std::make_unique<Handles>();
        OM_uint32 minor = 0;
        gss_key_value_element_desc element{"ccache", "MEMORY:every_entry_point"};
        const gss_key_value_set_desc destination{1, &element};
        call("gssi_store_cred_into", &minor, handles_->initiate, gss_cred_usage_t{GSS_C_INITIATE}, krb5(), OM_uint32{1},
             OM_uint32{0}, static_cast<gss_const_key_value_set_t>(&destination), no_set,
             static_cast<gss_cred_usage_t*>(nullptr));
    }
    void tearDown() override
    {
        allow_all();
        handles_.reset();
    }

    void each_survives_every_failing_allocation()
    {
        for (const auto& [name, row] : all_rows()) {
            try {
                const auto run = [this, &row = row] { return row.run(*handles_); };
                if (row.succeeds) {
                    until_it_succeeds(run);
                } else {
                    while_it_fails(run, 40);
                }
            } catch (const CPPUNIT_NS::Exception& exception) {
                CPPUNIT_FAIL(name + ": " + exception.what());
            }
        }
    }

    void no_export_is_left_out()
    {
        const char* source = std::getenv("srcdir");
        std::ifstream list(std::string(source != nullptr ? source : ".") + "/mech/apex.exports");
        const Rows rows = all_rows();
        std::size_t exports = 0;
        for (std::string line; std::getline(list, line);) {
            if (line.empty() || line.front() == '#' || line == "apex_version" || line == "gss_mech_interposer") {
                continue;
            }
            ++exports;
            CPPUNIT_ASSERT_MESSAGE(line + " has no row", rows.contains(line));
        }
        CPPUNIT_ASSERT_EQUAL(rows.size(), exports);
    }

    void exhausted_memory_is_named()
    {
        OM_uint32 minor = 0;
        gss_name_t name = GSS_C_NO_NAME;
        allow(0);
        const OM_uint32 major = call("gssi_duplicate_name", &minor, handles_->client, &name);
        allow_all();
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, major);
        CPPUNIT_ASSERT_EQUAL(apex::traits_of(apex::Fault::NoMemory).minor, static_cast<std::int32_t>(minor));
        CPPUNIT_ASSERT(name == GSS_C_NO_NAME);
    }

    void the_interposer_function_answers_without_memory()
    {
        void* symbol = dlsym(module(), "gss_mech_interposer");
        gss_OID_set (*interposer)(gss_OID) = nullptr;
        std::memcpy(&interposer, &symbol, sizeof interposer);
        for (long allowed = 0;; ++allowed) {
            CPPUNIT_ASSERT(allowed < 100);
            allow(allowed);
            gss_OID_set set = interposer(krb5());
            allow_all();
            const bool whole = set != GSS_C_NO_OID_SET;
            if (whole) {
                CPPUNIT_ASSERT_EQUAL(std::size_t{3}, set->count);
                OM_uint32 minor = 0;
                gss_release_oid_set(&minor, &set);
                break;
            }
        }
    }

private:
    std::unique_ptr<Handles> handles_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(EveryEntryPointTest);
