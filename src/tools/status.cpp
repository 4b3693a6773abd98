// SPDX-License-Identifier: MIT
#include "tools/status.h"

#include "tools/findings.h"
#include "tools/mech_oid.h"

#include <algorithm>

namespace apex {

namespace {

void add(std::vector<Finding>& findings, std::optional<Finding> finding)
{
    if (finding) {
        findings.push_back(*std::move(finding));
    }
}

/// explain_order tells of a sound entry of Apex that comes after another interposer: the first one wins.
std::optional<Finding> explain_order(const Setup& setup)
{
    const Candidate* first = nullptr;
    for (const Candidate& candidate : setup.candidates) {
        if (!candidate.serves()) {
            continue;
        }
        if (first == nullptr) {
            first = &candidate;
        } else if (candidate.module.is_apex() && !first->module.is_apex()) {
            return Finding{"other-first", place(candidate.entry.line),
                           "another interposer stands before it and takes Kerberos: " + place(first->entry.line) +
                               " (" + first->entry.path + ")",
                           "remove that entry, or give Apex's file a name that sorts before it"};
        }
    }
    return std::nullopt;
}

Finding no_entry(const Setup& setup)
{
    std::string read;
    for (const std::string& file : setup.files) {
        read += (read.empty() ? "" : ", ") + file;
    }
    return {"no-entry", setup.source, "no line names Apex (files read: " + (read.empty() ? "none" : read) + ")",
            "copy the installed entry apex.conf to /etc/gss/mech.d"};
}

/// remarks lists troubles that cost Apex nothing, other people's entries mostly, but that somebody should know.
std::vector<Finding> remarks(const Setup& setup)
{
    std::vector<Finding> notes;
    for (const ConfigLine& line : setup.lines) {
        const bool usual = line.problem == LineProblem::NotInterposer || line.problem == LineProblem::Comment;
        const bool harmless = line.problem == LineProblem::OverlongOid; // the entry works, under another identifier
        if (harmless || (!looks_like_apex(line) && !usual)) {
            add(notes, line_finding(line));
        }
    }
    for (const Candidate& candidate : setup.candidates) {
        if (!candidate.is_apex() && candidate.module.problem != ModuleProblem::Declines) {
            add(notes, module_finding(candidate, setup.library_folder));
        }
    }
    return notes;
}

Status begin(const Setup& setup, std::string subject)
{
    Status status;
    status.subject = std::move(subject);
    status.source = setup.source;
    status.files = setup.files;
    status.notes = remarks(setup);
    return status;
}

void answered_by(Status& status, const Candidate& candidate)
{
    status.answer = candidate.module.is_apex() ? Answer::Apex : Answer::Other;
    status.module = candidate.entry.path;
    status.version = candidate.module.apex_version.value_or("");
    status.entry = place(candidate.entry.line);
}

const Candidate* with_oid(const Setup& setup, ByteView oid)
{
    const auto found = std::find_if(setup.candidates.begin(), setup.candidates.end(), [&](const Candidate& candidate) {
        return same(candidate.entry.line.oid_body, oid);
    });
    return found == setup.candidates.end() ? nullptr : &*found;
}

bool is_mapping_of(const MappedFile& file, const Candidate& candidate)
{
    return file.path == candidate.entry.path || (!candidate.real_path.empty() && file.path == candidate.real_path) ||
           (candidate.inode != 0 && !file.deleted && file.inode == candidate.inode);
}

const MappedFile* mapping_of(const std::vector<MappedFile>& files, const Candidate& candidate)
{
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const MappedFile& file) { return is_mapping_of(file, candidate); });
    return found == files.end() ? nullptr : &*found;
}

