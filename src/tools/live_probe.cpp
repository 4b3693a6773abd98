// SPDX-License-Identifier: MIT
#include "tools/live_probe.h"

#include "tools/child.h"
#include "tools/mech_oid.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <nlohmann/json.hpp>

namespace apex {

namespace {

std::string status_text(OM_uint32 major, OM_uint32 minor)
{
    std::string text;
    for (const auto& [code, type] : {std::pair{major, GSS_C_GSS_CODE}, std::pair{minor, GSS_C_MECH_CODE}}) {
        OM_uint32 ignored = 0;
        OM_uint32 more = 0;
        gss_buffer_desc line = GSS_C_EMPTY_BUFFER;
        if (gss_display_status(&ignored, code, type, gss_mech_krb5, &more, &line) == GSS_S_COMPLETE) {
            text += (text.empty() ? "" : ": ") + std::string(static_cast<const char*>(line.value), line.length);
            gss_release_buffer(&ignored, &line);
        }
    }
    return text;
}

/// name_mechanism makes a Kerberos name and returns the identifier under which the mechglue keeps it. A name with a
/// realm needs no krb5.conf entry and no resolver.
nlohmann::json name_mechanism()
{
    std::string principal = "apexctl@PROBE.INVALID";
    gss_buffer_desc text{principal.size(), principal.data()};
    OM_uint32 minor = 0;
    gss_name_t plain = GSS_C_NO_NAME;
    OM_uint32 major = gss_import_name(&minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, &plain);
    gss_name_t kerberos = GSS_C_NO_NAME;
    if (!GSS_ERROR(major)) {
        major = gss_canonicalize_name(&minor, plain, gss_mech_krb5, &kerberos);
    }
    if (GSS_ERROR(major)) {
        return {{"trouble", status_text(major, minor)}};
    }
    int is_mechanism_name = 0;
    gss_OID mechanism = GSS_C_NO_OID;
    OM_uint32 ignored = 0;
    // The mechglue answers the identifier itself and leaves the attributes to the mechanism.
    gss_buffer_set_t attributes = GSS_C_NO_BUFFER_SET;
    gss_inquire_name(&ignored, kerberos, &is_mechanism_name, &mechanism, &attributes);
    if (mechanism == GSS_C_NO_OID) {
        return {{"trouble", "gss_inquire_name names no mechanism"}};
    }
    return {{"mechanism", bytes_of(view_of(mechanism->elements, mechanism->length))}};
}

nlohmann::json probe_here(const std::optional<std::string>& config)
{
    if (config) {
        ::setenv("GSS_MECH_CONFIG", config->c_str(), 1);
    }
    nlohmann::json answer = name_mechanism();
    std::string trouble;
    answer["maps"] = read_file("/proc/self/maps", trouble).value_or("");
    return answer;
}

} // namespace

LiveAnswer ask_mechglue(const std::optional<std::string>& config)
{
    const ChildReport report = ask_child(
        [&] { return probe_here(config).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); });
    LiveAnswer answer;
    if (!report.trouble.empty()) {
        answer.trouble = report.trouble;
        return answer;
    }
    const nlohmann::json facts = nlohmann::json::parse(report.text);
    answer.files = read_maps(facts.at("maps").get<std::string>());
    answer.trouble = facts.value("trouble", "");
    if (facts.contains("mechanism")) {
        answer.mechanism = facts.at("mechanism").get<Bytes>();
    }
    return answer;
}

std::string mechglue_folder()
{
    Dl_info where{};
    const void* const inside = ::dlsym(RTLD_DEFAULT, "gss_indicate_mechs");
    if (inside == nullptr || ::dladdr(inside, &where) == 0 || where.dli_fname == nullptr) {
        return {};
    }
    std::error_code failure;
    const std::filesystem::path real = std::filesystem::canonical(where.dli_fname, failure);
    return (failure ? std::filesystem::path(where.dli_fname) : real).parent_path().string() + "/gss/";
}

} // namespace apex
