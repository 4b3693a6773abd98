// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <map>
#include <string>
#include <vector>

namespace apex {

/// MessageSample is an encoding with the values that its origin gives to its fields.
struct MessageSample final {
    std::string name;
    std::string type;
    Bytes der;
    std::map<std::string, std::string> fields;
};

/// message_samples reads tests/vectors/messages_samples.txt and messages_captures.txt, once. The directory of the
/// sources is $srcdir, as make check sets it, or else the current one.
const std::vector<MessageSample>& message_samples();

/// message_sample finds the sample of that name and type; it must exist.
const MessageSample& message_sample(const std::string& name, const std::string& type);

} // namespace apex
