// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

/// LineProblem says why the mechglue gets nothing, or not what was meant, out of a line. It never says so itself.
enum class LineProblem {
    None,
    Comment,       ///< `#` in column 0, but what follows reads like an entry
    LeadingBlank,  ///< the name is empty and every field moves up by one
    Incomplete,    ///< fewer than three fields
    BadOid,        ///< the second field is no object identifier
    OverlongOid,   ///< an arc that does not fit 64 bits: the mechglue cuts the identifier there
    NotInterposer, ///< no type: the library is a mechanism for its own identifier, not for Kerberos
    WrongType,     ///< a type other than the exact word `interposer`
};

/// ConfigLine is one line of a mech file as MIT's mechglue splits it (loadConfigFile in g_initialize.c).
struct ConfigLine final {
    std::string file;
    std::size_t number = 0; ///< from 1
    std::string text;       ///< as it stands in the file, without the line end
    std::string name;
    std::string oid;     ///< as written
    Bytes oid_body;      ///< as the mechglue encodes it; empty where it drops the line
    std::string library; ///< as written
    std::string type;    ///< between `<` and `>`; empty where there is none
    LineProblem problem = LineProblem::None;

    /// used tells whether the mechglue makes an entry of the line.
    [[nodiscard]] bool used() const noexcept { return !oid_body.empty(); }
    [[nodiscard]] bool interposer() const noexcept { return type == "interposer"; }
};

/// read_mech_config splits a file into lines that mean something: entries, and lines that were meant as entries.
/// Blank lines and plain comments are left out.
std::vector<ConfigLine> read_mech_config(std::string_view file, std::string_view content);

/// ConfiguredMechanism is an entry of the mechglue's list after all files have been read.
struct ConfiguredMechanism final {
    ConfigLine line;      ///< the line that made the entry; name and type are its
    ConfigLine path_line; ///< the last line with the same identifier: the library is taken from this one
    std::string path;     ///< of the library, absolute
};

/// configured_mechanisms makes the list that the mechglue makes: in the order of the lines; a later line with the
/// same identifier replaces the library and nothing else; a relative library is looked up in `library_folder`.
std::vector<ConfiguredMechanism> configured_mechanisms(const std::vector<ConfigLine>& lines,
                                                       std::string_view library_folder);

/// looks_like_apex tells whether a line was meant to enable Apex: by its name, its identifier or its library.
bool looks_like_apex(const ConfigLine& line);

} // namespace apex
