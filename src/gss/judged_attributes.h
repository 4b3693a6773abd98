// SPDX-License-Identifier: MIT
#pragma once

#include "apex/gss/name_attributes.h"
#include "apex/messages/pac.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// PlainAttribute is an attribute of Apex: something that a verified PAC says, as text.
struct PlainAttribute final {
    std::string name;
    std::vector<std::string> values; // at least one
};

/// PacEvidence is a PAC and whether it may be believed.
struct PacEvidence final {
    std::optional<Pac> pac; // none: there is none that could be read
    bool verified = false;
    std::string objection; // why not; empty: it is, or there is none
};

/// JudgedAttributes is what came out of the judgement of a PAC and of authentication indicators. An unverified PAC is
/// listed as MIT lists it, by the names of its buffers, but none of its values is given: many programs do not look at the
/// `authenticated` that comes with them.
class JudgedAttributes final : public NameAttributes {
public:
    JudgedAttributes(PacEvidence pac, std::vector<std::string> indicators);

    [[nodiscard]] std::vector<std::string> list() const override;
    [[nodiscard]] Result<NameAttribute> value(std::string_view attribute, int more) const override;
    [[nodiscard]] std::optional<Bytes> verified_pac() const override;
    [[nodiscard]] Bytes exported() const override;

    [[nodiscard]] const PacEvidence& pac() const noexcept { return pac_; }
    /// Why a verified PAC gave no plain attributes; empty: it did, or has nothing to say.
    [[nodiscard]] const std::string& unreadable() const noexcept { return unreadable_; }

private:
    [[nodiscard]] Result<NameAttribute> pac_value(std::string_view attribute, int more) const;
    [[nodiscard]] Result<NameAttribute> plain_value(std::string_view attribute, int more) const;

    PacEvidence pac_;
    std::vector<std::string> indicators_;
    std::vector<PlainAttribute> plain_;
    std::string unreadable_;
};

} // namespace apex
