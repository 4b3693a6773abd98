// SPDX-License-Identifier: MIT
#include "vector_file.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#ifndef APEX_TEST_VECTORS
#define APEX_TEST_VECTORS "tests/vectors"
#endif

namespace apex::test {

const std::string& VectorRecord::text(const std::string& key) const
{
    const auto found = fields_.find(key);
    if (found == fields_.end()) {
        throw std::runtime_error("vector without " + key);
    }
    return found->second;
}

Bytes VectorRecord::octets(const std::string& key) const
{
    return from_hex(text(key));
}

int VectorRecord::number(const std::string& key) const
{
    return std::stoi(text(key));
}

std::vector<VectorRecord> read_vectors(const std::string& name)
{
    const char* const folder = std::getenv("APEX_TEST_VECTORS");
    const std::string path = std::string(folder != nullptr ? folder : APEX_TEST_VECTORS) + "/" + name;
    std::ifstream file(path);
    std::vector<VectorRecord> records;
    VectorRecord record;
    const auto finish_record = [&] {
        if (!record.empty()) {
            records.push_back(std::exchange(record, {}));
        }
    };
    for (std::string line; std::getline(file, line);) {
        const std::size_t equals = line.find(" =");
        if (line.empty()) {
            finish_record();
        } else if (line.front() != '#' && equals != std::string::npos) {
            record.add(line.substr(0, equals), line.substr(std::min(equals + 3, line.size())));
        }
    }
    finish_record();
    if (records.empty()) {
        throw std::runtime_error("no vectors in " + path);
    }
    return records;
}

} // namespace apex::test
