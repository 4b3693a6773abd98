// SPDX-License-Identifier: MIT
#include "apex/exchange/context_flags.h"

#include <array>
#include <string_view>

namespace apex {
namespace {

struct FlagName final {
    ContextFlags bit;
    std::string_view name;
};

constexpr std::array names = std::to_array<FlagName>({
    {flag::delegate, "delegate"},
    {flag::mutual, "mutual"},
    {flag::replay, "replay"},
    {flag::sequence, "sequence"},
    {flag::confidentiality, "confidentiality"},
    {flag::integrity, "integrity"},
    {flag::anonymous, "anonymous"},
    {flag::protection_ready, "protection-ready"},
    {flag::transferable, "transferable"},
    {flag::channel_bound, "channel-bound"},
    {flag::dce_style, "dce-style"},
    {flag::identify, "identify"},
    {flag::extended_error, "extended-error"},
    {flag::delegate_by_policy, "delegate-by-policy"},
});

} // namespace

std::string flags_text(ContextFlags flags)
{
    std::string text;
    for (const FlagName& entry : names) {
        if ((flags & entry.bit) != 0) {
            text += text.empty() ? "" : " ";
            text += entry.name;
        }
    }
    return text.empty() ? "none" : text;
}

} // namespace apex
