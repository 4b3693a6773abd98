// SPDX-License-Identifier: MIT
#include "host/replay_cluster.h"

#include "host/replay_minors.h"

#include "apex/base/trace_events.h"
#include "apex/crypto/digest.h"

#include <algorithm>
#include <ctime>
#include <string_view>
#include <utility>

namespace apex {
namespace {

/// Sets these digests apart from every other use of SHA-256 over the same octets.
constexpr std::string_view tag_purpose = "apex replay tag 1";

Result<replay::AgentTag> tag_of(ByteView ciphertext, EncryptionType type)
{
    Bytes message = bytes_of(view_of(tag_purpose));
    const auto number = static_cast<std::uint32_t>(type);
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        message.push_back(static_cast<std::uint8_t>(number >> shift));
    }
    append(message, ciphertext);
    return sha256(message);
}

/// A process may be stopped for so long between the reading of the clock and the answer; the times of its question allow
/// for it.
constexpr Duration margin = std::chrono::seconds(10);

Duration system_boot_clock()
{
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_nsec / 1000);
}

} // namespace

Result<replay::AgentQuestion> question_about(ByteView ciphertext, EncryptionType type, Time authenticator_time,
                                             Duration skew, Time now)
{
    // A host whose clock is behind ours by `skew` accepts until our clock shows the authenticator's time plus twice the
    // skew; one whose clock is ahead by as much may have accepted from twice the skew before that time on.
    const Duration ahead = authenticator_time - now;
    const Duration lifetime = std::max(Duration(0), ahead) + 2 * skew + margin;
    const Duration age = std::max(Duration(0), 2 * skew - ahead + margin);
    return replay::AgentQuestion{.number = 0,
                                 .tag = TRY(tag_of(ciphertext, type)),
                                 .lifetime = std::chrono::ceil<std::chrono::milliseconds>(lifetime),
                                 .age = std::chrono::ceil<std::chrono::milliseconds>(age)};
}

ClusterCache::ClusterCache(std::shared_ptr<ReplayCache> local, const ReplayStoreSettings& settings)
    : local_(std::move(local)),
      agent_(settings.agent_socket, settings.agent_timeout),
      failure_(settings.agent_failure),
      report_(settings.report),
      boot_clock_(settings.boot_clock ? settings.boot_clock : system_boot_clock)
{
}

Done ClusterCache::remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now)
{
    const Duration began = boot_clock_();
    TRY(local_->remember(ciphertext, type, authenticator_time, skew, now));
    const replay::AgentQuestion question = TRY(question_about(ciphertext, type, authenticator_time, skew, now));
    TRY(ask(question));
    // An engine that lost its memory while we were stopped would seem to remember far enough back.
    const Duration taken = boot_clock_() - began;
    if (taken >= margin) {
        Error late = refuse(Fault::ReplayStoreFailed,
                            "this process was held up for " +
                                std::to_string(std::chrono::floor<std::chrono::seconds>(taken).count()) +
                                " s while it asked the replay agent, and cannot rely on the answer; log in again");
        late.minor_override = replay::minor_undecided;
        return late;
    }
    return {};
}

namespace {

std::string remedy_for(replay::AgentStatus status)
{
    switch (status) {
    case replay::AgentStatus::unknowing:
        return "wait, or see apex-replayd(8) on engines that forget";
    case replay::AgentStatus::not_allowed:
        return "let this user ask: apex-replayd --allow-user or --allow-group";
    case replay::AgentStatus::misunderstood:
        return "see that module and agent are of one version, and that clockskew is less than two days";
    case replay::AgentStatus::overloaded:
        return "find out who asks so much";
    default:
        return "repair the engine, or set [apex] replay_agent_failure = local";
    }
}

Error no_verdict(const std::string& socket, const replay::AgentAnswer& answer)
{
    Error error = refuse(Fault::ReplayStoreFailed, "the replay agent at " + escape_text(socket, 128) +
                                                       " cannot tell whether the request is new: " + answer.text +
                                                       "; " + remedy_for(answer.status));
    if (answer.status == replay::AgentStatus::unknowing) {
        error.minor_override = replay::minor_undecided;
    }
    return error;
}

} // namespace

Done ClusterCache::ask(const replay::AgentQuestion& question)
{
    Result<replay::AgentAnswer> answer = agent_.ask(question);
    if (!answer) {
        return go_by_policy(std::move(answer).error());
    }
    const bool fresh = answer->status == replay::AgentStatus::fresh;
    if (!fresh && answer->status != replay::AgentStatus::seen) {
        return go_by_policy(no_verdict(agent_.socket(), *answer));
    }
    tell(trace_if_enabled(), [&] { return ReplayStoreAnswered{.store = "agent " + agent_.socket(), .fresh = fresh}; });
    if (!fresh) {
        return refuse(Fault::Replay,
                      "another host of the cluster has accepted it, or this one before its store was lost");
    }
    return {};
}

Done ClusterCache::go_by_policy(Error cause)
{
    if (failure_ == ReplayAgentFailurePolicy::refuse) {
        return cause;
    }
    sound_alarm(cause);
    tell(trace_if_enabled(),
         [&] { return ReplayStoreAnswered{.store = "this machine's alone, for " + cause.detail, .fresh = true}; });
    return {};
}

/// At once, then once a minute with the number of requests that went the same way.
void ClusterCache::sound_alarm(const Error& cause)
{
    constexpr std::int64_t pause = std::chrono::microseconds(std::chrono::minutes(1)).count();
    const std::uint64_t count = unreported_.fetch_add(1) + 1;
    const std::int64_t now = boot_clock_().count();
    std::int64_t quiet_until = quiet_until_.load();
    if (!report_ || now < quiet_until || !quiet_until_.compare_exchange_strong(quiet_until, now + pause)) {
        return;
    }
    unreported_.fetch_sub(count);
    report_("replays at other hosts go unnoticed; " + std::to_string(count) +
            " requests were accepted by this machine's store alone: " + cause.detail);
}

} // namespace apex
