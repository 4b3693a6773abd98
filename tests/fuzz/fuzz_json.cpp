// SPDX-License-Identifier: MIT
#include "host/json.h"
#include "require.h"

#include <cstdlib>

// The text of an exported credential. What the reader accepts, it must write to something that reads as the same.

namespace apex {
namespace {

using fuzz::require;

void walk(const JsonValue& value, int depth)
{
    require(depth <= 8);
    if (const auto octets = value.octets()) {
        const JsonValue again = JsonValue::base64(octets->view());
        require(same(again.octets().value().view(), octets->view()));
    }
    if (const auto members = value.array()) {
        for (const JsonValue& member : **members) {
            walk(member, depth + 1);
        }
    }
}

void read(ByteView text)
{
    const Result<JsonValue> value = JsonValue::parse(text);
    if (!value) {
        require(!value.error().text().empty());
        return;
    }
    walk(*value, 0);
    const Secret written = value->write();
    const Result<JsonValue> again = JsonValue::parse(written.view());
    require(again.has_value());
    require(same(again->write().view(), written.view()));
}

} // namespace
} // namespace apex

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    apex::read(apex::ByteView(data, size));
    return 0;
}
