// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

/// TraceRole says which side of an exchange made a decision.
enum class TraceRole : std::uint8_t { neither, initiator, acceptor };

/// TraceFact is one value that a decision rested on. Never key, ticket or plaintext octets (INVARIANTS K2); a key is
/// shown as its encryption type and fingerprint.
struct TraceFact final {
    std::string_view name; // a literal: lower-case words joined by '-'
    std::string value;
};

/// TraceEvent is one decision with its facts. All of them are listed in trace_events.h.
struct TraceEvent final {
    std::string_view name; // a literal for machines, such as "ticket-opened"
    TraceRole role = TraceRole::neither;
    unsigned step = 0; // 1..6, the step of the exchange; 0: none of them
    std::string_view sentence; // a literal for people
    std::vector<TraceFact> facts;
};

/// Trace is the port to whoever listens to decisions. An implementation never fails, delays or blocks its caller and is
/// safe for concurrent use.
class Trace {
public:
    virtual ~Trace() = default;
    virtual void record(const TraceEvent& event) noexcept = 0;
};

/// role_name gives "initiator", "acceptor" or "-".
std::string_view role_name(TraceRole role) noexcept;

/// escape_octet shows one octet of a text that a peer may have chosen: itself, or \xNN for control characters, octets above
/// 126, backslashes and quotes. The view points into `room` or at `octet`'s copy in it.
std::string_view escape_octet(char octet, std::array<char, 4>& room) noexcept;

/// escape_text makes a text safe for a line of a log with escape_octet. No more than `limit` octets come out; the last
/// three are dots if it was cut.
std::string escape_text(std::string_view text, std::size_t limit = 512);

/// tell hands an event of trace_events.h to the listener. With nobody listening the cost is one test of a pointer, so
/// give `make` as a lambda that builds the event: tell(trace, [&] { return TicketOpened{...}; });
template <typename Make>
void tell(Trace* trace, const Make& make)
{
    if (trace != nullptr) {
        trace->record(make().event());
    }
}

} // namespace apex
