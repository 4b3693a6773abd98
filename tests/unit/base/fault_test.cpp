// SPDX-License-Identifier: MIT
#include "apex/base/fault.h"

#include <cerrno>
#include <cppunit/extensions/HelperMacros.h>
#include <gssapi/gssapi_ext.h>
#include <krb5.h>
#include <map>

using namespace apex;

namespace {

// Minor codes of the mechglue's and the mechanism's own tables are in no public header.
constexpr std::int32_t ggss = -2045022976;
constexpr std::int32_t k5g = 39756032;

struct Expected final {
    OM_uint32 major;
    std::int32_t minor;
};

/// What callers test for, in the words of the headers that they use.
const std::map<Fault, Expected>& expectations()
{
    using enum Fault;
    static const std::map<Fault, Expected> all = {
        {MalformedToken, {GSS_S_DEFECTIVE_TOKEN, ggss + 12}},
        {WrongTokenKind, {GSS_S_DEFECTIVE_TOKEN, KRB5KRB_AP_ERR_MSG_TYPE}},
        {WrongMechanism, {GSS_S_DEFECTIVE_TOKEN, ggss + 11}},
        {MalformedMessage, {GSS_S_FAILURE, ASN1_PARSE_ERROR}},
        {WrongMessageType, {GSS_S_FAILURE, KRB5KRB_AP_ERR_MSG_TYPE}},
        {UnsupportedVersion, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BADVERSION}},
        {TokenTooLong, {GSS_S_DEFECTIVE_TOKEN, k5g + 15}},
        {UnknownEncryptionType, {GSS_S_FAILURE, KRB5KDC_ERR_ETYPE_NOSUPP}},
        {EncryptionTypeRefused, {GSS_S_FAILURE, KRB5_NOPERM_ETYPE}},
        {BadKeyLength, {GSS_S_FAILURE, KRB5_BAD_MSIZE}},
        {BadIntegrity, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BAD_INTEGRITY}},
        {CiphertextTooShort, {GSS_S_FAILURE, KRB5_BAD_MSIZE}},
        {CryptoFailure, {GSS_S_FAILURE, KRB5_CRYPTO_INTERNAL}},
        {NoRandomness, {GSS_S_FAILURE, KRB5_CRYPTO_INTERNAL}},
        {NoServiceKey, {GSS_S_FAILURE, KRB5KRB_AP_ERR_NOKEY}},
        {NoKeytab, {GSS_S_NO_CRED, KRB5_KT_NOTFOUND}},
        {WrongServer, {GSS_S_FAILURE, KRB5KRB_AP_ERR_NOT_US}},
        {WrongKeyVersion, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BADKEYVER}},
        {TicketIntegrity, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BAD_INTEGRITY}},
        {AuthenticatorIntegrity, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BAD_INTEGRITY}},
        {WrongClient, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BADMATCH}},
        {ClockSkew, {GSS_S_FAILURE, KRB5KRB_AP_ERR_SKEW}},
        {TicketNotYetValid, {GSS_S_FAILURE, KRB5KRB_AP_ERR_TKT_NYV}},
        {TicketExpired, {GSS_S_FAILURE, KRB5KRB_AP_ERR_TKT_EXPIRED}},
        {TicketInvalid, {GSS_S_FAILURE, KRB5KRB_AP_ERR_TKT_INVALID}},
        {WrongAddress, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BADADDR}},
        {TransitRefused, {GSS_S_FAILURE, KRB5KRB_AP_ERR_ILL_CR_TKT}},
        {UnknownAuthorizationData, {GSS_S_FAILURE, KRB5KDC_ERR_POLICY}},
        {PacRefused, {GSS_S_FAILURE, KRB5KRB_AP_ERR_MODIFIED}},
        {UserToUserRefused, {GSS_S_FAILURE, KRB5KRB_AP_ERR_METHOD}},
        {MissingMutual, {GSS_S_FAILURE, KRB5KRB_AP_ERR_METHOD}},
        {ContradictoryMutual, {GSS_S_FAILURE, KRB5KRB_AP_ERR_MODIFIED}},
        {BadChecksum, {GSS_S_BAD_SIG, KRB5KRB_AP_ERR_MODIFIED}},
        {ChecksumTooShort, {GSS_S_BAD_BINDINGS, k5g + 6}},
        {BadBindingsLength, {GSS_S_FAILURE, k5g + 6}},
        {BindingsMismatch, {GSS_S_BAD_BINDINGS, KRB5KRB_AP_ERR_MODIFIED}},
        {BindingsMissing, {GSS_S_BAD_BINDINGS, KRB5KRB_AP_ERR_MODIFIED}},
        {BadDelegation, {GSS_S_FAILURE, KRB5KRB_AP_ERR_MODIFIED}},
        {Replay, {GSS_S_FAILURE, KRB5KRB_AP_ERR_REPEAT}},
        {ReplayStoreFailed, {GSS_S_FAILURE, KRB5_RC_IO}},
        {DceStyleMismatch, {GSS_S_DEFECTIVE_TOKEN, KRB5KRB_AP_ERR_MSG_TYPE}},
        {NoCredential, {GSS_S_NO_CRED, KRB5_CC_NOTFOUND}},
        {EmptyCredentialCache, {GSS_S_NO_CRED, k5g + 12}},
        {CredentialCacheMismatch, {GSS_S_NO_CRED, k5g + 0}},
        {CredentialExpired, {GSS_S_CREDENTIALS_EXPIRED, KRB5KRB_AP_ERR_TKT_EXPIRED}},
        {KdcFailed, {GSS_S_FAILURE, KRB5_KDC_UNREACH}},
        {ReplyIntegrity, {GSS_S_FAILURE, KRB5KRB_AP_ERR_BAD_INTEGRITY}},
        {ReplyMismatch, {GSS_S_FAILURE, KRB5_MUTUAL_FAILED}},
        {PeerReported, {GSS_S_FAILURE, KRB5KRB_ERR_GENERIC}},
        {MissingReply, {GSS_S_DEFECTIVE_TOKEN, ggss + 12}},
        {TargetChanged, {GSS_S_BAD_NAME, ggss + 0}},
        {DelegationFailed, {GSS_S_FAILURE, k5g + 2}},
        {FieldTooLong, {GSS_S_FAILURE, KRB5KRB_ERR_FIELD_TOOLONG}},
        {NoContext, {GSS_S_NO_CONTEXT, k5g + 8}},
        {ContextIncomplete, {GSS_S_NO_CONTEXT, k5g + 7}},
        {ContextEstablished, {GSS_S_FAILURE, k5g + 4}},
        {ContextFailed, {GSS_S_NO_CONTEXT, k5g + 7}},
        {BadHandle, {GSS_S_DEFECTIVE_CREDENTIAL, EINVAL}},
        {BadCall, {GSS_S_FAILURE, EINVAL}},
        {BadUsage, {GSS_S_FAILURE, ggss + 7}},
        {BadQuality, {GSS_S_BAD_QOP, ggss + 8}},
        {Unavailable, {GSS_S_UNAVAILABLE, EINVAL}},
        {NoMemory, {GSS_S_FAILURE, ENOMEM}},
        {Internal, {GSS_S_FAILURE, KRB5_CRYPTO_INTERNAL}},
        {BadSignature, {GSS_S_BAD_SIG, KRB5KRB_AP_ERR_BAD_INTEGRITY}},
        {WrongDirection, {GSS_S_BAD_SIG, ggss + 13}},
        {BadMessageToken, {GSS_S_DEFECTIVE_TOKEN, ggss + 12}},
        {MessageTooLong, {GSS_S_FAILURE, KRB5KRB_ERR_FIELD_TOOLONG}},
        {SequenceExhausted, {GSS_S_FAILURE, k5g + 11}},
        {BadBuffers, {GSS_S_FAILURE, EINVAL}},
        {BufferTooSmall, {GSS_S_FAILURE, KRB5_BAD_MSIZE}},
        {BadName, {GSS_S_BAD_NAME, ggss + 0}},
        {BadNameType, {GSS_S_BAD_NAMETYPE, ggss + 0}},
        {BadCredential, {GSS_S_DEFECTIVE_CREDENTIAL, k5g + 9}},
        {KeytabMismatch, {GSS_S_NO_CRED, k5g + 1}},
        {DuplicateElement, {GSS_S_DUPLICATE_ELEMENT, EEXIST}},
        {NotAuthorized, {GSS_S_UNAUTHORIZED, EPERM}},
        {NoLocalName, {GSS_S_FAILURE, KRB5_NO_LOCALNAME}},
        {NoAttribute, {GSS_S_UNAVAILABLE, ENOENT}},
        {StoreRefused, {GSS_S_FAILURE, ggss + 18}},
        {BadSetting, {GSS_S_FAILURE, KRB5_CONFIG_BADFORMAT}},
        {Library, {GSS_S_FAILURE, KRB5KRB_ERR_GENERIC}},
    };
    return all;
}

} // namespace

