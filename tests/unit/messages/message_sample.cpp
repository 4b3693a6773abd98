// SPDX-License-Identifier: MIT
#include "message_sample.h"

#include <cppunit/TestAssert.h>

#include <cstdlib>
#include <fstream>

namespace apex {

namespace {

void read_file(std::vector<MessageSample>& samples, const std::string& file)
{
    const char* directory = std::getenv("srcdir");
    std::ifstream input(std::string(directory == nullptr ? "." : directory) + "/tests/vectors/" + file);
    CPPUNIT_ASSERT_MESSAGE("cannot open " + file, input.is_open());
    std::string line;
    while (std::getline(input, line)) {
        const std::size_t equals = line.find(" =");
        if (line.empty() || line[0] == '#' || equals == std::string::npos) {
            continue;
        }
        const std::string key = line.substr(0, equals);
        const std::string value = line.size() > equals + 3 ? line.substr(equals + 3) : "";
        if (key == "name") {
            samples.push_back(MessageSample{value, {}, {}, {}});
        } else if (key == "type") {
            samples.back().type = value;
        } else if (key == "der") {
            samples.back().der = from_hex(value);
        } else {
            samples.back().fields[key] = value;
        }
    }
}

std::vector<MessageSample> read_files()
{
    std::vector<MessageSample> samples;
    read_file(samples, "messages_samples.txt");
    read_file(samples, "messages_captures.txt");
    return samples;
}

} // namespace

const std::vector<MessageSample>& message_samples()
{
    static const std::vector<MessageSample> all = read_files();
    return all;
}

const MessageSample& message_sample(const std::string& name, const std::string& type)
{
    for (const MessageSample& one : message_samples()) {
        if (one.name == name && one.type == type) {
            return one;
        }
    }
    CPPUNIT_FAIL("no sample " + name + " of type " + type);
    std::abort();
}

} // namespace apex
