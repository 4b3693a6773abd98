// SPDX-License-Identifier: MIT
#include "apex/protection/sequence_window.h"

#include "protection_pair.h"

#include <cppunit/extensions/HelperMacros.h>
#include <random>
#include <set>

namespace apex::test {
namespace {

// Wide enough for a number that 64 bits cannot hold.
__extension__ using Wide = unsigned __int128;

constexpr SequenceRules both{.replay = true, .sequence = true};
constexpr SequenceRules replay_only{.replay = true, .sequence = false};
constexpr SequenceRules sequence_only{.replay = false, .sequence = true};
constexpr SequenceRules neither{};
constexpr SequenceRules all_rules[] = {both, replay_only, sequence_only, neither};

/// Model is the window as its description reads: a set of all that ever arrived, without any limit of bits.
class Model final {
public:
    Model(std::uint64_t first, SequenceRules rules) : first_(first), rules_(rules) {}

    Ordering receive(std::uint64_t number)
    {
        if (!rules_.replay && !rules_.sequence) {
            return Ordering::InOrder;
        }
        const Wide relative = static_cast<std::uint64_t>(number - first_);
        if (relative >= expected_) {
            const bool jumped = relative > expected_;
            expected_ = relative + 1;
            arrived_.insert(number);
            return jumped && rules_.sequence ? Ordering::Gap : Ordering::InOrder;
        }
        if (expected_ - relative > 64) {
            return rules_.sequence ? Ordering::Unsequenced : Ordering::Old;
        }
        if (!arrived_.insert(number).second && rules_.replay) {
            return Ordering::Duplicate;
        }
        return rules_.sequence ? Ordering::Unsequenced : Ordering::InOrder;
    }

private:
    std::uint64_t first_;
    SequenceRules rules_;
    Wide expected_ = 0;
    std::set<std::uint64_t> arrived_;
};

} // namespace

class SequenceWindowTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SequenceWindowTest);
    CPPUNIT_TEST(numbers_in_order_are_in_order);
    CPPUNIT_TEST(the_first_number_again_is_a_duplicate);
    CPPUNIT_TEST(a_jump_is_a_gap_only_if_sequence_was_promised);
    CPPUNIT_TEST(what_the_gap_left_out_is_unsequenced_and_then_duplicate);
    CPPUNIT_TEST(without_rules_everything_is_in_order);
    CPPUNIT_TEST(the_window_is_sixty_four_numbers_wide);
    CPPUNIT_TEST(wide_gaps_empty_the_window_without_false_duplicates);
    CPPUNIT_TEST(the_number_before_the_first_does_not_start_the_count_again);
    CPPUNIT_TEST(numbers_go_on_past_the_end_of_64_bits);
    CPPUNIT_TEST(numbers_of_32_bits_start_again_at_zero);
    CPPUNIT_TEST(the_state_continues_where_it_stopped);
    CPPUNIT_TEST(a_million_random_numbers_agree_with_the_model);
    CPPUNIT_TEST_SUITE_END();

