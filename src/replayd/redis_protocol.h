// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace apex::replayd {

/// Reply is what the engine said to one command.
struct Reply final {
    enum class Kind : std::uint8_t { status, text, number, nothing, list, error };
    Kind kind = Kind::nothing;
    std::string text; // of a status, text or error
    std::int64_t number = 0;
    std::vector<Reply> list;

    [[nodiscard]] bool is_ok() const { return kind == Kind::status && text == "OK"; }
};

/// append_command adds a command with its words to what will be sent.
void append_command(Bytes& output, const std::vector<std::string_view>& words);

/// ReplyReader takes octets as they come and gives whole replies.
class ReplyReader final {
public:
    ReplyReader();
    ~ReplyReader();
    ReplyReader(const ReplyReader&) = delete;
    ReplyReader& operator=(const ReplyReader&) = delete;

    void feed(ByteView octets);
    /// The next reply, or nothing if it is not complete. Throws std::runtime_error if the octets are no replies.
    std::optional<Reply> next();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace apex::replayd
