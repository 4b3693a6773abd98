// SPDX-License-Identifier: MIT
#include "tests/support/world.h"

#include "apex/exchange/checks.h"
#include "apex/messages/etype_negotiation.h"

#include <cppunit/extensions/HelperMacros.h>

using namespace apex;
using namespace apex::test;

/// Steps 2 to 5. Every refusal is the smallest change to something that succeeds.
class AcceptorExchangeTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(AcceptorExchangeTest);
    CPPUNIT_TEST(an_honest_client_is_accepted_with_all_four_types);
    CPPUNIT_TEST(a_client_without_mutual_authentication_gets_no_reply);
    CPPUNIT_TEST(a_host_that_requires_mutual_authentication_refuses_others);
    CPPUNIT_TEST(an_authenticator_is_accepted_once);
    CPPUNIT_TEST(a_broken_replay_store_refuses);
    CPPUNIT_TEST(a_refused_request_leaves_no_replay_record);
    CPPUNIT_TEST(the_ticket_must_open_with_a_service_key);
    CPPUNIT_TEST(the_authenticator_must_open_with_the_session_key);
    CPPUNIT_TEST(the_authenticator_must_name_the_tickets_client);
    CPPUNIT_TEST(the_clock_may_differ_by_the_skew_and_no_more);
    CPPUNIT_TEST(the_ticket_must_have_begun);
    CPPUNIT_TEST(the_ticket_must_not_have_ended);
    CPPUNIT_TEST(an_invalid_ticket_is_refused);
    CPPUNIT_TEST(user_to_user_is_refused);
    CPPUNIT_TEST(addresses_count_when_the_peers_is_known);
    CPPUNIT_TEST(transited_realms_are_checked_unless_the_kdc_did);
    CPPUNIT_TEST(unknown_authorization_data_refuses_unless_relevant_only);
    CPPUNIT_TEST(every_key_must_be_of_a_permitted_type);
    CPPUNIT_TEST(options_and_checksum_must_agree_about_mutual);
    CPPUNIT_TEST(bare_tokens_need_dce_style_and_dce_style_bare_tokens);
    CPPUNIT_TEST(a_missing_checksum_is_accepted_with_no_flags);
    CPPUNIT_TEST(a_keyed_checksum_is_verified);
    CPPUNIT_TEST(a_short_checksum_is_refused);
    CPPUNIT_TEST(a_checksum_with_a_wrong_bindings_length_is_refused);
    CPPUNIT_TEST(truncated_delegation_is_refused);
    CPPUNIT_TEST(unknown_extensions_are_skipped_and_truncated_ones_refused);
    CPPUNIT_TEST(bindings_of_both_sides_decide);
    CPPUNIT_TEST(a_client_that_asserts_bindings_must_give_them);
    CPPUNIT_TEST(the_best_common_type_is_negotiated);
    CPPUNIT_TEST(no_randomness_no_reply);
    CPPUNIT_TEST(a_key_source_that_lies_is_an_internal_error);
    CPPUNIT_TEST(a_delegated_credential_must_fit_its_length_field);
    CPPUNIT_TEST(every_truncation_is_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void an_honest_client_is_accepted_with_all_four_types()
    {
        for (const EncryptionType type :
             {EncryptionType::aes128_cts_hmac_sha1_96, EncryptionType::aes256_cts_hmac_sha1_96,
              EncryptionType::aes128_cts_hmac_sha256_128, EncryptionType::aes256_cts_hmac_sha384_192}) {
            World world(type);
            const Acceptance accepted = must(world.accept_honest());
            CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST"), accepted.session.initiator.text());
            CPPUNIT_ASSERT_EQUAL(std::string("host/server.test@TEST"), accepted.session.acceptor.text());
            CPPUNIT_ASSERT_EQUAL(std::uint32_t{3}, accepted.session.key_version);
            CPPUNIT_ASSERT(accepted.reply.has_value());
            CPPUNIT_ASSERT(accepted.session.keys.acceptor_subkey != nullptr);
            CPPUNIT_ASSERT(accepted.session.send_sequence > 0 && accepted.session.send_sequence < (1U << 30));
        }
    }

    void a_client_without_mutual_authentication_gets_no_reply()
    {
        World world;
        world.wish.flags &= ~flag::mutual;
        const Acceptance accepted = must(world.accept_honest());
        CPPUNIT_ASSERT(!accepted.reply);
        CPPUNIT_ASSERT(accepted.session.keys.acceptor_subkey == nullptr);
        CPPUNIT_ASSERT_EQUAL(accepted.session.receive_sequence, accepted.session.send_sequence);
    }

    void a_host_that_requires_mutual_authentication_refuses_others()
    {
        World world;
        world.policy.require_mutual = true;
        must(world.accept_honest());
        world.wish.flags &= ~flag::mutual;
        CPPUNIT_ASSERT_EQUAL(std::string("MissingMutual"), fault_of(world.accept_honest()));
    }

    void an_authenticator_is_accepted_once()
    {
        World world;
        const ApRequest request = must(ApRequest::decode(world.initiate().request()));
        must(world.accept(request));
        CPPUNIT_ASSERT_EQUAL(std::string("Replay"), fault_of(world.accept(request)));
        must(world.accept_honest());
    }

    void a_broken_replay_store_refuses()
    {
        World world;
        world.replays.broken = true;
        CPPUNIT_ASSERT_EQUAL(std::string("ReplayStoreFailed"), fault_of(world.accept_honest()));
    }

    void a_refused_request_leaves_no_replay_record()
    {
        World world;
        world.clock.time += std::chrono::seconds(301);
        const ApRequest request = must(ApRequest::decode(world.initiate().request()));
        world.clock.time -= std::chrono::seconds(301);
        CPPUNIT_ASSERT_EQUAL(std::string("ClockSkew"), fault_of(world.accept(request)));
        CPPUNIT_ASSERT(world.replays.seen.empty());
    }

    void the_ticket_must_open_with_a_service_key()
    {
        World world;
        const ServiceKey right = world.keys.keys.front();
        const auto other = std::make_shared<const Key>(must(Key::generate(right.key->type(), world.random)));
        world.keys.keys = {ServiceKey{right.principal, 3, other, must(other->for_usage(KeyUsage::ticket))}};
        CPPUNIT_ASSERT_EQUAL(std::string("TicketIntegrity"), fault_of(world.accept_honest()));
        world.keys.keys.clear();
        CPPUNIT_ASSERT_EQUAL(std::string("NoServiceKey"), fault_of(world.accept_honest()));
        world.keys.keys = {right};
        must(world.accept_honest());
    }

    void the_authenticator_must_open_with_the_session_key()
    {
        World world;
        ApRequest request = must(ApRequest::decode(world.initiate().request()));
        const ApRequest other = must(ApRequest::decode(World(EncryptionType::aes128_cts_hmac_sha1_96).initiate().request()));
        request.authenticator = other.authenticator;
        CPPUNIT_ASSERT_EQUAL(std::string("AuthenticatorIntegrity"), fault_of(world.accept(request)));
    }

    void the_authenticator_must_name_the_tickets_client()
    {
        World world;
        const Bytes request = world.initiate().request();
        const auto refused = [&](const std::function<void(Authenticator&)>& change) {
            return fault_of(world.accept(world.with_authenticator(request, change)));
        };
        CPPUNIT_ASSERT_EQUAL(std::string("WrongClient"), refused([](Authenticator& a) { a.client.realm = "TESU"; }));
        CPPUNIT_ASSERT_EQUAL(std::string("WrongClient"),
                             refused([](Authenticator& a) { a.client.name.components[0] = "bob"; }));
        CPPUNIT_ASSERT_EQUAL(std::string("WrongClient"),
                             refused([](Authenticator& a) { a.client.name.components.push_back("admin"); }));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), refused([](Authenticator& a) { a.client.name.type = 0; }));
    }

    void the_clock_may_differ_by_the_skew_and_no_more()
    {
        for (const int seconds : {-301, -300, 0, 300, 301}) {
            World world;
            world.clock.time += std::chrono::seconds(seconds);
            const ApRequest request = must(ApRequest::decode(world.initiate().request()));
            world.clock.time -= std::chrono::seconds(seconds);
            const Result<Acceptance> result = world.accept(request);
            CPPUNIT_ASSERT_EQUAL(std::string(std::abs(seconds) > 300 ? "ClockSkew" : "none"), fault_of(result));
            if (!result) {
                CPPUNIT_ASSERT(result.error().detail.find("301 s") != std::string::npos);
                CPPUNIT_ASSERT(result.error().detail.find(seconds > 0 ? "ahead" : "behind") != std::string::npos);
            }
        }
    }

    void the_ticket_must_have_begun()
    {
        World world;
        world.contents.start_time = time_from_seconds(seconds_of(world.clock.time) + 300);
        must(world.accept_honest());
        world.contents.start_time = time_from_seconds(seconds_of(world.clock.time) + 302);
        CPPUNIT_ASSERT_EQUAL(std::string("TicketNotYetValid"), fault_of(world.accept_honest()));
    }

    void the_ticket_must_not_have_ended()
    {
        World world;
        world.contents.end_time = time_from_seconds(seconds_of(world.clock.time) - 300);
        must(world.accept_honest());
        world.contents.end_time = time_from_seconds(seconds_of(world.clock.time) - 301);
        CPPUNIT_ASSERT_EQUAL(std::string("TicketExpired"), fault_of(world.accept_honest()));
    }

    void an_invalid_ticket_is_refused()
    {
        World world;
        world.contents.flags.bits |= TicketFlags::invalid;
        CPPUNIT_ASSERT_EQUAL(std::string("TicketInvalid"), fault_of(world.accept_honest()));
    }

    void user_to_user_is_refused()
    {
        World world;
        ApRequest request = must(ApRequest::decode(world.initiate().request()));
        request.options.bits |= ApOptions::use_session_key_bit;
        CPPUNIT_ASSERT_EQUAL(std::string("UserToUserRefused"), fault_of(world.accept(request)));
    }

    void addresses_count_when_the_peers_is_known()
    {
        World world;
        world.contents.addresses = {HostAddress{address_type_ipv4, {10, 0, 0, 1}}};
        ChannelBindings bindings;
        bindings.initiator_address_type = 2;
        bindings.initiator_address = {10, 0, 0, 1};
        world.wish.bindings = &bindings;
        must(world.accept_honest(&bindings));
        bindings.initiator_address = {10, 0, 0, 2};
        CPPUNIT_ASSERT_EQUAL(std::string("WrongAddress"), fault_of(world.accept_honest(&bindings)));
        must(world.accept_honest());
        bindings.initiator_address_type = 255; // no address
        must(world.accept_honest(&bindings));
    }

    void transited_realms_are_checked_unless_the_kdc_did()
    {
        World world;
        world.contents.transited.contents = bytes_of(view_of("EVIL"));
        CPPUNIT_ASSERT_EQUAL(std::string("TransitRefused"), fault_of(world.accept_honest()));
        world.contents.flags.bits |= TicketFlags::transited_policy_checked;
        must(world.accept_honest());
    }

    void unknown_authorization_data_refuses_unless_relevant_only()
    {
        World world;
        world.contents.authorization_data = {if_relevant({{4711, {1, 2}}})};
        must(world.accept_honest());
        world.contents.authorization_data = {{4711, {1, 2}}};
        const Result<Acceptance> refused = world.accept_honest();
        CPPUNIT_ASSERT_EQUAL(std::string("UnknownAuthorizationData"), fault_of(refused));
        CPPUNIT_ASSERT(refused.error().detail.find("4711") != std::string::npos);
        world.policy.strict_authorization_data = false;
        must(world.accept_honest());
    }

    void every_key_must_be_of_a_permitted_type()
    {
        World world;
        world.policy.permitted = {EncryptionType::aes256_cts_hmac_sha384_192};
        const Result<Acceptance> refused = world.accept_honest();
        CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(refused));
        CPPUNIT_ASSERT(refused.error().detail.find("aes256-cts-hmac-sha1-96") != std::string::npos);

        World mixed;
        mixed.policy.permitted = {EncryptionType::aes256_cts_hmac_sha1_96};
        const Bytes request = mixed.initiate().request();
        const ApRequest changed = mixed.with_authenticator(request, [&](Authenticator& a) {
            a.subkey = EncryptionKey{EncryptionType::aes128_cts_hmac_sha1_96, Secret(16)};
        });
        CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(mixed.accept(changed)));
    }

    void options_and_checksum_must_agree_about_mutual()
    {
        World world;
        ApRequest request = must(ApRequest::decode(world.initiate().request()));
        request.options.bits = 0;
        CPPUNIT_ASSERT_EQUAL(std::string("ContradictoryMutual"), fault_of(world.accept(request)));
        world.wish.flags &= ~flag::mutual;
        request = must(ApRequest::decode(world.initiate().request()));
        request.options.bits = ApOptions::mutual_required_bit;
        CPPUNIT_ASSERT_EQUAL(std::string("ContradictoryMutual"), fault_of(world.accept(request)));
    }

    void bare_tokens_need_dce_style_and_dce_style_bare_tokens()
    {
        World world;
        ApRequest request = must(ApRequest::decode(world.initiate().request()));
        CPPUNIT_ASSERT_EQUAL(std::string("DceStyleMismatch"), fault_of(world.accept(request, nullptr, Framing::bare)));
        world.wish.flags |= flag::dce_style;
        request = must(ApRequest::decode(world.initiate().request()));
        CPPUNIT_ASSERT_EQUAL(std::string("DceStyleMismatch"), fault_of(world.accept(request)));
        must(world.accept(request, nullptr, Framing::bare));
    }

    void a_missing_checksum_is_accepted_with_no_flags()
    {
        World world;
        world.wish.flags &= ~flag::mutual;
        const Bytes request = world.initiate().request();
        const ChannelBindings bindings = bindings_of("tls-server-end-point:x");
        const Acceptance accepted = must(
            world.accept(world.with_authenticator(request, [](Authenticator& a) { a.checksum.reset(); }), &bindings));
        CPPUNIT_ASSERT_EQUAL(ContextFlags{flag::transferable}, accepted.session.flags);
    }

    void a_keyed_checksum_is_verified()
    {
        World world;
        const Bytes request = world.initiate().request();
        const Bytes right = must(world.session_key->sign(KeyUsage::ap_request_checksum, {}));
        const auto with = [&](std::int32_t type, const Bytes& value) {
            return world.accept(world.with_authenticator(request, [&](Authenticator& a) {
                a.checksum = Checksum{type, value};
            }));
        };
        const Acceptance accepted = must(with(16, right));
        CPPUNIT_ASSERT_EQUAL(ContextFlags{flag::replay | flag::sequence | flag::mutual | flag::transferable},
                             accepted.session.flags);
        Bytes wrong = right;
        wrong[0] ^= 1;
        CPPUNIT_ASSERT_EQUAL(std::string("BadChecksum"), fault_of(with(16, wrong)));
        CPPUNIT_ASSERT_EQUAL(std::string("BadChecksum"), fault_of(with(16, {})));
        for (std::int32_t type = -200; type <= 200; ++type) {
            if (type != 16) {
                CPPUNIT_ASSERT_EQUAL(std::string("BadChecksum"), fault_of(with(type, right)));
            }
        }
    }

    void a_short_checksum_is_refused()
    {
        World world;
        const Bytes request = world.initiate().request();
        for (std::size_t length = 0; length < 24; ++length) {
            const ApRequest changed =
                world.with_authenticator(request, [&](Authenticator& a) { a.checksum->value.resize(length); });
            CPPUNIT_ASSERT_EQUAL(std::string("ChecksumTooShort"), fault_of(world.accept(changed)));
        }
    }

    void a_checksum_with_a_wrong_bindings_length_is_refused()
    {
        World world;
        const Bytes request = world.initiate().request();
        const ApRequest changed =
            world.with_authenticator(request, [](Authenticator& a) { a.checksum->value[0] = 17; });
        CPPUNIT_ASSERT_EQUAL(std::string("BadBindingsLength"), fault_of(world.accept(changed)));
    }

    void truncated_delegation_is_refused()
    {
        World world;
        world.wish.flags |= flag::delegate;
        world.wish.delegated = Bytes(40, 0x5a);
        const Bytes request = world.initiate().request();
        CPPUNIT_ASSERT_EQUAL(std::string("BadDelegation"), fault_of(world.accept(must(ApRequest::decode(request)))));
        for (std::size_t length = 25; length < 24 + 4 + 40; ++length) {
            const ApRequest changed =
                world.with_authenticator(request, [&](Authenticator& a) { a.checksum->value.resize(length); });
            CPPUNIT_ASSERT_EQUAL(std::string("BadBindingsLength"), fault_of(world.accept(changed)));
        }
        const ApRequest wrong_option =
            world.with_authenticator(request, [](Authenticator& a) { a.checksum->value[24] = 2; });
        CPPUNIT_ASSERT_EQUAL(std::string("BadDelegation"), fault_of(world.accept(wrong_option)));
    }

    void unknown_extensions_are_skipped_and_truncated_ones_refused()
    {
        World world;
        const Bytes request = world.initiate().request();
        const Bytes extension = {0, 0, 0, 9, 0, 0, 0, 2, 7, 7};
        const auto with = [&](std::size_t length) {
            return fault_of(world.accept(world.with_authenticator(request, [&](Authenticator& a) {
                append(a.checksum->value, ByteView(extension).first(length));
            })));
        };
        CPPUNIT_ASSERT_EQUAL(std::string("none"), with(extension.size()));
        for (std::size_t length = 1; length < extension.size(); ++length) {
            CPPUNIT_ASSERT_EQUAL(std::string("BadBindingsLength"), with(length));
        }
    }

    void bindings_of_both_sides_decide()
    {
        World world;
        const ChannelBindings here = bindings_of("tls-server-end-point:here");
        const ChannelBindings there = bindings_of("tls-server-end-point:there");
        world.wish.bindings = &here;
        CPPUNIT_ASSERT((must(world.accept_honest(&here)).session.flags & flag::channel_bound) != 0);
        CPPUNIT_ASSERT((must(world.accept_honest()).session.flags & flag::channel_bound) == 0);
        CPPUNIT_ASSERT_EQUAL(std::string("BindingsMismatch"), fault_of(world.accept_honest(&there)));
        world.wish.bindings = nullptr;
        CPPUNIT_ASSERT((must(world.accept_honest(&here)).session.flags & flag::channel_bound) == 0);
    }

    void a_client_that_asserts_bindings_must_give_them()
    {
        World world;
        const ChannelBindings here = bindings_of("tls-server-end-point:here");
        world.wish.assert_bindings = true;
        must(world.accept_honest());
        CPPUNIT_ASSERT_EQUAL(std::string("BindingsMissing"), fault_of(world.accept_honest(&here)));
        world.wish.bindings = &here;
        must(world.accept_honest(&here));
        const ApRequest twice = world.with_authenticator(world.initiate().request(), [](Authenticator& a) {
            a.authorization_data.push_back({ad_ap_options, {0, 0x40, 0, 0}});
            a.checksum->value[4] = 0;
            std::fill_n(a.checksum->value.begin() + 4, 16, std::uint8_t{0});
        });
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedMessage"), fault_of(world.accept(twice, &here)));
    }

    void the_best_common_type_is_negotiated()
    {
        World world(EncryptionType::aes128_cts_hmac_sha1_96);
        const Acceptance upgraded = must(world.accept_honest());
        CPPUNIT_ASSERT(upgraded.session.keys.acceptor_subkey->type() == EncryptionType::aes256_cts_hmac_sha1_96);
        world.wish.permitted = {EncryptionType::aes128_cts_hmac_sha1_96};
        const Acceptance kept = must(world.accept_honest());
        CPPUNIT_ASSERT(kept.session.keys.acceptor_subkey->type() == EncryptionType::aes128_cts_hmac_sha1_96);
    }

    void no_randomness_no_reply()
    {
        World world;
        const ApRequest request = must(ApRequest::decode(world.initiate().request()));
        world.random.broken = true;
        CPPUNIT_ASSERT_EQUAL(std::string("NoRandomness"), fault_of(world.accept(request)));
        CPPUNIT_ASSERT(world.replays.seen.empty());
    }

    void a_key_source_that_lies_is_an_internal_error()
    {
        World world;
        const ApRequest request = must(ApRequest::decode(world.initiate().request()));
        class LyingKeys final : public KeySource {
        public:
            Done try_keys(const Ticket&, const std::function<bool(const ServiceKey&)>&) const override { return {}; }
        } keys;
        const AcceptorExchange acceptor({.keys = keys,
                                         .replays = world.replays,
                                         .realms = world.realms,
                                         .clock = world.clock,
                                         .random = world.random,
                                         .trace = nullptr},
                                        world.policy);
        CPPUNIT_ASSERT_EQUAL(std::string("Internal"), fault_of(acceptor.accept(request, Framing::framed, nullptr)));
    }

    void a_delegated_credential_must_fit_its_length_field()
    {
        GssChecksum checksum;
        checksum.delegated = Bytes(0x7fff - 28);
        must(checksum.encode());
        checksum.delegated->push_back(0);
        CPPUNIT_ASSERT_EQUAL(std::string("FieldTooLong"), fault_of(checksum.encode()));
    }

    void every_truncation_is_refused()
    {
        World world;
        const Bytes request = world.initiate().request();
        for (std::size_t length = 0; length < request.size(); ++length) {
            CPPUNIT_ASSERT(!ApRequest::decode(ByteView(request).first(length)));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AcceptorExchangeTest);
