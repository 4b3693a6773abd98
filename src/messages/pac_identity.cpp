// SPDX-License-Identifier: MIT
#include "apex/messages/pac_identity.h"

#include "apex/messages/logon_info.h"
#include "apex/messages/upn_dns_info.h"

namespace apex {
namespace {

Done add_logon_info(PacIdentity& identity, ByteView octets)
{
    LogonInfo logon = TRY(LogonInfo::decode(octets));
    identity.user = TRY(logon.user_sid());
    identity.primary_group = TRY(logon.primary_group_sid());
    identity.groups = TRY(logon.group_sids());
    identity.logon_name = std::move(logon.logon_name);
    identity.domain_name = std::move(logon.domain_name);
    return {};
}

Done add_upn_dns_info(PacIdentity& identity, ByteView octets)
{
    UpnDnsInfo names = TRY(UpnDnsInfo::decode(octets));
    identity.user_principal_name = std::move(names.user_principal_name);
    identity.dns_domain_name = std::move(names.dns_domain_name);
    if (identity.logon_name.empty()) {
        identity.logon_name = std::move(names.logon_name);
    }
    if (!names.sid) {
        return {};
    }
    if (identity.user && *identity.user != *names.sid) {
        return refuse(Fault::MalformedMessage, "the PAC's logon-info is about " + identity.user->text() +
                                                   ", its upn-dns-info about " + names.sid->text());
    }
    identity.user = names.sid;
    return {};
}

} // namespace

Result<PacIdentity> PacIdentity::read(const Pac& pac)
{
    PacIdentity identity;
    const std::optional<ByteView> logon_info = TRY(pac.find(PacType::logon_info));
    if (logon_info) {
        TRY(add_logon_info(identity, *logon_info));
    }
    const std::optional<ByteView> upn_dns_info = TRY(pac.find(PacType::upn_dns_info));
    if (upn_dns_info) {
        TRY(add_upn_dns_info(identity, *upn_dns_info));
    }
    return identity;
}

} // namespace apex
