// SPDX-License-Identifier: MIT
#pragma once

#include "tools/live_probe.h"
#include "tools/setup.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// Answer says whose code a program reaches when it asks for Kerberos.
enum class Answer { Apex, BuiltIn, Other, Unknown };

/// Status is what `apexctl status` reports.
struct Status final {
    Answer answer = Answer::Unknown;
    std::string subject;          ///< "this machine" or "process 12 (sshd)"
    std::string module;           ///< file of the module that answers; empty for the built-in mechanism
    std::string version;          ///< of Apex's module
    std::string entry;            ///< file:line of its entry
    std::string evidence;         ///< on what the answer rests
    std::vector<Finding> reasons; ///< why it is not Apex, or why nothing can be said
    std::vector<Finding> notes;   ///< what else deserves attention
    std::string source;           ///< which mech files count
    std::vector<std::string> files;
};

/// VersionOf reads the version out of a module that a process has mapped; nothing where it is not Apex's.
using VersionOf = std::function<std::optional<std::string>(const MappedFile&)>;

/// judge_machine says who answers a program started now, given the files and what a trial showed.
Status judge_machine(const Setup& setup, const LiveAnswer& live);

/// judge_process says who answers in a running process, given the files as it sees them and what it has mapped.
Status judge_process(const Setup& setup, const Process& process, const VersionOf& version_of);

/// explain lists why Apex does not answer, in the order of the files; at least one reason.
std::vector<Finding> explain(const Setup& setup);

/// exit_code: 0 Apex answers, 1 somebody else answers, 2 it cannot be told.
int exit_code(Answer answer) noexcept;

/// answer_word is the answer as scripts read it: apex, built-in, other, unknown.
const char* answer_word(Answer answer) noexcept;

/// status_text is the report for people, status_json the one for scripts; both end in a line end.
std::string status_text(const Status& status);
std::string status_json(const Status& status);

} // namespace apex
