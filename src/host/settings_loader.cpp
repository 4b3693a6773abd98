// SPDX-License-Identifier: MIT
#include "host/settings_loader.h"

#include "apex/host/file_trace.h"
#include "apex/host/krb5_handle.h"
#include "host/path_tokens.h"
#include "host/settings_files.h"
#include "host/settings_table.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <profile.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <utility>

namespace apex {
namespace {

constexpr const char* libdefaults = "libdefaults";
constexpr const char* our_section = "apex";

using Profile = std::unique_ptr<_profile_t, void (*)(profile_t)>;
using ProfileList = std::unique_ptr<char*, void (*)(char**)>;

/// The text of [libdefaults] `name`, or nothing.
Result<std::optional<std::string>> text_of(profile_t profile, const char* name)
{
    char* text = nullptr;
    const long code = profile_get_string(profile, libdefaults, name, nullptr, nullptr, &text);
    if (code != 0) {
        return refuse(Fault::BadSetting, "[libdefaults] " + std::string(name) + " cannot be read");
    }
    if (text == nullptr) {
        return std::optional<std::string>();
    }
    std::optional<std::string> value(text);
    profile_release_string(text);
    return value;
}

Result<bool> boolean(profile_t profile, const char* name, bool default_value)
{
    const std::optional<std::string> text = TRY(text_of(profile, name));
    if (!text) {
        return default_value;
    }
    const std::optional<bool> value = boolean_of(*text);
    if (!value) {
        return refuse(Fault::BadSetting,
                      "[libdefaults] " + std::string(name) + " = " + escape_text(*text, 128) + ": must be boolean");
    }
    return *value;
}

Result<Duration> clock_skew(profile_t profile)
{
    constexpr int default_seconds = 300;
    int seconds = 0;
    const long code = profile_get_integer(profile, libdefaults, "clockskew", nullptr, default_seconds, &seconds);
    if (code != 0 || seconds < 0) {
        return refuse(Fault::BadSetting, "[libdefaults] clockskew: must be a number of seconds");
    }
    return Duration(std::chrono::seconds(seconds));
}

Result<DnsCanonicalization> dns_canonicalization(profile_t profile)
{
    const std::optional<std::string> text = TRY(text_of(profile, "dns_canonicalize_hostname"));
    if (!text) {
        return DnsCanonicalization::yes;
    }
    if (*text == "fallback") {
        return DnsCanonicalization::fallback;
    }
    const std::optional<bool> value = boolean_of(*text);
    if (!value) {
        return refuse(Fault::BadSetting, "[libdefaults] dns_canonicalize_hostname = " + escape_text(*text, 128) +
                                             ": must be true, false or fallback");
    }
    return *value ? DnsCanonicalization::yes : DnsCanonicalization::no;
}

/// The permitted types of krb5.conf that Apex has, in their order; RC4 only where it is allowed.
Result<std::vector<EncryptionType>> permitted_types(const Krb5Context& context, bool allow_rc4)
{
    krb5_enctype* listed = nullptr;
    const krb5_error_code code = krb5_get_permitted_enctypes(context.get(), &listed);
    if (code != 0) {
        return from_krb5(context, code, Fault::BadSetting, "[libdefaults] permitted_enctypes");
    }
    std::vector<EncryptionType> types;
    bool left_rc4_out = false;
    for (const krb5_enctype* each = listed; *each != 0; ++each) {
        const auto type = static_cast<EncryptionType>(*each);
        if (is_rc4(type) && !allow_rc4) {
            left_rc4_out = true;
        } else if (find_profile(type) != nullptr) {
            types.push_back(type);
        }
    }
    krb5_free_enctypes(context.get(), listed);
    if (types.empty()) {
        std::string detail = "[libdefaults] permitted_enctypes: none of them is supported by Apex";
        detail += left_rc4_out ? "; RC4 can be forged and is off unless krb5.conf says allow_rc4 = true" : "";
        return refuse(Fault::BadSetting, std::move(detail));
    }
    return types;
}

std::string default_realm(const Krb5Context& context)
{
    char* realm = nullptr;
    if (krb5_get_default_realm(context.get(), &realm) != 0) {
        return {};
    }
    std::string text(realm);
    krb5_free_default_realm(context.get(), realm);
    return text;
}

Result<std::string> default_keytab(const Krb5Context& context)
{
    std::array<char, 4096> name{};
    const krb5_error_code code = krb5_kt_default_name(context.get(), name.data(), static_cast<int>(name.size()));
    if (code != 0) {
        return from_krb5(context, code, Fault::BadSetting, "default keytab name");
    }
    return std::string(name.data());
}

Result<std::string> default_rcache(profile_t profile, const Environment& environment)
{
    if (!environment.of(Environment::rcache_name).empty()) {
        return environment.of(Environment::rcache_name);
    }
    if (!environment.of(Environment::rcache_type).empty()) {
        return environment.of(Environment::rcache_type) + ":";
    }
    const std::optional<std::string> configured = TRY(text_of(profile, "default_rcache_name"));
    return configured ? expand_path_tokens(*configured) : std::string("dfl:");
}

Done read_libdefaults(Settings& settings, const Krb5Context& context, profile_t profile)
{
    settings.clock_skew = TRY(clock_skew(profile));
    settings.allow_rc4 = TRY(boolean(profile, "allow_rc4", false));
    settings.ignore_acceptor_hostname = TRY(boolean(profile, "ignore_acceptor_hostname", false));
    settings.client_aware_channel_bindings = TRY(boolean(profile, "client_aware_channel_bindings", false));
    settings.enforce_ok_as_delegate = TRY(boolean(profile, "enforce_ok_as_delegate", false));
    settings.dns_canonicalize_hostname = TRY(dns_canonicalization(profile));
    settings.rdns = TRY(boolean(profile, "rdns", true));
    settings.permitted = TRY(permitted_types(context, settings.allow_rc4));
    settings.default_realm = default_realm(context);
    settings.default_keytab_name = TRY(default_keytab(context));
    return {};
}

/// Every relation of section [apex]; of one that stands twice the first counts, as in libkrb5.
Done read_our_section(Settings& settings, profile_t profile)
{
    const char* section[] = {our_section, nullptr};
    char** names = nullptr;
    if (profile_get_relation_names(profile, section, &names) != 0 || names == nullptr) {
        return {}; // no such section
    }
    const ProfileList owned(names, profile_free_list);
    for (char** name = names; *name != nullptr; ++name) {
        char* value = nullptr;
        if (profile_get_string(profile, our_section, *name, nullptr, nullptr, &value) != 0 || value == nullptr) {
            return refuse(Fault::BadSetting, "[apex] " + escape_text(*name, 64) + " cannot be read");
        }
        const std::string text(value);
        profile_release_string(value);
        TRY(apply_setting(settings, *name, text));
    }
    return {};
}

Done read_environment(Settings& settings, profile_t profile, const Environment& environment)
{
    settings.default_rcache_name = TRY(default_rcache(profile, environment));
    settings.mit_rcache_directory = "/var/tmp";
    for (const Environment::Variable variable : {Environment::temporary, Environment::rcache_directory}) {
        if (!environment.of(variable).empty()) {
            settings.mit_rcache_directory = environment.of(variable);
        }
    }
    if (!environment.of(Environment::trace).empty()) {
        settings.trace = environment.of(Environment::trace);
    }
    return {};
}

/// libkrb5 says that a value is bad and not which: this looks for the boolean that is none, if the files can be parsed.
Error explained(Error error)
{
    char** files = nullptr;
    profile_t profile = nullptr;
    if (krb5_get_default_config_files(&files) != 0) {
        return error;
    }
    const long code = profile_init(const_cast<const_profile_filespec_t*>(files), &profile);
    krb5_free_config_files(files);
    if (code != 0) {
        return error;
    }
    const Profile owned(profile, profile_release);
    for (const char* name : {"allow_weak_crypto", "allow_des3", "allow_rc4", "ignore_acceptor_hostname",
                             "enforce_ok_as_delegate", "rdns", "dns_lookup_kdc", "dns_lookup_realm"}) {
        const Result<bool> value = boolean(profile, name, false);
        if (!value) {
            error.detail += ": " + value.error().detail;
        }
    }
    return error;
}

bool is_secure() noexcept
{
    return getauxval(AT_SECURE) != 0;
}

/// What an entry NAME=VALUE of the environment gives to the variable `name`, or null.
const char* value_for(const char* name, const char* entry) noexcept
{
    while (*name != '\0' && *name == *entry) {
        ++name;
        ++entry;
    }
    return *name == '\0' && *entry == '=' ? entry + 1 : nullptr;
}

/// Setting is a variable of ours and what an entry of the environment gives it.
struct Setting final {
    std::size_t variable;
    const char* value;
};

/// Which of our variables an entry NAME=VALUE of the environment sets.
std::optional<Setting> setting_of(const char* entry) noexcept
{
    // The usual case, settled by two octets.
    const bool perhaps = (entry[0] == 'K' && entry[1] == 'R') || (entry[0] == 'A' && entry[1] == 'P') ||
                         (entry[0] == 'T' && entry[1] == 'M');
    if (!perhaps) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < Environment::names.size(); ++i) {
        if (const char* const value = value_for(Environment::names[i], entry); value != nullptr) {
            return Setting{i, value};
        }
    }
    return std::nullopt;
}

} // namespace

