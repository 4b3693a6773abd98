// SPDX-License-Identifier: MIT
#include "host/passwd.h"

#include <cerrno>
#include <pwd.h>
#include <vector>

namespace apex {

std::optional<std::string> login_name_of(uid_t user)
{
    constexpr std::size_t most = 1024 * 1024;
    std::vector<char> room(4096);
    passwd entry{};
    passwd* found = nullptr;
    int code = getpwuid_r(user, &entry, room.data(), room.size(), &found);
    while (code == ERANGE && room.size() < most) {
        room.resize(room.size() * 2);
        code = getpwuid_r(user, &entry, room.data(), room.size(), &found);
    }
    if (code != 0 || found == nullptr) {
        return std::nullopt;
    }
    return std::string(found->pw_name);
}

} // namespace apex
