// SPDX-License-Identifier: MIT
#pragma once

#include "der_tree.h"
#include "message_sample.h"
#include "taken_apart.h"

#include <cppunit/TestAssert.h>

#include <string>

namespace apex {

inline std::string label(const MessageSample& sample)
{
    return sample.name + " " + sample.type;
}

/// expect_refusal wants `octets` refused, with a fault of the decoders and a detail of bounded length.
inline void expect_refusal(const MessageSample& sample, ByteView octets, const std::string& change)
{
    const Result<TakenApart> taken = take_apart(sample.type, octets);
    CPPUNIT_ASSERT_MESSAGE(label(sample) + " accepted with " + change + ": " + hex(octets), !taken);
    const Fault fault = taken.error().fault;
    CPPUNIT_ASSERT(fault == Fault::MalformedMessage || fault == Fault::WrongMessageType ||
                   fault == Fault::UnsupportedVersion);
    CPPUNIT_ASSERT(!taken.error().detail.empty());
    CPPUNIT_ASSERT(taken.error().detail.size() < 400);
}

/// Samples of each type, large and small; those beyond 400 octets only where the test is linear.
template <typename Test>
void for_small_samples(Test test)
{
    std::size_t tested = 0;
    for (const MessageSample& sample : message_samples()) {
        if (sample.der.size() <= 400) {
            test(sample);
            ++tested;
        }
    }
    CPPUNIT_ASSERT(tested >= 25);
}

/// Applies `change` to every element of a sample in turn, and gives the encoding to `check`. `change` tells whether it
/// changed anything.
template <typename Change, typename Check>
void with_each_element_changed(const MessageSample& sample, Change change, Check check)
{
    const DerTree original = DerTree::from(sample.der);
    std::size_t count = 0;
    DerTree counted = original;
    counted.walk([&](DerTree&) { ++count; });
    for (std::size_t chosen = 0; chosen < count; ++chosen) {
        DerTree tree = original;
        std::size_t at = 0;
        bool changed = false;
        tree.walk([&](DerTree& element) {
            if (at++ == chosen) {
                changed = change(element);
            }
        });
        if (changed) {
            check(tree.encode());
        }
    }
}

} // namespace apex