/// The one table of faults: each row's codes, against the constants of the headers.
class FaultTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(FaultTest);
    CPPUNIT_TEST(every_fault_has_the_codes_that_callers_test_for);
    CPPUNIT_TEST(no_fault_reads_as_success);
    CPPUNIT_TEST(an_error_is_its_sentence_and_its_detail);
    CPPUNIT_TEST_SUITE_END();

public:
    void every_fault_has_the_codes_that_callers_test_for()
    {
        for (std::size_t i = 0; i < static_cast<std::size_t>(Fault::Count_); ++i) {
            const FaultTraits& traits = traits_of(static_cast<Fault>(i));
            const std::string name(traits.name);
            const auto found = expectations().find(traits.fault);
            CPPUNIT_ASSERT_MESSAGE(name + " has no expectation", found != expectations().end());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, found->second.major, traits.routine_error << GSS_C_ROUTINE_ERROR_OFFSET);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, found->second.minor, traits.minor);
        }
    }

    void no_fault_reads_as_success()
    {
        for (std::size_t i = 0; i < static_cast<std::size_t>(Fault::Count_); ++i) {
            const FaultTraits& traits = traits_of(static_cast<Fault>(i));
            CPPUNIT_ASSERT(traits.minor != 0 && traits.routine_error != 0);
            CPPUNIT_ASSERT(traits.sentence.size() > 10 && traits.sentence.find("uccess") == std::string_view::npos);
        }
    }

    void an_error_is_its_sentence_and_its_detail()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("memory is exhausted"), refuse(Fault::NoMemory).text());
        CPPUNIT_ASSERT_EQUAL(std::string("memory is exhausted: 5 octets"), refuse(Fault::NoMemory, "5 octets").text());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FaultTest);
