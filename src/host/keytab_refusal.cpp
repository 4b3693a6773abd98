// SPDX-License-Identifier: MIT
#include "host/keytab_refusal.h"

#include <algorithm>
#include <map>
#include <vector>

namespace apex {
namespace {

constexpr std::size_t most_listed = 8;

std::uint32_t asked_version(const KeytabSearch& search)
{
    return search.ticket.encrypted_part.kvno.value_or(0);
}

std::string with_keytab(const KeytabSearch& search, const std::string& text)
{
    return text + " (keytab " + search.keytab_name + ")";
}

/// What there is of one principal, in the ticket's view.
struct Holdings final {
    bool principal = false;
    bool version = false; // some type of the ticket's kvno
    bool type = false;    // that kvno with the ticket's type
    bool usable = false;  // and Apex has the type
    std::uint32_t newest = 0;
};

Holdings holdings_of(const KeytabSearch& search, const Principal& principal)
{
    Holdings held;
    for (const KeytabSnapshot::Index index : search.keytab.of_principal(principal)) {
        const KeytabEntry& entry = search.keytab.entries()[index];
        if (!same_principal(entry.principal(), principal)) {
            continue;
        }
        held.principal = true;
        held.newest = std::max(held.newest, entry.version());
        if (suits(entry.version(), asked_version(search))) {
            held.version = true;
            const bool type = entry.type() == search.ticket.encrypted_part.type;
            held.type = held.type || type;
            held.usable = held.usable || (type && entry.usable());
        }
    }
    return held;
}

std::string ticket_text(const KeytabSearch& search)
{
    return "request ticket server " + search.ticket.server.text() + " kvno " + std::to_string(asked_version(search));
}

std::string age_remedy(const KeytabSearch& search, const Holdings& held, const Principal& principal)
{
    const std::string holds = "; it holds " + held_keys(search.keytab, principal);
    if (held.newest > asked_version(search)) {
        return "ticket is likely out of date" + holds + "; the client needs a new ticket (kdestroy, kinit)";
    }
    return "keytab is likely out of date" + holds + "; update the keytab (kadmin ktadd, or from the directory's tool)";
}

Error wrong_version(const KeytabSearch& search, const Holdings& held, const Principal& principal)
{
    return refuse(Fault::WrongKeyVersion,
                  with_keytab(search, ticket_text(search) + " not found in keytab; " +
                                          age_remedy(search, held, principal)));
}

Error wrong_type(const KeytabSearch& search, const Principal& principal)
{
    return refuse(Fault::WrongKeyVersion,
                  with_keytab(search, ticket_text(search) + " found in keytab but not with enctype " +
                                          name_of(search.ticket.encrypted_part.type) + "; it holds " +
                                          held_keys(search.keytab, principal) +
                                          "; add a key of that type, or change what the KDC issues for the service"));
}

std::string tried_text(const KeytabSearch& search)
{
    return "; tried " + std::to_string(search.tried) + (search.tried == 1 ? " key" : " keys");
}

std::string integrity_remedy(const KeytabSearch& search)
{
    if (search.gave_up) {
        return "; the search ended after " + std::to_string(search.tried) +
               " keys, its time being over: name the acceptor, or use a keytab with fewer keys";
    }
    return tried_text(search) +
           ": the keytab's key is not the KDC's (made from another password?) or the ticket was damaged on its way; "
           "compare kvno -k with klist -k, then renew the keytab";
}

/// An acceptor with one exact name looks for that principal's key only.
Error why_not_exactly(const KeytabSearch& search, const Principal& exact)
{
    const Holdings held = holdings_of(search, exact);
    const bool same = same_principal(exact, search.ticket.server);
    const std::string server = same ? "" : " (request ticket server " + search.ticket.server.text() + ")";
    if (!held.principal) {
        return refuse(Fault::NoServiceKey,
                      with_keytab(search, "no key table entry found for " + exact.text() + server));
    }
    if (!held.usable) {
        if (same) {
            return held.version ? wrong_type(search, exact) : wrong_version(search, held, exact);
        }
        return refuse(Fault::WrongServer,
                      with_keytab(search, "cannot find key for " + exact.text() + " kvno " +
                                              std::to_string(asked_version(search)) + " in keytab" + server +
                                              "; it holds " + held_keys(search.keytab, exact)));
    }
    const std::string remedy = same ? integrity_remedy(search)
                                    : tried_text(search) + ": the client asked for another service than this one";
    return refuse(same ? Fault::TicketIntegrity : Fault::WrongServer,
                  with_keytab(search, "cannot decrypt ticket for " + search.ticket.server.text() +
                                          " using keytab key for " + exact.text() + remedy));
}

bool any_allowed(const KeytabSearch& search)
{
    const auto& entries = search.keytab.entries();
    return std::any_of(entries.begin(), entries.end(),
                       [&](const KeytabEntry& entry) { return search.allows(entry.principal()); });
}

} // namespace

std::string held_keys(const KeytabSnapshot& keytab, const Principal& principal)
{
    std::map<std::uint32_t, std::vector<std::string>, std::greater<>> held;
    for (const KeytabSnapshot::Index index : keytab.of_principal(principal)) {
        const KeytabEntry& entry = keytab.entries()[index];
        if (same_principal(entry.principal(), principal)) {
            held[entry.version()].push_back(name_of(entry.type()));
        }
    }
    std::string text;
    std::size_t listed = 0;
    for (const auto& [version, types] : held) {
        if (listed == most_listed) {
            return text + " and " + std::to_string(held.size() - listed) + " older ones";
        }
        text += (listed == 0 ? "kvno " : ", kvno ") + std::to_string(version) + " (";
        for (std::size_t i = 0; i < types.size(); ++i) {
            text += (i == 0 ? "" : ", ") + types[i];
        }
        text += ")";
        ++listed;
    }
    return text.empty() ? "no key" : text;
}

Error why_no_key(const KeytabSearch& search)
{
    if (search.keytab.listed() && search.keytab.entries().empty()) {
        return refuse(Fault::NoServiceKey, with_keytab(search, "no keys in keytab"));
    }
    if (search.exact) {
        return why_not_exactly(search, *search.exact);
    }
    if (search.keytab.listed() && !any_allowed(search)) {
        return refuse(Fault::NoServiceKey, with_keytab(search, "server principal " + search.acceptor_text +
                                                                   " does not match any keys in keytab"));
    }
    const Principal& server = search.ticket.server;
    const Holdings held = holdings_of(search, server);
    if (!held.principal) {
        return refuse(Fault::WrongServer,
                      with_keytab(search, "request ticket server " + server.text() +
                                              " not found in keytab (ticket kvno " +
                                              std::to_string(asked_version(search)) + ", enctype " +
                                              name_of(search.ticket.encrypted_part.type) +
                                              "); the client asked for another service than this one, or the keytab "
                                              "lacks its key"));
    }
    if (!search.allows(server)) {
        return refuse(Fault::WrongServer,
                      with_keytab(search, "request ticket server " + server.text() +
                                              " found in keytab but does not match server principal " +
                                              search.acceptor_text));
    }
    if (!held.version) {
        return wrong_version(search, held, server);
    }
    if (!held.usable) {
        return wrong_type(search, server);
    }
    return refuse(Fault::TicketIntegrity,
                  with_keytab(search, ticket_text(search) + " enctype " + name_of(search.ticket.encrypted_part.type) +
                                          " found in keytab but cannot decrypt ticket" + integrity_remedy(search)));
}

} // namespace apex
