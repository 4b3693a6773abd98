// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/session.h"
#include "apex/gss/name_attributes.h"
#include "tests/support/cammac_maker.h"
#include "tests/support/pac_maker.h"
#include "tests/support/world.h"

#include <cppunit/TestAssert.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace apex::test {

/// A session of alice, as an exchange leaves it behind.
struct AcceptedSession final {
    World world;
    Session session;
    PacMaker maker{*world.service_key, "alice", world.contents.auth_time};

    explicit AcceptedSession()
    {
        session.initiator = world.client;
        session.auth_time = world.contents.auth_time;
        session.service_key = world.service_key;
    }

    /// Attributes of the ticket with this PAC and further elements behind it.
    std::shared_ptr<const NameAttributes> attributes(const Bytes& pac, const AuthorizationData& more = {})
    {
        session.ticket_authorization = ticket_data(pac);
        session.ticket_authorization.insert(session.ticket_authorization.end(), more.begin(), more.end());
        return attributes_of(session);
    }
    std::shared_ptr<const NameAttributes> attributes() { return attributes(maker.pac()); }

    [[nodiscard]] AuthorizationElement indicators(const std::vector<std::string>& values) const
    {
        return AuthorizationElement{ad_cammac, CammacMaker(*world.service_key, values).encode()};
    }
};

/// All values of an attribute, each followed by a bar; every one must be authenticated and complete.
inline std::string values_of(const NameAttributes& attributes, std::string_view name)
{
    std::string text;
    int more = -1;
    do {
        const Result<NameAttribute> value = attributes.value(name, more);
        CPPUNIT_ASSERT_MESSAGE(value ? "" : value.error().text(), value.has_value());
        CPPUNIT_ASSERT(value->authenticated && value->complete);
        text += text_of(value->value) + "|";
        more = value->more;
    } while (more != 0);
    return text;
}

inline std::string refusal_of(const NameAttributes& attributes, std::string_view name, int more = -1)
{
    const Result<NameAttribute> value = attributes.value(name, more);
    CPPUNIT_ASSERT(!value && value.error().fault == Fault::NoAttribute);
    CPPUNIT_ASSERT_EQUAL(ENOENT, value.error().minor());
    return value.error().detail;
}

/// Of the buffers that PacMaker writes, as MIT has them.
inline const std::vector<std::string> names_of_mit = {"urn:mspac:",
                                                      "urn:mspac:logon-info",
                                                      "urn:mspac:client-info",
                                                      "urn:mspac:upn-dns-info",
                                                      "urn:mspac:server-checksum",
                                                      "urn:mspac:privsvr-checksum"};
/// Of Apex, of a PAC with everything.
inline const std::vector<std::string> plain_names = {"urn:apex:user-sid",       "urn:apex:primary-group-sid",
                                                     "urn:apex:group-sids",     "urn:apex:logon-name",
                                                     "urn:apex:domain-name",    "urn:apex:upn",
                                                     "urn:apex:dns-domain-name"};

} // namespace apex::test
