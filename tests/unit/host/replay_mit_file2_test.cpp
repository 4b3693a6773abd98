// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include "host/siphash.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace apex {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const std::string remembered = "remembered";
const std::string replay = "Replay";
const std::string failed = "ReplayStoreFailed";

using Tag = std::array<std::uint8_t, 12>;

/// A reader and writer of MIT's format written from its description for this test alone.
class IndependentFile2 final {
public:
    explicit IndependentFile2(Bytes octets) : octets_(std::move(octets)) {}

    /// The time stored for a tag, if the search of MIT's code would come by it.
    [[nodiscard]] std::optional<std::uint32_t> find(const Tag& tag) const
    {
        SipHashKey key{};
        std::copy_n(octets_.begin(), 16, key.begin());
        std::size_t start = 16;
        std::size_t size = 1023;
        for (;;) {
            const std::size_t at = start + siphash_2_4(key, tag) % size * 16;
            for (const std::size_t record : {at, at + 16}) {
                if (record + 16 > octets_.size() || time_at(record) == 0) {
                    return std::nullopt;
                }
                if (std::equal(tag.begin(), tag.end(), octets_.begin() + static_cast<std::ptrdiff_t>(record))) {
                    return time_at(record);
                }
            }
            start = size == 1023 ? 16'384 : start + size * 16;
            size = size == 1023 ? 2048 : size * 2;
            key[0] = static_cast<std::uint8_t>(key[0] + 1);
        }
    }

    /// Puts a tag where MIT would put it into an empty file.
    void put_first(const Tag& tag, std::uint32_t time)
    {
        SipHashKey key{};
        std::copy_n(octets_.begin(), 16, key.begin());
        const std::size_t at = 16 + siphash_2_4(key, tag) % 1023 * 16;
        octets_.resize(std::max(octets_.size(), at + 16));
        std::copy(tag.begin(), tag.end(), octets_.begin() + static_cast<std::ptrdiff_t>(at));
        for (std::size_t i = 0; i < 4; ++i) {
            octets_[at + 12 + i] = static_cast<std::uint8_t>(time >> (24 - 8 * i));
        }
    }

    [[nodiscard]] const Bytes& octets() const { return octets_; }

private:
    [[nodiscard]] std::uint32_t time_at(std::size_t record) const
    {
        std::uint32_t time = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            time = time << 8 | octets_[record + 12 + i];
        }
        return time;
    }

    Bytes octets_;
};

Tag last_octets(const Bytes& ciphertext, std::size_t hash_length)
{
    Tag tag{};
    const auto start = ciphertext.end() - static_cast<std::ptrdiff_t>(hash_length);
    std::copy_n(start, std::min<std::size_t>(hash_length, 12), tag.begin());
    return tag;
}

class ReplayMitFile2Test : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayMitFile2Test);
    CPPUNIT_TEST(siphash_gives_the_reference_values);
    CPPUNIT_TEST(an_authenticator_succeeds_once);
    CPPUNIT_TEST(an_independent_reader_finds_what_was_written);
    CPPUNIT_TEST(what_an_independent_writer_wrote_is_found);
    CPPUNIT_TEST(the_tag_is_the_checksum_of_each_encryption_type);
    CPPUNIT_TEST(thousands_of_records_are_all_found);
    CPPUNIT_TEST(an_expired_record_gives_its_place);
    CPPUNIT_TEST(a_record_dated_ahead_is_kept_until_it_is_stale);
    CPPUNIT_TEST(the_default_file_may_not_be_a_symbolic_link);
    CPPUNIT_TEST(a_named_file_may_be_a_symbolic_link);
    CPPUNIT_TEST(a_default_file_that_others_may_write_is_refused);
    CPPUNIT_TEST(a_file_cut_within_its_key_is_refused);
    CPPUNIT_TEST(sharing_sees_what_the_built_in_mechanism_accepted);
    CPPUNIT_TEST(sharing_shows_the_built_in_mechanism_what_was_accepted);
    CPPUNIT_TEST_SUITE_END();

    ReplayWorld world;
    fs::path path = world.directory / "krb5_0.rcache2";

    MitFile2ReplayCache cache() { return {path, MitFile2ReplayCache::PathPolicy::own_default}; }

