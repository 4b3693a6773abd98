// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <gssapi/gssapi.h>

namespace apex::test {

/// allow lets this thread make `count` more allocations of the kinds watched: every operator new, and the C allocations of
/// the module and the mechglue (what libkrb5 does without memory is its own affair). Negative: all.
void allow(long count) noexcept;

/// allow_all ends the restriction; gives what was left of it.
long allow_all() noexcept;

/// expect notes that something was not as expected; CppUnit's own assertions allocate, so they must wait.
void expect(bool condition) noexcept;

/// until_it_succeeds runs a call with 0, 1, 2, ... allocations allowed until it succeeds; gives the number of failures.
/// `prepare` comes before each number of allocations, with all allowed.
long until_it_succeeds(const std::function<OM_uint32()>& run, const std::function<void()>& prepare = {});

/// while_it_fails does the same with a call that fails with any memory: `most` times.
void while_it_fails(const std::function<OM_uint32()>& run, long most);

} // namespace apex::test
