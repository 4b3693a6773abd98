// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"

#include <memory>
#include <sys/types.h>
#include <vector>

namespace apex {

class Context;

/// Answers are the buffers of one inquiry. Some hold keys.
struct Answers final {
    using HandedOut = std::unique_ptr<void, void (*)(void*) noexcept>;

    std::vector<Secret> members;
    /// A structure whose address is an answer: it becomes the caller's (release()) when the answers have been given.
    HandedOut handed_out{nullptr, nullptr};
};

/// inquire_context answers gss_inquire_sec_context_by_oid: session keys, SSF, ticket flags, authentication time,
/// authorization data and lucid contexts (spec/loading 1.10). Fault::Unavailable for an OID not in the table, Fault::ContextIncomplete.
Result<Answers> inquire_context(const Context& context, ByteView object);

/// pseudo_random computes RFC 4401/4402: `length` octets of PRF(key, counter | input). `which`: 0 = full (acceptor's
/// subkey if any), 1 = partial (initiator's). Fault::BadCall for another value or a negative length.
Result<Secret> pseudo_random(const Context& context, int which, ByteView input, ssize_t length);

} // namespace apex