public:
    // J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", appendix A, and vectors.h of their code.
    void siphash_gives_the_reference_values()
    {
        SipHashKey key{};
        Bytes message;
        for (std::uint8_t i = 0; i < 16; ++i) {
            key[i] = i;
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x726fdb47dd0e0e31}, siphash_2_4(key, message));
        for (std::uint8_t i = 0; i < 15; ++i) {
            message.push_back(i);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0xa129ca6149be45e5}, siphash_2_4(key, message));
    }

    void an_authenticator_succeeds_once()
    {
        auto one = cache();
        auto two = cache();
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(one, 1)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(two, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(two, 2)));
    }

    void an_independent_reader_finds_what_was_written()
    {
        auto store = cache();
        CPPUNIT_ASSERT(world.remember(store, 1));
        const IndependentFile2 file(read_file(path));
        const auto time = file.find(last_octets(ReplayWorld::authenticator(1), 12));
        CPPUNIT_ASSERT(time.has_value());
        CPPUNIT_ASSERT_EQUAL(static_cast<std::uint32_t>(seconds_of(world.now)), *time);
        CPPUNIT_ASSERT(!file.find(last_octets(ReplayWorld::authenticator(2), 12)));
    }

    void what_an_independent_writer_wrote_is_found()
    {
        IndependentFile2 file(Bytes(16, 0x3c));
        file.put_first(last_octets(ReplayWorld::authenticator(1), 12),
                       static_cast<std::uint32_t>(seconds_of(world.now)));
        write_file(path, file.octets());
        auto store = cache();
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(store, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(store, 2)));
    }

    void the_tag_is_the_checksum_of_each_encryption_type()
    {
        auto store = cache();
        Bytes octets(100);
        std::uint8_t number = 0;
        for (const auto& [type, length] : {std::pair{17, 12}, {18, 12}, {19, 16}, {20, 24}, {23, 16}, {25, 16}}) {
            for (std::uint8_t& octet : octets) {
                octet = ++number;
            }
            CPPUNIT_ASSERT(store.remember(octets, static_cast<EncryptionType>(type), world.now, world.skew, world.now));
            CPPUNIT_ASSERT(IndependentFile2(read_file(path)).find(last_octets(octets, static_cast<std::size_t>(length))));
        }
    }

    void thousands_of_records_are_all_found()
    {
        auto store = cache();
        for (std::uint64_t i = 0; i < 5000; ++i) {
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(store, i)));
        }
        const IndependentFile2 file(read_file(path));
        for (std::uint64_t i = 0; i < 5000; ++i) {
            CPPUNIT_ASSERT(file.find(last_octets(ReplayWorld::authenticator(i), 12)));
            CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(store, i)));
        }
    }

    void an_expired_record_gives_its_place()
    {
        auto store = cache();
        for (std::uint64_t i = 0; i < 3000; ++i) {
            CPPUNIT_ASSERT(world.remember(store, i));
        }
        const auto size = fs::file_size(path);
        world.pass(301s);
        for (std::uint64_t i = 10'000; i < 12'000; ++i) {
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(store, i)));
        }
        CPPUNIT_ASSERT(fs::file_size(path) <= size + 16 * 4096);
    }

    // MIT would store the time of receipt here and let the record be overwritten after the skew.
    void a_record_dated_ahead_is_kept_until_it_is_stale()
    {
        auto store = cache();
        CPPUNIT_ASSERT(world.remember(store, 1, 290s));
        const Time dated = world.now + 290s;
        world.pass(400s);
        for (std::uint64_t i = 10; i < 5000; ++i) {
            CPPUNIT_ASSERT(world.remember(store, i));
        }
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(store, 1, dated - world.now)));
    }

    void the_default_file_may_not_be_a_symbolic_link()
    {
        fs::create_symlink(world.directory / "target", path);
        auto store = cache();
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(store, 1)));
        CPPUNIT_ASSERT(!fs::exists(world.directory / "target"));
    }

    void a_named_file_may_be_a_symbolic_link()
    {
        fs::create_symlink(world.directory / "target", path);
        MitFile2ReplayCache store(path, MitFile2ReplayCache::PathPolicy::as_named);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(store, 1)));
    }

    void a_default_file_that_others_may_write_is_refused()
    {
        auto store = cache();
        CPPUNIT_ASSERT(world.remember(store, 1));
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(path.c_str(), 0666));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(store, 2)));
    }

    void a_file_cut_within_its_key_is_refused()
    {
        write_file(path, Bytes(7, 1));
        auto store = cache();
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(store, 1)));
    }

    void sharing_sees_what_the_built_in_mechanism_accepted()
    {
        ReplayStoreSettings settings = world.settings();
        settings.share_mit_file2 = true;
        settings.mit_file2_path = path;
        const auto shared = replay_cache_from_name("dfl:", settings);
        CPPUNIT_ASSERT(shared);
        auto built_in = cache();
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(built_in, 1)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(**shared, 1)));
    }

    void sharing_shows_the_built_in_mechanism_what_was_accepted()
    {
        ReplayStoreSettings settings = world.settings();
        settings.share_mit_file2 = true;
        settings.mit_file2_path = path;
        const auto shared = replay_cache_from_name("", settings);
        CPPUNIT_ASSERT(shared);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(**shared, 1)));
        CPPUNIT_ASSERT(IndependentFile2(read_file(path)).find(last_octets(ReplayWorld::authenticator(1), 12)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*world.open(), 1)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayMitFile2Test);

} // namespace
} // namespace apex