/// judge_by_name takes the identifier that a Kerberos name carries for the answer.
void judge_by_name(Status& status, const Setup& setup, const Bytes& mechanism)
{
    status.evidence = "a Kerberos name made in a trial process";
    if (same(mechanism, krb5_oid())) {
        status.answer = Answer::BuiltIn;
        return;
    }
    const std::optional<Bytes> interposer = interposer_of(mechanism, krb5_oid());
    const Candidate* const candidate = interposer ? with_oid(setup, *interposer) : nullptr;
    if (candidate == nullptr) {
        status.answer = Answer::Other;
        status.evidence += ", which carries the identifier " + dotted(interposer.value_or(mechanism));
        return;
    }
    answered_by(status, *candidate);
    status.evidence += " carries the interposer's identifier " + dotted(*interposer);
}

/// judge_by_maps is the fall-back for a trial whose Kerberos call failed: the first sound interposer that was loaded.
void judge_by_maps(Status& status, const Setup& setup, const LiveAnswer& live)
{
    for (const Candidate& candidate : setup.candidates) {
        if (candidate.serves() && mapping_of(live.files, candidate) != nullptr) {
            answered_by(status, candidate);
            status.evidence = "the trial process had the module mapped";
            status.notes.push_back({"trial-failed", "", "a Kerberos call in the trial failed: " + live.trouble,
                                    "mend the configuration of Kerberos itself, /etc/krb5.conf first"});
            return;
        }
    }
    status.answer = live.files.empty() ? Answer::Unknown : Answer::BuiltIn;
    status.evidence = live.files.empty() ? "" : "the trial process loaded no interposer";
    status.notes.push_back({"trial-failed", "", "the trial failed: " + live.trouble, ""});
}

void judge_mapping(Status& status, const Candidate& candidate, const MappedFile& file, const VersionOf& version_of)
{
    const bool current = !file.deleted && file.inode == candidate.inode;
    const std::optional<std::string> version = current ? candidate.module.apex_version : version_of(file);
    const bool apex = version.has_value() || (!current && candidate.is_apex());
    answered_by(status, candidate);
    status.answer = apex ? Answer::Apex : Answer::Other;
    status.version = version.value_or("");
    status.module = file.path;
    status.evidence = "the process has the module mapped";
    if (!current) {
        status.notes.push_back({"replaced-module", file.path,
                                "the process runs a copy that has been replaced or removed on disk since",
                                "restart the process to use the present file"});
    }
}

/// serves_in tells whether a mapped interposer answers in the process: one that declined stays mapped but idle.
bool serves_in(const Candidate& candidate, const MappedFile& file)
{
    const bool same_file = !file.deleted && file.inode == candidate.inode;
    return !same_file || candidate.serves();
}

/// judge_unmapped decides for a process with the mechglue but without any interposer of the present entries.
void judge_unmapped(Status& status, const Setup& setup, const Process& process, const VersionOf& version_of)
{
    const MappedFile* const file = find_library(process.files, "mech_apex");
    const bool known = file != nullptr && std::any_of(setup.candidates.begin(), setup.candidates.end(),
                                                      [&](const Candidate& each) { return is_mapping_of(*file, each); });
    if (file != nullptr && !known) {
        status.answer = Answer::Apex;
        status.module = file->path;
        status.version = version_of(*file).value_or("");
        status.evidence = "the process has the module mapped";
        status.notes.push_back({"entry-gone", status.source, "no present entry makes this module an interposer",
                                "programs started from now on will not use Apex"});
        return;
    }
    const bool ready = std::any_of(setup.candidates.begin(), setup.candidates.end(),
                                   [](const Candidate& candidate) { return candidate.serves(); });
    if (ready) {
        status.answer = Answer::Unknown;
        status.reasons.push_back({"not-loaded-yet", status.subject,
                                  "the mechglue (libgssapi_krb5) is loaded, but no interposer yet: either the process "
                                  "has not used Kerberos so far, or it read the files before the entry was there",
                                  "let it authenticate somebody and ask again, or restart it"});
        return;
    }
    status.answer = Answer::BuiltIn;
    status.evidence = "the process has no interposer mapped, and the files give it none";
    status.reasons = explain(setup);
}

