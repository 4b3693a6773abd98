// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

namespace apex {

/// ChildReport is what a child process said before it ended, or why it said nothing.
struct ChildReport final {
    std::string text;    ///< what it wrote
    std::string trouble; ///< empty where it ended in good order
};

/// ask_child runs `work` in a forked process and collects the text that it returns. A module that crashes, hangs or
/// prints does so there: standard input and output are /dev/null, and after ten seconds the child is ended.
ChildReport ask_child(const std::function<std::string()>& work);

} // namespace apex
