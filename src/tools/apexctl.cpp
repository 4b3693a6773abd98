// SPDX-License-Identifier: MIT
// apexctl: shows which mechanism answers for Kerberos, and why it is not Apex where it is not.
#include "apex/host/programs.h"
#include "tools/live_probe.h"
#include "tools/setup.h"
#include "tools/status.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <sys/types.h>

#ifndef PACKAGE_VERSION
#error "PACKAGE_VERSION comes from configure"
#endif

namespace {

constexpr int cannot_tell = 2;

struct StatusOptions final {
    std::optional<pid_t> pid;
    std::string config;
    bool json = false;
};

std::optional<std::string> environment(const char* name)
{
    const char* const value = ::secure_getenv(name); // as the mechglue reads it
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

apex::Switches own_switches()
{
    apex::Switches switches;
    for (const char* name : apex::switch_names) {
        if (const std::optional<std::string> value = environment(name)) {
            switches.emplace(name, *value);
        }
    }
    return switches;
}

apex::Switches switches_of(const apex::Process& process)
{
    apex::Switches switches;
    for (const char* name : apex::switch_names) {
        if (const std::optional<std::string> value = apex::variable_of(process.environment, name)) {
            switches.emplace(name, *value);
        }
    }
    return switches;
}

std::optional<std::string> given(const std::string& text)
{
    return text.empty() ? std::nullopt : std::optional(text);
}

apex::Status machine_status(const StatusOptions& options)
{
    const std::optional<std::string> inherited = environment("GSS_MECH_CONFIG");
    const apex::View view{"",
                          "",
                          options.config.empty() ? inherited : given(options.config),
                          own_switches(),
                          apex::why_left_out(apex::running_program()),
                          false};
    apex::Status status = apex::judge_machine(apex::read_setup(view), apex::ask_mechglue(given(options.config)));
    if (inherited && options.config.empty()) {
        status.notes.push_back({"mech-config-set", "environment",
                                "GSS_MECH_CONFIG=" + *inherited +
                                    " is set here and replaces /etc/gss/mech and /etc/gss/mech.d; programs started "
                                    "elsewhere do not see it",
                                "unset GSS_MECH_CONFIG to see what other programs see"});
    }
    return status;
}

apex::Status process_status(const StatusOptions& options)
{
    const apex::Process process = apex::look_into(*options.pid);
    if (!process.trouble.empty()) {
        return apex::judge_process({}, process, [](const apex::MappedFile&) { return std::nullopt; });
    }
    const apex::View view{process.root,
                          process.folder,
                          options.config.empty() ? process.mech_config : given(options.config),
                          switches_of(process),
                          apex::why_left_out(process.executable),
                          true};
    const auto version_of = [&](const apex::MappedFile& file) {
        const std::string mapped = "/proc/" + std::to_string(process.pid) + "/map_files/" + file.range;
        return apex::examine_module(mapped).apex_version;
    };
    return apex::judge_process(apex::read_setup(view), process, version_of);
}

int print_status(const StatusOptions& options)
{
    const apex::Status status = options.pid ? process_status(options) : machine_status(options);
    const std::string report = options.json ? apex::status_json(status) : apex::status_text(status);
    std::fputs(report.c_str(), stdout);
    return std::fflush(stdout) == 0 ? apex::exit_code(status.answer) : cannot_tell;
}

int run(int argc, char** argv)
{
    CLI::App app("Shows which mechanism answers for Kerberos (GSS-API) and why it is not Apex where it is not.");
    app.require_subcommand(1);
    StatusOptions options;
    CLI::App* const status = app.add_subcommand(
        "status", "Which mechanism answers on this machine, or in a running process.\n"
                  "Exit code: 0 Apex answers, 1 the built-in or another mechanism answers, 2 it cannot be told.");
    status->add_option("--pid", options.pid, "look into this running process instead of trying it out here")
        ->check(CLI::PositiveNumber);
    status->add_option("--config", options.config, "judge this mech file instead of the usual ones");
    status->add_flag("--json", options.json, "write the report as JSON");
    CLI::App* const version = app.add_subcommand("version", "Print the version of apexctl.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : cannot_tell;
    }
    if (version->parsed()) {
        std::puts("apexctl " PACKAGE_VERSION);
        return 0;
    }
    return print_status(options);
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "apexctl: %s\n", problem.what());
        return cannot_tell;
    }
}
