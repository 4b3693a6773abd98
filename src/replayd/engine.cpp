// SPDX-License-Identifier: MIT
#include "replayd/engine.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <sys/random.h>
#include <utility>

namespace apex::replayd {
namespace {

constexpr std::chrono::milliseconds first_pause(50);
constexpr std::chrono::milliseconds longest_pause(2000);
constexpr std::chrono::milliseconds look_interval(1000);

std::uint64_t random_number()
{
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
        throw std::runtime_error("no random numbers");
    }
    return number;
}

std::string_view text_view(const Secret& secret)
{
    const void* const start = secret.view().data();
    return {static_cast<const char*>(start), secret.size()};
}

} // namespace

Engine::Engine(const EngineOptions& options, EventLoop& loop)
    : options_(options),
      link_(options, loop,
            {.opened = [this] { greet(); },
             .replied = [this](const Reply& reply) { on_reply(reply); },
             .broke = [this](const std::string& cause) { broke(cause); }}),
      may_be_new_(options.is_new),
      pause_(first_pause)
{
}

Verdict Engine::unavailable(const std::string& cause) const
{
    return {.status = replay::AgentStatus::unavailable, .text = "the engine " + options_.address + ": " + cause};
}

Verdict Engine::unknowing(std::chrono::milliseconds reach, std::chrono::milliseconds age) const
{
    const auto seconds = [](std::chrono::milliseconds time) { return std::to_string(time.count() / 1000); };
    return {.status = replay::AgentStatus::unknowing,
            .text = "the engine " + options_.address + " remembers the last " + seconds(reach) +
                    " s, and the request may have been accepted up to " + seconds(age) + " s ago"};
}

void Engine::ask(const replay::AgentQuestion& question, Reaction reaction)
{
    if (phase_ != Phase::ready) {
        reaction(unavailable(trouble_));
        return;
    }
    if (questions_ >= options_.most_questions) {
        reaction({.status = replay::AgentStatus::overloaded,
                  .text = std::to_string(questions_) + " questions wait for the engine " + options_.address});
        return;
    }
    const std::chrono::milliseconds reach = memory_.reach(boot_now());
    if (reach < question.age) {
        reaction(unknowing(reach, question.age));
        return;
    }
    const std::string key = options_.prefix + hex(question.tag);
    ++questions_;
    check_is_due_ = true;
    send(Command::remember, {"SET", key, "1", "NX", "PX", std::to_string(question.lifetime.count())},
         {.reaction = std::move(reaction), .age = question.age});
}

void Engine::send(Command command, const std::vector<std::string_view>& words)
{
    send(command, words, Asker());
}

void Engine::send(Command command, const std::vector<std::string_view>& words, Asker asker)
{
    append_command(link_.output(), words);
    awaited_.push_back({.command = command, .since = boot_now(), .asker = std::move(asker)});
}

void Engine::flush()
{
    if (check_is_due_) {
        check_is_due_ = false;
        send(Command::time, {"TIME"});
        send(Command::check, {"GET", marker_name_});
    }
    link_.flush();
}

void Engine::greet()
{
    phase_ = Phase::greeting;
    if (!options_.password.empty()) {
        const std::string_view password = text_view(options_.password);
        send(Command::authenticate, options_.user.empty()
                                        ? std::vector<std::string_view>{"AUTH", password}
                                        : std::vector<std::string_view>{"AUTH", options_.user, password});
    }
    send(Command::info, {"INFO"});
    send(Command::time, {"TIME"});
    link_.flush();
}

/// Says where the marker belongs that shows whether this engine is still the same.
void Engine::claim_marker()
{
    marker_name_ = options_.prefix + "since" + (options_.durable ? std::string() : ":" + run_id_);
    // The engine's clock was read at the earliest when we began to connect, and it may have forgotten since.
    const std::string marker = memory_.fresh_marker(boot_now() + options_.timeout, may_be_new_, random_number());
    send(Command::claim, {"SET", marker_name_, marker, "NX"});
    send(Command::learn, {"GET", marker_name_});
}

void Engine::look_after()
{
    next_look_ = boot_now() + look_interval;
    send(Command::info, {"INFO"});
    check_is_due_ = true;
}

void Engine::on_reply(const Reply& reply)
{
    if (awaited_.empty()) {
        broke("it says what nobody asked for");
        return;
    }
    Awaited awaited = std::move(awaited_.front());
    awaited_.pop_front();
    if (awaited.command == Command::remember) {
        on_remembered(reply, std::move(awaited.asker));
        return;
    }
    if (reply.kind == Reply::Kind::error) {
        broke((awaited.command == Command::authenticate ? "it does not take the password: " : "it refuses: ") +
              reply.text);
        return;
    }
    switch (awaited.command) {
    case Command::info:
        on_facts(reply);
        return;
    case Command::time:
        on_time_of_engine(reply);
        return;
    case Command::learn:
        on_marker(reply);
        return;
    case Command::check:
        on_check(reply);
        return;
    default:
        return;
    }
}

