// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const std::string remembered = "remembered";
const std::string replay = "Replay";
const std::string failed = "ReplayStoreFailed";

class ReplayFilesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayFilesTest);
    CPPUNIT_TEST(the_directory_and_its_files_are_ours_alone);
    CPPUNIT_TEST(a_directory_that_others_may_enter_is_refused);
    CPPUNIT_TEST(a_symbolic_link_in_the_directory_s_place_is_refused);
    CPPUNIT_TEST(a_parent_that_others_may_write_is_refused);
    CPPUNIT_TEST(a_sticky_parent_of_root_is_accepted);
    CPPUNIT_TEST(a_sticky_parent_of_someone_else_is_refused);
    CPPUNIT_TEST(an_ancestor_that_others_may_write_is_refused);
    CPPUNIT_TEST(a_relative_path_is_refused);
    CPPUNIT_TEST(a_missing_parent_is_named_with_cause_and_remedy);
    CPPUNIT_TEST(a_symbolic_link_in_the_store_s_place_is_refused);
    CPPUNIT_TEST(a_hard_link_to_the_store_is_refused);
    CPPUNIT_TEST(a_hard_link_made_while_the_store_is_open_is_refused);
    CPPUNIT_TEST(a_fifo_in_the_store_s_place_is_refused_and_does_not_hang);
    CPPUNIT_TEST(a_store_of_another_owner_is_refused);
    CPPUNIT_TEST(a_store_that_others_may_read_is_refused);
    CPPUNIT_TEST(a_full_disk_refuses_and_says_so);
    CPPUNIT_TEST(a_read_only_file_system_refuses_and_says_so);
    CPPUNIT_TEST(a_lack_of_descriptors_refuses_and_passes);
    CPPUNIT_TEST(a_cause_that_is_gone_is_forgotten);
    CPPUNIT_TEST(a_descriptor_closed_by_the_host_program_harms_nothing);
    CPPUNIT_TEST(a_forked_child_opens_its_own_and_knows_what_the_parent_knows);
    CPPUNIT_TEST(a_process_that_becomes_another_user_takes_that_user_s_store);
    CPPUNIT_TEST_SUITE_END();

    ReplayWorld world;

    static bool is_root() { return ::geteuid() == 0; }

    static void skipped(const char* what) { std::printf(" [skipped: %s] ", what); }

    /// The store refuses, and the text holds every one of the parts.
    void assert_refused(std::initializer_list<std::string> parts)
    {
        const Done done = world.remember(*world.open(), 1);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        for (const std::string& part : parts) {
            CPPUNIT_ASSERT_MESSAGE(done.error().detail + " lacks " + part,
                                   done.error().detail.find(part) != std::string::npos);
        }
    }

    void make_store()
    {
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*world.open(), 1000)));
    }

    static mode_t mode_of(const fs::path& path)
    {
        struct stat status{};
        CPPUNIT_ASSERT_EQUAL(0, ::lstat(path.c_str(), &status));
        return status.st_mode & 0777U;
    }

    static int wait_for(pid_t child)
    {
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
    }

