// SPDX-License-Identifier: MIT
#include "tools/findings.h"

#include "tools/mech_oid.h"

namespace apex {

namespace {

constexpr const char* good_line =
    "the line reads: apex 2.25.6182930471855164202 /absolute/path/mech_apex.so <interposer>";

std::string why_not_loaded(const Candidate& candidate, const std::string& library_folder)
{
    const std::string& library = candidate.entry.path_line.library;
    if (library.starts_with('/')) {
        return "there is no file " + library + " (" + candidate.module.detail + ")";
    }
    return "the path " + library + " is relative, so the mechglue looks in its own folder, and there is no file " +
           library_folder + library;
}

} // namespace

std::string place(const ConfigLine& line)
{
    return line.file + ":" + std::to_string(line.number);
}

std::optional<Finding> line_finding(const ConfigLine& line)
{
    switch (line.problem) {
    case LineProblem::None:
        return std::nullopt;
    case LineProblem::Comment:
        return Finding{"comment", place(line), "the entry is a comment", "remove the # at its beginning"};
    case LineProblem::LeadingBlank:
        return Finding{"leading-blank", place(line),
                       "the line begins with a blank: the mechglue takes the name for empty and drops the entry",
                       "remove the blank; the name must stand in column 0"};
    case LineProblem::Incomplete:
        return Finding{"incomplete", place(line), "the line has fewer than three fields, so the mechglue drops it",
                       good_line};
    case LineProblem::BadOid:
        return Finding{"bad-oid", place(line),
                       "\"" + line.oid + "\" is no object identifier, so the mechglue drops the line", good_line};
    case LineProblem::OverlongOid:
        return Finding{"overlong-oid", place(line),
                       "an arc of " + line.oid + " does not fit 64 bits: the mechglue cuts the identifier to " +
                           dotted(line.oid_body),
                       good_line};
    case LineProblem::NotInterposer:
        return Finding{"not-interposer", place(line),
                       "the line has no <interposer>: the library is a mechanism under its own identifier only, and "
                       "programs that ask for Kerberos do not reach it",
                       "add <interposer> at the end of the line"};
    case LineProblem::WrongType:
        return Finding{"wrong-type", place(line),
                       "the type is <" + line.type + ">; the mechglue knows <interposer> only, in small letters",
                       "write <interposer>"};
    }
    return std::nullopt;
}

std::optional<Finding> module_finding(const Candidate& candidate, const std::string& library_folder)
{
    const std::string where = place(candidate.entry.path_line);
    const std::string& path = candidate.entry.path;
    switch (candidate.module.problem) {
    case ModuleProblem::None:
        return std::nullopt;
    case ModuleProblem::Missing:
        return Finding{candidate.entry.path_line.library.starts_with('/') ? "missing-file" : "relative-path", where,
                       why_not_loaded(candidate, library_folder), "write the absolute path of the installed module"};
    case ModuleProblem::NotLoadable:
        return Finding{"not-loadable", where, path + " cannot be loaded: " + candidate.module.detail,
                       "install the module and the libraries it needs from one build"};
    case ModuleProblem::NoInterposer:
        return Finding{"no-interposer", where, path + " has no function gss_mech_interposer",
                       "name the file mech_apex.so that make install put in place"};
    case ModuleProblem::Declines:
        if (!candidate.module.detail.empty()) {
            return Finding{"disabled", where, path + " stands back: " + candidate.module.detail, "unset the variable"};
        }
        return Finding{"declines", where, path + " loads, but declines to take over any mechanism",
                       "see what the module's own documentation asks for"};
    case ModuleProblem::LeftOut:
        return Finding{"program-left-out", where, path + " stands back: " + candidate.module.detail,
                       "change the list and restart the program"};
    case ModuleProblem::OtherMechs:
        return Finding{"other-mechanisms", where, path + " loads, but does not take over krb5",
                       "name the file mech_apex.so that make install put in place"};
    case ModuleProblem::Crashes:
        return Finding{"crashes", where, path + " ends the process that loads it: " + candidate.module.detail,
                       "remove the entry now: every program that uses Kerberos is in danger"};
    }
    return std::nullopt;
}

std::optional<Finding> replaced_finding(const ConfiguredMechanism& entry)
{
    if (place(entry.line) == place(entry.path_line)) {
        return std::nullopt;
    }
    return Finding{"replaced-entry", place(entry.path_line),
                   "this line has the identifier of " + place(entry.line) + " and replaces its library by " +
                       entry.path + ", but not its type",
                   "keep one line for each identifier"};
}

} // namespace apex
