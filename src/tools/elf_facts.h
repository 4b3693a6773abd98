// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace apex {

/// ElfFacts is what a shared object says of itself without being loaded.
struct ElfFacts final {
    bool has_interposer = false;             ///< it defines gss_mech_interposer
    std::optional<std::string> apex_version; ///< the text of its symbol apex_version
};

/// read_elf reads the dynamic symbols out of the octets of a 64-bit little-endian ELF object, which need not be well
/// meant: nothing of it is run, and every offset is checked. Nothing where it is no such object.
std::optional<ElfFacts> read_elf(std::string_view object);

} // namespace apex
