// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/base/trace.h"
#include "apex/crypto/encryption_type.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

/// MutualPolicy: who decides that mutual authentication is asked for. application: the caller's flag; require: this host,
/// for every context it initiates or accepts.
enum class MutualPolicy : std::uint8_t { application, require };

/// ReplayFailurePolicy: what an acceptor does when its replay store cannot be used. refuse, or remember in memory only.
enum class ReplayFailurePolicy : std::uint8_t { refuse, memory };

/// ReplayAgentFailurePolicy: what an acceptor does when the store of the cluster cannot be asked. refuse, or go by the
/// store of this machine alone and sound an alarm.
enum class ReplayAgentFailurePolicy : std::uint8_t { refuse, local };

/// DnsCanonicalization: how host names of services are made canonical ([libdefaults] dns_canonicalize_hostname).
/// fallback: as given first, then by DNS.
enum class DnsCanonicalization : std::uint8_t { no, yes, fallback };

/// Settings is everything that krb5.conf and the environment say, read at one moment. Immutable.
struct Settings final {
    // [libdefaults], as libkrb5 understands it.
    Duration clock_skew{std::chrono::seconds(300)};
    /// Supported types in order of preference: permitted_enctypes without what Apex refuses (DES, triple DES, and RC4
    /// unless allow_rc4). Never empty.
    std::vector<EncryptionType> permitted;
    bool allow_rc4 = false;
    bool ignore_acceptor_hostname = false;
    bool client_aware_channel_bindings = false;
    bool enforce_ok_as_delegate = false;
    DnsCanonicalization dns_canonicalize_hostname = DnsCanonicalization::yes;
    bool rdns = true;
    std::string default_realm; // empty: none configured and none found
    /// KRB5_KTNAME, else default_keytab_name, else the compiled-in one; tokens expanded.
    std::string default_keytab_name;
    /// KRB5RCACHENAME, else KRB5RCACHETYPE and a colon, else default_rcache_name, else "dfl:".
    std::string default_rcache_name;
    /// Where MIT's "dfl:" file lives: KRB5RCACHEDIR, else TMPDIR, else /var/tmp.
    std::string mit_rcache_directory;

    // [apex]; see all_settings().
    MutualPolicy mutual_auth = MutualPolicy::application;
    std::string trace; // path; empty: off. APEX_TRACE wins.
    bool log_refusals = true;
    bool strict_authorization_data = true;
    bool strict_pac = false;
    std::string replay_directory; // empty: the built-in choice
    std::size_t replay_capacity = 1000000;
    bool replay_durable = true;
    bool replay_shared_memory = true;
    ReplayFailurePolicy replay_store_failure = ReplayFailurePolicy::refuse;
    std::string replay_agent; // socket of apex-replayd; empty: no cluster
    std::chrono::milliseconds replay_agent_timeout{5};
    ReplayAgentFailurePolicy replay_agent_failure = ReplayAgentFailurePolicy::refuse;
    bool replay_share_mit = false;
    std::vector<std::string> only_programs; // absolute paths or names; empty: every program
    std::vector<std::string> not_programs;

    /// The listener for `trace`, null: off. Lives as long as the settings.
    std::shared_ptr<Trace> trace_sink;
    /// What was wrong but could be answered with a default, in words; reported once when the settings were read.
    std::vector<std::string> complaints;
    /// The files that were read, for people.
    std::vector<std::string> files;
};

/// current_settings gives the settings of now. They are read anew when a file of krb5.conf changes (asked at most once a
/// second) or a string of the environment that they depend on (asked at each call). Reading takes no lock; a snapshot,
/// once made, stays valid for the life of the process, and a pair of files and environment seen before gives the same
/// object again, so callers may keep the address to tell whether anything changed.
/// Fault::BadSetting names file, setting and value when krb5.conf cannot be used and no earlier snapshot of the same
/// environment can serve in its place.
Result<std::shared_ptr<const Settings>> current_settings();

/// latest_settings gives the snapshot that current_settings gave last, whatever has changed since; null if none was made
/// yet. For telling about failures: it reads no file, allocates nothing and cannot fail.
const Settings* latest_settings() noexcept;

/// look_again makes the next current_settings() look at the files even if it did so within the last second.
void look_again() noexcept;

/// trace_if_enabled gives the listener of the current settings, or null. The pointer stays valid for the process's life.
Trace* trace_if_enabled();

/// SettingDescription is one row of the table of options of section [apex].
struct SettingDescription final {
    std::string_view name;
    std::string_view type;          // "boolean", "number", "path" or the allowed words, joined by " | "
    std::string_view default_value; // as it would stand in krb5.conf; empty: none
    std::string_view sentence;
};

/// all_settings lists every option of section [apex], for the manual's check and for apexctl.
std::span<const SettingDescription> all_settings() noexcept;

} // namespace apex