Environment Environment::now()
{
    Environment environment;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const char* value = secure_getenv(names[i]);
        environment.values_[i] = value != nullptr ? value : "";
    }
    return environment;
}

bool Environment::holds() const noexcept
{
    // One walk instead of one secure_getenv for each name: this runs for every context. What secure_getenv hides in a
    // setuid program is hidden here as well.
    std::array<bool, names.size()> seen{};
    for (char** entry = is_secure() ? nullptr : environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::optional<Setting> setting = setting_of(*entry);
        if (!setting || seen[setting->variable]) {
            continue; // of a variable that stands twice the first counts, as for getenv
        }
        seen[setting->variable] = true;
        if (std::strcmp(values_[setting->variable].c_str(), setting->value) != 0) {
            return false;
        }
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!seen[i] && !values_[i].empty()) {
            return false;
        }
    }
    return true;
}

Result<Settings> load_settings(const Environment& environment)
{
    Result<Krb5Context> made = Krb5Context::make();
    if (!made) {
        return explained(std::move(made).error());
    }
    const Krb5Context context = *std::move(made);
    profile_t profile = nullptr;
    const krb5_error_code code = krb5_get_profile(context.get(), &profile);
    if (code != 0) {
        return from_krb5(context, code, Fault::BadSetting, "krb5.conf");
    }
    const Profile owned(profile, profile_release);
    Settings settings;
    TRY(read_libdefaults(settings, context, profile));
    TRY(read_our_section(settings, profile));
    TRY(read_environment(settings, profile, environment));
    if (!settings.trace.empty()) {
        settings.trace_sink = std::make_shared<FileTrace>(settings.trace);
    }
    return settings;
}

} // namespace apex
