// SPDX-License-Identifier: MIT
#include "apex/der/tag.h"

#include "apex/base/bytes.h"

namespace apex {

std::string describe(Tag tag)
{
    if (tag == integer_tag) {
        return "INTEGER";
    }
    if (tag == bit_string_tag) {
        return "BIT STRING";
    }
    if (tag == octet_string_tag) {
        return "OCTET STRING";
    }
    if (tag == generalized_time_tag) {
        return "GeneralizedTime";
    }
    if (tag == general_string_tag) {
        return "GeneralString";
    }
    if (tag == sequence_tag) {
        return "SEQUENCE";
    }
    if (tag == context(tag.number()) && tag.number() < 31) {
        return "[" + std::to_string(tag.number()) + "]";
    }
    if (tag == application(tag.number()) && tag.number() < 31) {
        return "[APPLICATION " + std::to_string(tag.number()) + "]";
    }
    return "tag 0x" + hex(ByteView(&tag.octet, 1));
}

} // namespace apex
