// SPDX-License-Identifier: MIT
#pragma once

#include <cppunit/TestAssert.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex::test {

/// outcome_in_a_child runs `work` in a forked child, which has ten seconds for it and ends without the parent's
/// destructors. It gives waitpid's status: 0 if `work` returned and threw nothing.
template <typename Work>
int outcome_in_a_child(const Work& work)
{
    const pid_t child = fork();
    if (child == 0) {
        alarm(10);
        try {
            work();
            _exit(0);
        } catch (...) {
            _exit(1);
        }
    }
    int status = -1;
    CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
    return status;
}

} // namespace apex::test
