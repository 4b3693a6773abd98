// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/krb5_handle.h"
#include "apex/messages/principal.h"

#include <memory>
#include <string>

namespace apex {

/// TemporaryCache is a credential cache in memory that is destroyed with the last holder of the object.
class TemporaryCache final {
public:
    /// Makes an empty cache; `owner` initialises it. Fault::Library.
    static Result<std::shared_ptr<const TemporaryCache>> make(const Krb5Context& context);
    static Result<std::shared_ptr<const TemporaryCache>> make(const Krb5Context& context, const Principal& owner);

    explicit TemporaryCache(std::string name) noexcept : name_(std::move(name)) {}
    ~TemporaryCache();
    TemporaryCache(const TemporaryCache&) = delete;
    TemporaryCache& operator=(const TemporaryCache&) = delete;

    /// The full name, "MEMORY:...".
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
};

/// open_cache opens a credential cache by its name. Fault::NoCredential with libkrb5's code.
Result<Krb5Ccache> open_cache(const Krb5Context& context, const std::string& name);

/// full_name_of gives a cache's name with its type. Fault::Library.
Result<std::string> full_name_of(const Krb5Context& context, krb5_ccache cache);

/// owner_of gives a cache's principal; none if the cache does not exist yet. Fault::NoCredential with libkrb5's code.
Result<std::optional<Principal>> owner_of(const Krb5Context& context, krb5_ccache cache);

/// copy_tickets adds all of a cache to another one. Fault::Library.
Done copy_tickets(const Krb5Context& context, krb5_ccache from, krb5_ccache to);

} // namespace apex
