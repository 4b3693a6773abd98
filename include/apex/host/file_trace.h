// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/trace.h"

#include <string>

namespace apex {

/// FileTrace appends one line per event to a file:
///
///     2026-11-24T05:06:07.123456Z 4711 acceptor step 2: ticket opened service=host/a.b@R kvno=3 ...
///
/// The file is opened, written with one call and closed for each event, so no descriptor is kept that the host could
/// close and reuse, and lines of several processes do not mix. What cannot be written is dropped: no failure, no
/// blocking (a FIFO without reader or a slow device loses lines), errno is left alone. Created with mode 0600; symbolic
/// links are not followed at the last component.
class FileTrace final : public Trace {
public:
    explicit FileTrace(std::string path) : path_(std::move(path)) {}
    void record(const TraceEvent& event) noexcept override;

private:
    const std::string path_;
};

} // namespace apex
