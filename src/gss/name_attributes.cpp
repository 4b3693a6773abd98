// SPDX-License-Identifier: MIT
#include "apex/gss/name_attributes.h"

#include "apex/base/trace_events.h"
#include "apex/exchange/session.h"
#include "apex/host/settings.h"
#include "apex/messages/cammac.h"
#include "gss/exported_attributes.h"
#include "gss/judged_attributes.h"

#include <atomic>

namespace apex {
namespace {

/// TicketAttributes are the attributes that the authorization data of a ticket gives, judged at the first question. Two
/// threads may judge at the same time; they come to the same end and one of them is kept. No lock: nothing waits for a
/// thread that a fork has left behind.
class TicketAttributes final : public NameAttributes {
public:
    explicit TicketAttributes(const Session& session)
        : elements_(session.ticket_authorization),
          service_key_(session.service_key),
          client_(pac_client_name(session.initiator.name)),
          auth_time_(session.auth_time)
    {
    }
    TicketAttributes(const TicketAttributes&) = delete;
    TicketAttributes& operator=(const TicketAttributes&) = delete;
    ~TicketAttributes() override { delete judged_.load(std::memory_order_acquire); }

    [[nodiscard]] std::vector<std::string> list() const override { return judged().list(); }
    [[nodiscard]] Result<NameAttribute> value(std::string_view attribute, int more) const override
    {
        return judged().value(attribute, more);
    }
    [[nodiscard]] std::optional<Bytes> verified_pac() const override { return judged().verified_pac(); }
    [[nodiscard]] Bytes exported() const override { return judged().exported(); }

private:
    const JudgedAttributes& judged() const;
    std::unique_ptr<const JudgedAttributes> judge() const;
    PacEvidence judge_pac() const;

    AuthorizationData elements_;
    std::shared_ptr<const Key> service_key_;
    std::string client_;
    Time auth_time_;
    mutable std::atomic<const JudgedAttributes*> judged_{nullptr};
};

const JudgedAttributes& TicketAttributes::judged() const
{
    const JudgedAttributes* known = judged_.load(std::memory_order_acquire);
    if (known != nullptr) {
        return *known;
    }
    std::unique_ptr<const JudgedAttributes> made = judge();
    if (judged_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
        return *made.release();
    }
    return *known;
}

std::unique_ptr<const JudgedAttributes> TicketAttributes::judge() const
{
    AuthenticationIndicators indicators = AuthenticationIndicators::of(elements_, *service_key_);
    const std::size_t indicator_count = indicators.values.size();
    auto judged = std::make_unique<const JudgedAttributes>(judge_pac(), std::move(indicators.values));
    tell(trace_if_enabled(), [&] {
        return AttributesJudged{.client = client_,
                                .pac_present = judged->pac().pac.has_value() || !judged->pac().objection.empty(),
                                .pac_verified = judged->pac().verified,
                                .pac_objection = judged->pac().objection,
                                .pac_unreadable = judged->unreadable(),
                                .indicators = indicator_count,
                                .indicators_left_out = indicators.left_out};
    });
    return judged;
}

PacEvidence TicketAttributes::judge_pac() const
{
    PacEvidence evidence;
    const Result<std::optional<ByteView>> octets = find_pac(elements_);
    if (!octets || !*octets) {
        evidence.objection = octets ? "" : octets.error().text();
        return evidence;
    }
    Result<Pac> pac = Pac::parse(bytes_of(**octets));
    if (!pac) {
        evidence.objection = pac.error().text();
        return evidence;
    }
    const Done verified = pac->verify(*service_key_, client_, auth_time_);
    evidence.verified = verified.has_value();
    evidence.objection = verified ? "" : verified.error().text();
    evidence.pac = std::move(*pac);
    return evidence;
}

} // namespace

std::shared_ptr<const NameAttributes> attributes_of(const Session& session)
{
    if (session.service_key == nullptr) {
        return nullptr;
    }
    if (session.ticket_authorization.empty()) {
        return std::make_shared<const JudgedAttributes>(PacEvidence(), std::vector<std::string>());
    }
    return std::make_shared<const TicketAttributes>(session);
}

Result<std::shared_ptr<const NameAttributes>> import_attributes(ByteView octets)
{
    if (octets.empty()) {
        return std::shared_ptr<const NameAttributes>();
    }
    ExportedAttributes imported = TRY(ExportedAttributes::decode(octets));
    PacEvidence evidence{.pac = std::nullopt, .verified = imported.pac_verified, .objection = {}};
    if (imported.pac) {
        Result<Pac> pac = Pac::parse(std::move(*imported.pac));
        if (!pac) {
            return refuse(Fault::BadName, "exported name: " + pac.error().text());
        }
        evidence.pac = std::move(*pac);
        evidence.objection = imported.pac_verified ? "" : "the process that exported the name had not verified the PAC";
    }
    return std::shared_ptr<const NameAttributes>(
        std::make_shared<const JudgedAttributes>(std::move(evidence), std::move(imported.indicators)));
}

} // namespace apex
