// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/krb5_handle.h"
#include "apex/messages/principal.h"
#include "host/json.h"
#include "host/temporary_cache.h"

#include <memory>
#include <optional>
#include <string>

namespace apex {

// The parts of an exported credential in JSON. Reading fails with Fault::MalformedToken.

/// A principal as text, or null.
JsonValue json_of(const std::optional<Principal>& principal);
Result<std::optional<Principal>> optional_principal(const JsonValue& value);

/// A text, or null.
JsonValue json_of(const std::optional<std::string>& text);
Result<std::optional<std::string>> optional_text(const JsonValue& value);

/// A number that fits 32 bits, read as signed or unsigned.
Result<std::uint32_t> number32(const JsonValue& value);

/// All of a cache: its principal, then its tickets.
Result<JsonValue> json_of_cache(const Krb5Context& context, krb5_ccache cache);
Result<std::shared_ptr<const TemporaryCache>> cache_of_json(const Krb5Context& context, const JsonValue& value);

} // namespace apex
