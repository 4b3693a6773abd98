// SPDX-License-Identifier: MIT
#include "tools/status.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace apex {

namespace {

std::string headline(const Status& status)
{
    const std::string subject = "Kerberos on " + status.subject + ": ";
    switch (status.answer) {
    case Answer::Apex:
        return subject + "Apex " + (status.version.empty() ? "(version unknown)" : status.version) + " answers";
    case Answer::BuiltIn:
        return subject + "the built-in mechanism answers, not Apex";
    case Answer::Other:
        return subject + "another mechanism answers, not Apex";
    case Answer::Unknown:
        break;
    }
    return subject + "who answers cannot be told";
}

/// printable takes what could command a terminal out of a text: paths and names are other people's choice.
std::string printable(std::string text)
{
    const auto commands = [](char letter) { return (letter >= 0 && letter < ' ') || letter == 0x7f; };
    std::replace_if(text.begin(), text.end(), commands, '?');
    return text;
}

std::string row(const char* label, const std::string& value)
{
    const std::string padded = std::string(label) + std::string(10 - std::char_traits<char>::length(label), ' ');
    return value.empty() ? "" : "  " + padded + printable(value) + "\n";
}

std::string finding_rows(const char* label, const Finding& finding)
{
    return row(label, (finding.where.empty() ? "" : finding.where + ": ") + finding.text + " [" + finding.code + "]") +
           row("  remedy", finding.remedy);
}

nlohmann::ordered_json json_of(const std::vector<Finding>& findings)
{
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"code", finding.code},
                        {"where", finding.where},
                        {"text", finding.text},
                        {"remedy", finding.remedy}});
    }
    return list;
}

} // namespace

const char* answer_word(Answer answer) noexcept
{
    switch (answer) {
    case Answer::Apex:
        return "apex";
    case Answer::BuiltIn:
        return "built-in";
    case Answer::Other:
        return "other";
    case Answer::Unknown:
        break;
    }
    return "unknown";
}

std::string status_text(const Status& status)
{
    std::string files;
    for (const std::string& file : status.files) {
        files += (files.empty() ? "" : ", ") + file;
    }
    std::string text = printable(headline(status)) + "\n" + row("module", status.module) + row("entry", status.entry) +
                       row("evidence", status.evidence) + row("files", status.source) +
                       row("read", files.empty() ? "none" : files);
    for (const Finding& finding : status.reasons) {
        text += finding_rows("why", finding);
    }
    for (const Finding& finding : status.notes) {
        text += finding_rows("note", finding);
    }
    return text;
}

std::string status_json(const Status& status)
{
    const nlohmann::ordered_json report{
        {"answer", answer_word(status.answer)}, {"exit_code", exit_code(status.answer)},
        {"subject", status.subject},            {"module", status.module},
        {"version", status.version},            {"entry", status.entry},
        {"evidence", status.evidence},          {"source", status.source},
        {"files", status.files},                {"reasons", json_of(status.reasons)},
        {"notes", json_of(status.notes)},
    };
    return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace apex
