// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "host/file_stamp.h"

#include <krb5.h>
#include <optional>
#include <string>
#include <vector>

// Exported by libkrb5 (krb5_3_MIT) and not declared in its header: the files that krb5_init_context reads, after
// secure_getenv("KRB5_CONFIG").
extern "C" krb5_error_code krb5_get_default_config_files(char*** file_names);
extern "C" void krb5_free_config_files(char** file_names);

namespace apex {

/// WatchedFile is a file that was read, or looked for in vain: a file may appear (INVARIANTS E2).
struct WatchedFile final {
    std::string path;
    std::optional<FileStamp> stamp; // none: not there

    /// Looks at the file now.
    static WatchedFile at(const std::string& path);
    /// Whether the file is still as it was. One system call.
    [[nodiscard]] bool holds() const;
    /// Whether the next change is sure to show.
    [[nodiscard]] bool settled() const;
};

/// configuration_files lists everything that libkrb5 reads as krb5.conf: the files of KRB5_CONFIG or the compiled-in
/// ones, and what they include, files and directories. Fault::BadSetting if libkrb5 cannot tell.
Result<std::vector<WatchedFile>> configuration_files();

/// doubts_about says in words what others could do with the files: one that anybody may write, one that belongs to
/// neither root nor us. Reported, not refused: MIT works with such files (INVARIANTS E2).
std::vector<std::string> doubts_about(const std::vector<WatchedFile>& files);

/// all_hold tells whether no file has changed.
bool all_hold(const std::vector<WatchedFile>& files);

} // namespace apex