void Engine::on_remembered(const Reply& reply, Asker asker)
{
    --questions_;
    Verdict verdict{.status = replay::AgentStatus::fresh, .text = {}};
    if (reply.kind == Reply::Kind::nothing) {
        verdict.status = replay::AgentStatus::seen;
    } else if (!reply.is_ok()) {
        verdict = unavailable(reply.kind == Reply::Kind::error ? "it refuses: " + reply.text : "a strange reply");
    }
    unchecked_.push_back({.asker = std::move(asker), .verdict = std::move(verdict)});
}

void Engine::on_time_of_engine(const Reply& reply)
{
    const std::optional<std::chrono::milliseconds> time = time_of(reply);
    if (!time) {
        broke("it does not tell its time");
        return;
    }
    memory_.heard_time(*time, boot_now());
    if (phase_ == Phase::greeting) {
        claim_marker();
    }
}

void Engine::on_facts(const Reply& reply)
{
    const EngineFacts facts = read_info(reply.text);
    if (const std::optional<std::string> objection = objection_to(facts)) {
        broke(*objection);
        return;
    }
    if (phase_ == Phase::ready && facts.run_id != run_id_) {
        broke("another engine answers in its place");
        return;
    }
    run_id_ = facts.run_id;
}

void Engine::on_marker(const Reply& reply)
{
    if (reply.kind != Reply::Kind::text || !memory_.heard_marker(reply.text)) {
        broke("the key " + marker_name_ + " does not hold what apex-replayd wrote");
        return;
    }
    phase_ = Phase::ready;
    may_be_new_ = false;
    pause_ = first_pause;
    next_look_ = boot_now() + look_interval;
    const auto reach = std::chrono::duration_cast<std::chrono::seconds>(memory_.reach(boot_now())).count();
    const bool long_ago = reach > 24 * 3600;
    told_ = "the engine " + options_.address + " can be used; it remembers " +
            (long_ago ? "all that counts" : "the last " + std::to_string(reach) + " s");
    say(told_);
}

void Engine::on_check(const Reply& reply)
{
    const bool holds = reply.kind == Reply::Kind::text && reply.text == memory_.marker();
    const std::chrono::milliseconds reach = holds ? memory_.reach(boot_now()) : std::chrono::milliseconds(0);
    for (const Unchecked& each : std::exchange(unchecked_, {})) {
        const bool believed = each.verdict.status != replay::AgentStatus::fresh || (holds && reach >= each.asker.age);
        each.asker.reaction(believed ? each.verdict : unknowing(reach, each.asker.age));
    }
    if (!holds) {
        broke("it has lost what it remembered");
    }
}

void Engine::broke(const std::string& cause)
{
    link_.close();
    phase_ = Phase::down;
    trouble_ = cause;
    check_is_due_ = false;
    questions_ = 0;
    retry_ = boot_now() + pause_;
    pause_ = std::min(2 * pause_, longest_pause);
    const std::string line = "the engine " + options_.address + " cannot be used: " + cause;
    if (line != told_) {
        say(line);
        told_ = line;
    }
    const Verdict verdict = unavailable(cause);
    for (const Unchecked& each : std::exchange(unchecked_, {})) {
        each.asker.reaction(verdict);
    }
    for (const Awaited& each : std::exchange(awaited_, {})) {
        if (each.asker.reaction) {
            each.asker.reaction(verdict);
        }
    }
}

bool Engine::too_slow(Instant now) const
{
    if (phase_ == Phase::opening || phase_ == Phase::greeting) {
        return now >= opened_ + options_.timeout;
    }
    return !awaited_.empty() && now >= awaited_.front().since + options_.timeout;
}

void Engine::on_time(Instant now)
{
    if (phase_ == Phase::down && now >= retry_) {
        phase_ = Phase::opening;
        opened_ = now;
        link_.open();
    }
    if (phase_ == Phase::opening) {
        link_.look_up();
    }
    if (too_slow(now)) {
        broke("it gave no answer within " + std::to_string(options_.timeout.count()) + " ms");
    }
    if (phase_ == Phase::ready && now >= next_look_) {
        look_after();
    }
}

std::chrono::milliseconds Engine::idle_time(Instant now) const
{
    Instant due = now + look_interval;
    if (phase_ == Phase::down) {
        due = retry_;
    } else if (link_.is_looking_up()) {
        due = now + std::chrono::milliseconds(5); // nothing wakes us when it ends
    } else if (phase_ != Phase::ready) {
        due = opened_ + options_.timeout;
    } else {
        due = awaited_.empty() ? next_look_ : std::min(next_look_, awaited_.front().since + options_.timeout);
    }
    return std::max(std::chrono::milliseconds(1), due - now);
}

} // namespace apex::replayd