void note_environment(Status& status, const Process& process)
{
    if (process.mech_config) {
        status.notes.push_back({"mech-config-set", status.subject,
                                "GSS_MECH_CONFIG=" + *process.mech_config +
                                    " in its environment replaces /etc/gss/mech and /etc/gss/mech.d",
                                "unset the variable where the process is started"});
    }
    if (process.ignored_config) {
        status.notes.push_back({"mech-config-ignored", status.subject,
                                "GSS_MECH_CONFIG=" + *process.ignored_config +
                                    " in its environment counts for nothing, the program being privileged",
                                "unset the variable where the process is started"});
    }
    if (!process.environment_trouble.empty()) {
        status.notes.push_back({"environment-hidden", status.subject,
                                "whether GSS_MECH_CONFIG is set cannot be seen: " + process.environment_trouble,
                                "run apexctl as root"});
    }
}

} // namespace

std::vector<Finding> explain(const Setup& setup)
{
    std::vector<Finding> reasons = setup.unreadable;
    for (const ConfigLine& line : setup.lines) {
        if (looks_like_apex(line) && line.problem != LineProblem::OverlongOid) {
            add(reasons, line_finding(line));
        }
    }
    for (const Candidate& candidate : setup.candidates) {
        if (candidate.is_apex()) {
            add(reasons, replaced_finding(candidate.entry));
            add(reasons, module_finding(candidate, setup.library_folder));
        }
    }
    add(reasons, explain_order(setup));
    const bool apex_named = std::any_of(setup.lines.begin(), setup.lines.end(), looks_like_apex) ||
                            std::any_of(setup.candidates.begin(), setup.candidates.end(),
                                        [](const Candidate& candidate) { return candidate.is_apex(); });
    if (!apex_named) {
        reasons.push_back(no_entry(setup));
    }
    if (reasons.empty()) {
        reasons.push_back({"unexplained", setup.source,
                           "an entry for Apex is in place and its module loads, and yet another mechanism answers",
                           "compare with the entry in README and run apexctl status again"});
    }
    return reasons;
}

Status judge_machine(const Setup& setup, const LiveAnswer& live)
{
    Status status = begin(setup, "this machine");
    if (live.mechanism) {
        judge_by_name(status, setup, *live.mechanism);
    } else {
        judge_by_maps(status, setup, live);
    }
    if (status.answer != Answer::Apex) {
        status.reasons = explain(setup);
    }
    return status;
}

Status judge_process(const Setup& setup, const Process& process, const VersionOf& version_of)
{
    const std::string name = process.program.empty() ? "" : " (" + process.program + ")";
    Status status = begin(setup, "process " + std::to_string(process.pid) + name);
    if (!process.trouble.empty()) {
        status.reasons.push_back({"no-process", status.subject, process.trouble, "check the number; run as root"});
        return status;
    }
    note_environment(status, process);
    if (find_library(process.files, "libgssapi_krb5.so") == nullptr) {
        const bool heimdal = find_library(process.files, "libgssapi.so") != nullptr;
        status.answer = heimdal ? Answer::Other : Answer::Unknown;
        status.reasons.push_back(
            heimdal ? Finding{"heimdal", status.subject,
                              "the process uses Heimdal's libgssapi, which loads no interposers", ""}
                    : Finding{"no-mechglue", status.subject, "the process has not loaded libgssapi_krb5 (yet)",
                              "let it authenticate somebody and ask again"});
        return status;
    }
    for (const Candidate& candidate : setup.candidates) {
        const MappedFile* const file = mapping_of(process.files, candidate);
        if (file != nullptr && serves_in(candidate, *file)) {
            judge_mapping(status, candidate, *file, version_of);
            if (status.answer != Answer::Apex) {
                status.reasons = explain(setup);
            }
            return status;
        }
    }
    judge_unmapped(status, setup, process, version_of);
    return status;
}

int exit_code(Answer answer) noexcept
{
    switch (answer) {
    case Answer::Apex:
        return 0;
    case Answer::BuiltIn:
    case Answer::Other:
        return 1;
    case Answer::Unknown:
        return 2;
    }
    return 2;
}

} // namespace apex
