// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/secret.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace apex::replayd {

struct TlsOptions final {
    bool wanted = false;
    std::string authorities; // file of trusted certificates; empty: the system's
    std::string certificate; // ours, and its key; empty: none is shown
    std::string key;
    std::string name; // that the engine's certificate must bear; empty: the engine's host
};

struct EngineOptions final {
    std::string address = "127.0.0.1:6379"; // HOST:PORT, [IPV6]:PORT or unix:PATH
    std::string user;                       // of the engine's ACL; empty: the default one
    Secret password;                        // empty: none
    TlsOptions tls;
    std::string prefix = "apex:replay:"; // of all keys
    /// An engine that answers more slowly is taken for dead.
    std::chrono::milliseconds timeout{1000};
    /// The engine writes each entry to disk before it answers, and no replica takes its place: a restart loses nothing.
    bool durable = false;
    /// The engine is new and so are all entries: do not wait until it knows them.
    bool is_new = false;
    std::size_t most_questions = 4096; // that wait at a time
};

struct ClientOptions final {
    std::string socket = "/run/apex/replayd.sock";
    std::vector<uid_t> users; // both lists empty: everybody may ask
    std::vector<gid_t> groups;
    std::size_t most = 4096; // connections
};

struct Options final {
    EngineOptions engine;
    ClientOptions clients;
};

/// read_options reads the command line. Gives an exit status instead if nothing is to be run: help, version, or a mistake,
/// which is printed. Throws std::runtime_error for files that cannot be used.
struct Reading final {
    std::optional<Options> options;
    int status = 0;
};
Reading read_options(int argc, char** argv);

/// read_password reads a file's first line. Refused, as a std::runtime_error: a file that others may read, or its group
/// write.
Secret read_password(const std::string& path);

} // namespace apex::replayd
