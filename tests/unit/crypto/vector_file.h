// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <map>
#include <string>
#include <vector>

namespace apex::test {

/// VectorRecord is one paragraph of a vector file: lines `key = value`.
class VectorRecord final {
public:
    void add(std::string key, std::string value) { fields_[std::move(key)] = std::move(value); }
    [[nodiscard]] bool empty() const { return fields_.empty(); }
    [[nodiscard]] bool has(const std::string& key) const { return fields_.contains(key); }
    [[nodiscard]] const std::string& text(const std::string& key) const;
    [[nodiscard]] Bytes octets(const std::string& key) const;
    [[nodiscard]] int number(const std::string& key) const;

private:
    std::map<std::string, std::string> fields_;
};

/// read_vectors reads tests/vectors/`name`; the folder comes from the environment (APEX_TEST_VECTORS), from the build
/// (macro of the same name), or is tests/vectors. A missing or empty file throws.
std::vector<VectorRecord> read_vectors(const std::string& name);

} // namespace apex::test