public:
    void the_directory_and_its_files_are_ours_alone()
    {
        make_store();
        CPPUNIT_ASSERT_EQUAL(mode_t{0700}, mode_of(world.user_directory()));
        for (const char* name : {"replay.store", "replay.journal", "replay.mark"}) {
            CPPUNIT_ASSERT_EQUAL(mode_t{0600}, mode_of(world.file(name)));
        }
    }

    void a_directory_that_others_may_enter_is_refused()
    {
        make_store();
        fs::permissions(world.user_directory(), fs::perms::owner_all | fs::perms::group_exec);
        assert_refused({world.user_directory().string(), "0700"});
    }

    void a_symbolic_link_in_the_directory_s_place_is_refused()
    {
        make_store();
        fs::rename(world.user_directory(), world.directory / "real");
        fs::create_directory_symlink(world.directory / "real", world.user_directory());
        assert_refused({world.user_directory().string()});
    }

    void a_parent_that_others_may_write_is_refused()
    {
        make_store();
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 0777));
        assert_refused({world.directory.string(), "replay_directory"});
    }

    void a_sticky_parent_of_root_is_accepted()
    {
        if (!is_root()) {
            return skipped("needs root");
        }
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 01777));
        make_store();
    }

    void a_sticky_parent_of_someone_else_is_refused()
    {
        if (!is_root()) {
            return skipped("needs root");
        }
        make_store();
        CPPUNIT_ASSERT_EQUAL(0, ::chown(world.directory.c_str(), 12345, 0));
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 01777));
        assert_refused({world.directory.string()});
    }

    void an_ancestor_that_others_may_write_is_refused()
    {
        const fs::path open_one = world.directory / "open";
        fs::create_directories(open_one / "inner");
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(open_one.c_str(), 0777));
        world.directory = open_one / "inner";
        assert_refused({open_one.string()});
        world.directory = open_one.parent_path();
    }

    void a_relative_path_is_refused()
    {
        const fs::path real = world.directory;
        world.directory = "somewhere";
        assert_refused({"somewhere", "absolute"});
        world.directory = real;
    }

    void a_missing_parent_is_named_with_cause_and_remedy()
    {
        const fs::path real = world.directory;
        world.directory = real / "missing";
        assert_refused({(real / "missing").string(), "No such file or directory", "make the directory", "[apex] replay_directory"});
        world.directory = real;
    }

    void a_symbolic_link_in_the_store_s_place_is_refused()
    {
        make_store();
        fs::rename(world.file("replay.store"), world.file("real"));
        fs::create_symlink("real", world.file("replay.store"));
        assert_refused({world.file("replay.store").string(), "symbolic link"});
    }

    void a_hard_link_to_the_store_is_refused()
    {
        make_store();
        fs::create_hard_link(world.file("replay.store"), world.file("second"));
        assert_refused({world.file("replay.store").string(), "hard links"});
    }

    void a_hard_link_made_while_the_store_is_open_is_refused()
    {
        world.shared_memory = false;
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        fs::create_hard_link(world.file("replay.store"), world.file("second"));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 2)));
        fs::remove(world.file("second"));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 2)));
    }

    void a_fifo_in_the_store_s_place_is_refused_and_does_not_hang()
    {
        make_store();
        fs::remove(world.file("replay.store"));
        CPPUNIT_ASSERT_EQUAL(0, ::mkfifo(world.file("replay.store").c_str(), 0600));
        assert_refused({world.file("replay.store").string(), "not a regular file"});
    }

    void a_store_of_another_owner_is_refused()
    {
        if (!is_root()) {
            return skipped("needs root");
        }
        make_store();
        CPPUNIT_ASSERT_EQUAL(0, ::chown(world.file("replay.store").c_str(), 12345, 0));
        assert_refused({world.file("replay.store").string(), "uid 12345"});
    }

    void a_store_that_others_may_read_is_refused()
    {
        make_store();
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.file("replay.store").c_str(), 0644));
        assert_refused({world.file("replay.store").string(), "open to other users"});
    }

    void a_full_disk_refuses_and_says_so()
    {
        world.shared_memory = false;
        const fs::path small = world.directory / "small";
        fs::create_directory(small);
        if (::mount("tmpfs", small.c_str(), "tmpfs", MS_NODEV, "size=16k,mode=0755") != 0) {
            return skipped("cannot mount a small file system");
        }
        const fs::path real = world.directory;
        world.directory = small;
        const Done done = world.remember(*world.open(), 1);
        // Once there is room, it works, and the half-made files are no obstacle.
        CPPUNIT_ASSERT_EQUAL(0, ::mount("tmpfs", small.c_str(), "tmpfs", MS_REMOUNT, "size=4m"));
        const Done later = world.remember(*world.open(), 2, 3s);
        world.directory = real;
        ::umount2(small.c_str(), MNT_DETACH);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("No space left on device") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::int32_t{-1765328212}, done.error().minor()); // KRB5_RC_IO_SPACE
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(later));
    }

    void a_read_only_file_system_refuses_and_says_so()
    {
        const fs::path fixed = world.directory / "fixed";
        fs::create_directory(fixed);
        if (::mount("tmpfs", fixed.c_str(), "tmpfs", MS_NODEV | MS_RDONLY, "mode=0755") != 0) {
            return skipped("cannot mount a read-only file system");
        }
        const fs::path real = world.directory;
        world.directory = fixed;
        const Done done = world.remember(*world.open(), 1);
        world.directory = real;
        ::umount2(fixed.c_str(), MNT_DETACH);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("Read-only file system") != std::string::npos);
        CPPUNIT_ASSERT(done.error().detail.find("mount it writable") != std::string::npos);
    }

    void a_lack_of_descriptors_refuses_and_passes()
    {
        const auto store = world.open();
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
        const Done done = world.remember(*store, 1);
        ::setrlimit(RLIMIT_NOFILE, &before);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("Too many open files") != std::string::npos);
        world.pass(1s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 1)));
    }

    void a_cause_that_is_gone_is_forgotten()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 0777));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 1)));
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 0755));
        world.pass(1s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 1)));
    }

    // A daemon closes everything above 2 and opens files of its own under the same numbers.
    void a_descriptor_closed_by_the_host_program_harms_nothing()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        int ours = -1;
        for (int number = 3; number < 1024; ++number) {
            std::error_code none;
            const fs::path target = fs::read_symlink("/proc/self/fd/" + std::to_string(number), none);
            if (!none && target == world.file("replay.store")) {
                ours = number;
            }
        }
        CPPUNIT_ASSERT(ours > 2);
        const fs::path victim = world.directory / "victim";
        const Bytes contents(300'000, 0x77);
        write_file(victim, contents);
        const int file = ::open(victim.c_str(), O_RDWR | O_CLOEXEC);
        CPPUNIT_ASSERT_EQUAL(ours, ::dup2(file, ours));
        ::close(file);
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 1)));
        for (std::uint64_t i = 2; i < 500; ++i) {
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, i)));
        }
        CPPUNIT_ASSERT(same(contents, read_file(victim)));
        CPPUNIT_ASSERT(world.events.empty());
        CPPUNIT_ASSERT(::fcntl(ours, F_GETFD) >= 0); // and the host's file is still open
        ::close(ours);
    }

    void a_forked_child_opens_its_own_and_knows_what_the_parent_knows()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const pid_t child = ::fork();
        if (child == 0) {
            const bool good = outcome_of(world.remember(*store, 1)) == replay &&
                              outcome_of(world.remember(*store, 2)) == remembered;
            ::_exit(good ? 0 : 1);
        }
        CPPUNIT_ASSERT_EQUAL(0, wait_for(child));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 2)));
    }

    void a_process_that_becomes_another_user_takes_that_user_s_store()
    {
        if (!is_root()) {
            return skipped("needs root");
        }
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 01777));
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const pid_t child = ::fork();
        if (child == 0) {
            const bool changed = ::setresgid(12345, 12345, 12345) == 0 && ::setresuid(12345, 12345, 12345) == 0;
            const bool good = changed && outcome_of(world.remember(*store, 2)) == remembered &&
                              fs::exists(world.user_directory() / "replay.store");
            ::_exit(good ? 0 : 1);
        }
        CPPUNIT_ASSERT_EQUAL(0, wait_for(child));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 3)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayFilesTest);

} // namespace
} // namespace apex
