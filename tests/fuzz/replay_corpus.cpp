// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// The main function of a harness where there is no fuzzer: feeds it the corpus, each input whole and cut at every
// length, so that make check runs it. Arguments are files and directories; without any, the corpus of the program's
// own name below $srcdir: fuzz_x reads tests/fuzz/corpus/x. A failure ends the program, as it does under the fuzzer.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

Input read_input(const std::filesystem::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    return {text.begin(), text.end()};
}

void feed(const Input& input)
{
    LLVMFuzzerTestOneInput(input.data(), input.size());
    for (std::size_t length = 0; length < input.size(); ++length) {
        // A copy of its own, so that a sanitizer sees a read beyond the end.
        const Input cut(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length));
        LLVMFuzzerTestOneInput(cut.data(), cut.size());
    }
}

std::size_t feed_path(const std::filesystem::path& path)
{
    if (!std::filesystem::is_directory(path)) {
        feed(read_input(path));
        return 1;
    }
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        feed(read_input(entry.path()));
        ++count;
    }
    return count;
}

std::filesystem::path own_corpus(const std::string& program)
{
    const std::string name = std::filesystem::path(program).filename().string();
    const std::size_t start = name.find("fuzz_");
    const char* const sources = std::getenv("srcdir");
    return std::filesystem::path(sources == nullptr ? "." : sources) / "tests/fuzz/corpus" /
           (start == std::string::npos ? name : name.substr(start + 5));
}

} // namespace

int main(int argc, char** argv)
{
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i) {
        count += feed_path(argv[i]);
    }
    if (argc < 2) {
        count = feed_path(own_corpus(argv[0]));
    }
    std::printf("%zu passed, %d failed\n", count, count == 0 ? 1 : 0);
    return count == 0 ? 1 : 0;
}
