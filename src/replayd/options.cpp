// SPDX-License-Identifier: MIT
#include "replayd/options.h"

#include "replayd/file_descriptor.h"
#include "replayd/log.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdexcept>
#include <sys/stat.h>

namespace apex::replayd {
namespace {

bool is_number(const std::string& text)
{
    return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
}

uid_t user_of(const std::string& text)
{
    if (is_number(text)) {
        return static_cast<uid_t>(std::stoul(text));
    }
    const passwd* const entry = ::getpwnam(text.c_str());
    if (entry == nullptr) {
        throw std::runtime_error("--allow-user " + text + ": there is no such user");
    }
    return entry->pw_uid;
}

gid_t group_of(const std::string& text)
{
    if (is_number(text)) {
        return static_cast<gid_t>(std::stoul(text));
    }
    const group* const entry = ::getgrnam(text.c_str());
    if (entry == nullptr) {
        throw std::runtime_error("--allow-group " + text + ": there is no such group");
    }
    return entry->gr_gid;
}

/// What is given as text and must be turned into something else.
struct Texts final {
    std::string password_file;
    std::vector<std::string> users;
    std::vector<std::string> groups;
    int timeout = 1000;
};

void add_engine_options(CLI::App& app, EngineOptions& engine, Texts& texts)
{
    app.add_option("--engine", engine.address, "Redis or Valkey: HOST:PORT or unix:PATH")->capture_default_str();
    app.add_option("--engine-user", engine.user, "the engine's user, if it has an access list");
    app.add_option("--password-file", texts.password_file, "a file with the engine's password, not readable by others");
    app.add_option("--engine-timeout", texts.timeout, "milliseconds after which a silent engine is given up")
        ->capture_default_str()
        ->check(CLI::Range(10, 60000));
    app.add_option("--prefix", engine.prefix, "what the names of all keys begin with")->capture_default_str();
    app.add_flag("--durable-engine", engine.durable,
                 "the engine loses nothing in a restart (appendfsync always, no failover)");
    app.add_flag("--new-engine", engine.is_new, "the engine has never been used: trust it at once");
    app.add_flag("--tls", engine.tls.wanted, "speak TLS with the engine");
    app.add_option("--tls-ca", engine.tls.authorities, "trusted certificates (PEM); else the system's");
    CLI::Option* const certificate = app.add_option("--tls-cert", engine.tls.certificate, "our certificate (PEM)");
    CLI::Option* const key = app.add_option("--tls-key", engine.tls.key, "its key (PEM)");
    certificate->needs(key);
    key->needs(certificate);
    app.add_option("--tls-name", engine.tls.name, "the name that the engine's certificate must bear");
}

void add_client_options(CLI::App& app, ClientOptions& clients, Texts& texts)
{
    app.add_option("--socket", clients.socket, "where to listen, unless systemd hands us a socket")
        ->capture_default_str();
    app.add_option("--allow-user", texts.users, "a user who may ask; may be given more than once");
    app.add_option("--allow-group", texts.groups, "a group whose members may ask; may be given more than once");
    app.add_option("--most-connections", clients.most, "connections served at a time")
        ->capture_default_str()
        ->check(CLI::Range(std::size_t{1}, std::size_t{100000}));
}

} // namespace

Secret read_password(const std::string& path)
{
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.number(), &status) != 0) {
        throw std::runtime_error("the password file " + path + ": " + cause_of(errno));
    }
    if (!S_ISREG(status.st_mode) || (status.st_mode & 027) != 0) {
        throw std::runtime_error("the password file " + path +
                                 " must be a regular file that others can neither read nor write (chmod 640)");
    }
    constexpr std::size_t longest = 4096;
    Secret password(longest);
    const ssize_t length = ::read(file.number(), password.span().data(), password.size());
    if (length < 0) {
        throw std::runtime_error("the password file " + path + ": " + cause_of(errno));
    }
    const ByteView read = password.view().first(static_cast<std::size_t>(length));
    password.shrink(static_cast<std::size_t>(std::find(read.begin(), read.end(), '\n') - read.begin()));
    if (password.empty()) {
        throw std::runtime_error("the password file " + path + " has an empty first line");
    }
    return password;
}

Reading read_options(int argc, char** argv)
{
    CLI::App app("Remembers accepted Kerberos requests for all hosts of a cluster, in Redis or Valkey.",
                 "apex-replayd");
    Options options;
    Texts texts;
    bool version = false;
    app.set_config("--config", "", "read options from this file, one name = value a line");
    app.add_flag("--version", version, "print the version");
    add_client_options(app, options.clients, texts);
    add_engine_options(app, options.engine, texts);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return {.options = std::nullopt, .status = app.exit(problem) == 0 ? 0 : 2};
    }
    if (version) {
        std::puts("apex-replayd " PACKAGE_VERSION);
        return {};
    }
    options.engine.timeout = std::chrono::milliseconds(texts.timeout);
    if (!texts.password_file.empty()) {
        options.engine.password = read_password(texts.password_file);
    }
    std::transform(texts.users.begin(), texts.users.end(), std::back_inserter(options.clients.users), user_of);
    std::transform(texts.groups.begin(), texts.groups.end(), std::back_inserter(options.clients.groups), group_of);
    return {.options = std::move(options), .status = 0};
}

} // namespace apex::replayd
