// SPDX-License-Identifier: MIT
#include "tools/process.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <unistd.h>

using namespace apex;

class ProcessTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProcessTest);
    CPPUNIT_TEST(maps_give_each_file_once);
    CPPUNIT_TEST(a_deleted_file_is_marked_and_keeps_its_name);
    CPPUNIT_TEST(a_replaced_file_stands_beside_the_new_one);
    CPPUNIT_TEST(a_library_is_found_by_the_beginning_of_its_name);
    CPPUNIT_TEST(variables_are_found_by_their_whole_name);
    CPPUNIT_TEST(privilege_is_read_from_the_auxiliary_vector);
    CPPUNIT_TEST(this_process_can_be_looked_into);
    CPPUNIT_TEST(a_process_that_is_not_there_says_so);
    CPPUNIT_TEST_SUITE_END();

    const std::string maps_ = "55d0-55d1 r--p 00000000 fe:00 11  /usr/sbin/sshd\n"
                              "7f00-7f01 r--p 00000000 fe:00 12    /usr/lib/libgssapi_krb5.so.2.2\n"
                              "7f01-7f02 r-xp 00001000 fe:00 12    /usr/lib/libgssapi_krb5.so.2.2\n"
                              "7f05-7f06 rw-p 00000000 00:00 0 \n"
                              "7f07-7f08 r-xp 00000000 fe:00 13    /with a blank/mech_apex.so (deleted)\n"
                              "7f09-7f0a r-xp 00000000 fe:00 14    /with a blank/mech_apex.so\n"
                              "7ffd-7ffe rw-p 00000000 00:00 0     [stack]\n";

public:
    void maps_give_each_file_once() { CPPUNIT_ASSERT_EQUAL(std::size_t{4}, read_maps(maps_).size()); }

    void a_deleted_file_is_marked_and_keeps_its_name()
    {
        const MappedFile file = read_maps(maps_).at(2);
        CPPUNIT_ASSERT(file.deleted);
        CPPUNIT_ASSERT_EQUAL(std::string("/with a blank/mech_apex.so"), file.path);
        CPPUNIT_ASSERT_EQUAL(std::string("7f07-7f08"), file.range);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{13}, file.inode);
    }

    void a_replaced_file_stands_beside_the_new_one()
    {
        const MappedFile file = read_maps(maps_).at(3);
        CPPUNIT_ASSERT(!file.deleted);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{14}, file.inode);
    }

    void a_library_is_found_by_the_beginning_of_its_name()
    {
        const std::vector<MappedFile> files = read_maps(maps_);
        CPPUNIT_ASSERT(find_library(files, "libgssapi_krb5.so") != nullptr);
        CPPUNIT_ASSERT(find_library(files, "gssapi") == nullptr);
    }

    void variables_are_found_by_their_whole_name()
    {
        using namespace std::string_literals;
        const std::string environment = "XGSS_MECH_CONFIG=/no\0GSS_MECH_CONFIG=/a=b\0GSS=1"s;
        CPPUNIT_ASSERT_EQUAL("/a=b"s, variable_of(environment, "GSS_MECH_CONFIG").value_or(""));
        CPPUNIT_ASSERT_EQUAL("1"s, variable_of(environment, "GSS").value_or(""));
        CPPUNIT_ASSERT(!variable_of(environment, "GSS_MECH").has_value());
    }

    void privilege_is_read_from_the_auxiliary_vector()
    {
        using namespace std::string_literals;
        const std::string page_size = "\6\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0"s;
        const std::string secure = "\x17\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"s;
        const std::string plain = "\x17\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
        CPPUNIT_ASSERT(privileged(page_size + secure));
        CPPUNIT_ASSERT(!privileged(page_size + plain));
        CPPUNIT_ASSERT(!privileged(page_size));
        CPPUNIT_ASSERT(!privileged((page_size + secure).substr(0, 20)));
    }

    void this_process_can_be_looked_into()
    {
        const Process process = look_into(::getpid());
        CPPUNIT_ASSERT_EQUAL(std::string(), process.trouble);
        CPPUNIT_ASSERT(find_library(process.files, "libc.so") != nullptr);
        CPPUNIT_ASSERT(!process.program.empty());
    }

    void a_process_that_is_not_there_says_so()
    {
        CPPUNIT_ASSERT(look_into(99999999).trouble.find("No such file") != std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProcessTest);