public:
    void numbers_in_order_are_in_order()
    {
        for (const SequenceRules rules : all_rules) {
            SequenceWindow window(0x7fffffff, rules);
            for (std::uint64_t step = 0; step < 200; ++step) {
                CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(0x7fffffff + step));
            }
        }
    }

    void the_first_number_again_is_a_duplicate()
    {
        for (const SequenceRules rules : {both, replay_only}) {
            SequenceWindow window(5, rules);
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(5));
            CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, window.receive(5));
        }
    }

    void a_jump_is_a_gap_only_if_sequence_was_promised()
    {
        SequenceWindow strict(5, both);
        CPPUNIT_ASSERT_EQUAL(Ordering::Gap, strict.receive(6));
        SequenceWindow lenient(5, replay_only);
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, lenient.receive(6));
    }

    void what_the_gap_left_out_is_unsequenced_and_then_duplicate()
    {
        SequenceWindow window(5, both);
        CPPUNIT_ASSERT_EQUAL(Ordering::Gap, window.receive(8));
        CPPUNIT_ASSERT_EQUAL(Ordering::Unsequenced, window.receive(6));
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, window.receive(6));
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, window.receive(8));
        SequenceWindow unordered(5, replay_only);
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, unordered.receive(8));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, unordered.receive(6));
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, unordered.receive(6));
    }

    void without_rules_everything_is_in_order()
    {
        SequenceWindow window(5, neither);
        for (const std::uint64_t number : {5U, 5U, 9U, 0U, 5U}) {
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(number));
        }
    }

    void the_window_is_sixty_four_numbers_wide()
    {
        SequenceWindow window(0, replay_only);
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(100));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(101 - 64));
        CPPUNIT_ASSERT_EQUAL(Ordering::Old, window.receive(100 - 64));
        SequenceWindow ordered(0, both);
        CPPUNIT_ASSERT_EQUAL(Ordering::Gap, ordered.receive(100));
        CPPUNIT_ASSERT_EQUAL(Ordering::Unsequenced, ordered.receive(100 - 64));
        CPPUNIT_ASSERT_EQUAL(Ordering::Unsequenced, ordered.receive(100 - 64));
    }

    void wide_gaps_empty_the_window_without_false_duplicates()
    {
        for (const std::uint64_t gap : {62ULL, 63ULL, 64ULL, 65ULL, 66ULL, 127ULL, 1ULL << 32, 1ULL << 63}) {
            for (const SequenceRules rules : all_rules) {
                SequenceWindow window(7, rules);
                Model model(7, rules);
                CPPUNIT_ASSERT_EQUAL(model.receive(7), window.receive(7));
                CPPUNIT_ASSERT_EQUAL(model.receive(8 + gap), window.receive(8 + gap));
                for (std::uint64_t back = 0; back < 70; ++back) {
                    CPPUNIT_ASSERT_EQUAL(model.receive(8 + gap - back), window.receive(8 + gap - back));
                }
                for (const std::uint64_t number : {std::uint64_t{7}, std::uint64_t{8}, 9 + gap}) {
                    CPPUNIT_ASSERT_EQUAL(model.receive(number), window.receive(number));
                }
            }
        }
    }

    void the_number_before_the_first_does_not_start_the_count_again()
    {
        SequenceWindow window(10, replay_only);
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(10));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(9));
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, window.receive(9));
        CPPUNIT_ASSERT_EQUAL(Ordering::Old, window.receive(10));
    }

    void numbers_go_on_past_the_end_of_64_bits()
    {
        SequenceWindow window(UINT64_MAX - 1, both);
        for (const std::uint64_t number : {UINT64_MAX - 1, UINT64_MAX, std::uint64_t{0}, std::uint64_t{1}}) {
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(number));
        }
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, window.receive(UINT64_MAX));
    }

    void numbers_of_32_bits_start_again_at_zero()
    {
        SequenceWindow window(0xfffffffe, both, SequenceWindow::Space::bits32);
        for (const std::uint64_t number : {0xfffffffeU, 0xffffffffU, 0U, 1U}) {
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, window.receive(number));
        }
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, window.receive(0xffffffff));
        SequenceWindow whole(0, both, SequenceWindow::Space::bits32);
        CPPUNIT_ASSERT_EQUAL(Ordering::Gap, whole.receive(0xffffffff));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, whole.receive(0));
    }

    void the_state_continues_where_it_stopped()
    {
        SequenceWindow window(3, both);
        window.receive(3);
        window.receive(9);
        SequenceWindow other(window.state(), window.rules(), SequenceWindow::Space::bits64);
        CPPUNIT_ASSERT(other.state() == window.state());
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, other.receive(3));
        CPPUNIT_ASSERT_EQUAL(Ordering::Unsequenced, other.receive(4));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, other.receive(10));
    }

    void a_million_random_numbers_agree_with_the_model()
    {
        std::mt19937_64 random(20261124);
        constexpr std::uint64_t gaps[] = {62, 63, 64, 65, 66, 127, 1ULL << 32, 1ULL << 63};
        for (std::size_t run = 0; run < 10000; ++run) {
            const SequenceRules rules = all_rules[run % 4];
            const std::uint64_t first = run % 3 == 0 ? random() : (run % 3 == 1 ? UINT64_MAX - random() % 99 : random() % 9);
            SequenceWindow window(first, rules);
            Model model(first, rules);
            std::uint64_t highest = first;
            for (std::size_t step = 0; step < 100; ++step) {
                std::uint64_t number = highest;
                switch (random() % 8) {
                case 0: number += random() % 4; break;
                case 1: number -= random() % 70; break;
                case 2: number += random() % 70; break;
                case 3: number += gaps[random() % 7]; break;
                case 4: number = random() % 512 == 0 ? number + gaps[7] : number + 1; break;
                case 5: number = random() % 512 == 0 ? random() : number + 1; break;
                default: ++number; break;
                }
                CPPUNIT_ASSERT_EQUAL(model.receive(number), window.receive(number));
                if (number - first > highest - first) {
                    highest = number;
                }
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SequenceWindowTest);

} // namespace apex::test
