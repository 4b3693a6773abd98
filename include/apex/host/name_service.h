// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/host/kerberos_name.h"
#include "apex/messages/principal.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

// Names as this machine understands them: through libkrb5 (krb5.conf, DNS, auth_to_local). A text that libkrb5 cannot
// parse is Fault::BadName with MIT's major (FAILURE) and libkrb5's code as minor. NUL octets at the end of a text are
// dropped, for callers that count the terminator; NUL octets within refuse. All functions are safe for concurrent use.

/// import_principal_text parses `component/component@REALM` with `\` escapes; the default realm is added if none is given
/// (krb5_parse_name).
Result<KerberosName> import_principal_text(std::string_view text);

/// import_enterprise parses a text with '@' as one component of type NT-ENTERPRISE (RFC 6806 5).
Result<KerberosName> import_enterprise(std::string_view text);

/// import_certificate wraps a DER certificate as the name of its subject, for S4U2Self only.
Result<KerberosName> import_certificate(ByteView certificate);

/// import_host_based parses `service@host` or `service` (RFC 2744 4.1). The principal is service/host as
/// krb5_sname_to_principal makes it: DNS as dns_canonicalize_hostname, rdns and qualify_shortname say, realm empty if
/// krb5.conf does not know it. No host, or an empty one: the local host's name; the kept `host` is empty then.
Result<KerberosName> import_host_based(std::string_view text);

/// import_user_id takes the login name of a user number. Fault::BadName with MIT's G_NOUSER if there is none.
Result<KerberosName> import_user_id(std::uint32_t user_id);

/// anonymous_name is WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS (RFC 8062 3).
KerberosName anonymous_name();
bool is_anonymous(const Principal& principal) noexcept;

/// import_krb5_principal copies the principal that a krb5_principal of libkrb5 points to (gss_nt_krb5_principal).
/// `handle` is the pointer's own octets; Fault::BadName with MIT's G_WRONG_SIZE if there are not as many as a pointer has.
Result<KerberosName> import_krb5_principal(ByteView handle);

/// host_based_candidates gives the principals to try for a host-based name, in order: with
/// dns_canonicalize_hostname = fallback the one as given, then the one that DNS gives (if it differs); otherwise one.
Result<std::vector<Principal>> host_based_candidates(const KerberosName& name);

/// local_name_of maps a principal to a local user (auth_to_local, localauth plugins). Fault::NoLocalName.
Result<std::string> local_name_of(const Principal& principal);

/// may_log_in asks krb5_kuserok (.k5login, auth_to_local) whether the principal may act as `user`. Fault::NotAuthorized.
Done may_log_in(const Principal& principal, const std::string& user);

} // namespace apex
