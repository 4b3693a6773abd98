// SPDX-License-Identifier: MIT
#pragma once

#include "apex/gss/context_inquiries.h"

namespace apex {

/// lucid_context makes what gss_krb5_export_lucid_sec_context hands out (gssapi_krb5.h, version 1): the keys and numbers of
/// an established context in the open, for programs that protect messages in a kernel. The octets of the answer are the
/// address of the structure. Fault::ContextIncomplete, ContextFailed, NoMemory; BadCall for another version.
Result<Answers> lucid_context(const Context& context, std::int32_t version);

/// release_lucid_context wipes and frees such a structure; null is fine.
void release_lucid_context(void* lucid) noexcept;

} // namespace apex
