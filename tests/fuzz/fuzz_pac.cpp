// SPDX-License-Identifier: MIT
#include "apex/messages/cammac.h"
#include "apex/messages/pac_identity.h"
#include "tests/support/cammac_maker.h"
#include "tests/support/pac_maker.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

// What a KDC vouches for behind the ticket's encryption. The harness holds the service's key: the fuzzer's PAC is signed,
// its buffers are put into an honest PAC, which is signed then, and its containers get verifiers, so that everything behind
// the signatures is reached. The first octet chooses, the second one an octet of the PAC to change.

namespace apex::fuzz {
namespace {

using test::PacMaker;

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

const Key& service_key()
{
    static const Key key = [] {
        Result<Key> made = Key::from(EncryptionType::aes128_cts_hmac_sha1_96, Secret(Bytes(16, 0x0b)));
        require(made.has_value());
        return std::move(*made);
    }();
    return key;
}

constexpr std::string_view client = "alice";
const Time auth_time = time_from_seconds(1'790'000'000);

void require_text(const Error& error)
{
    require(!error.detail.empty() && error.detail.size() < 1000);
}

/// UTF-8 of RFC 3629, without NUL, as octets of a text go to programs.
void require_utf8(std::string_view text)
{
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<std::uint8_t>(text[i]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        require(first != 0 && (first < 0x80 || first >= 0xc2) && first < 0xf5 && i + length <= text.size());
        for (std::size_t j = 1; j < length; ++j) {
            require((static_cast<std::uint8_t>(text[i + j]) & 0xc0) == 0x80);
        }
        i += length;
    }
}

void require_sid(const Sid& sid)
{
    const std::string text = sid.text();
    require(text.rfind("S-1-", 0) == 0 && text.size() < 200);
}

void read_identity(const Pac& pac)
{
    const Result<PacIdentity> identity = PacIdentity::read(pac);
    if (!identity) {
        require_text(identity.error());
        return;
    }
    for (const std::string* text :
         {&identity->logon_name, &identity->domain_name, &identity->user_principal_name, &identity->dns_domain_name}) {
        require_utf8(*text);
    }
    require(identity->groups.size() <= pac.octets().size() / 8);
    std::for_each(identity->groups.begin(), identity->groups.end(), require_sid);
    if (identity->user) {
        require_sid(*identity->user);
    }
}

bool inside(ByteView whole, ByteView part)
{
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// Tells whether a change of the octet is noticed: it is not one of those that count as zero.
bool is_covered(const Pac& pac, std::size_t place)
{
    for (const PacType type : {PacType::server_checksum, PacType::kdc_checksum}) {
        const ByteView signature = **pac.find(type);
        const auto begin = static_cast<std::size_t>(signature.data() - pac.octets().data());
        const std::size_t checksum_end = type == PacType::server_checksum ? begin + 4 + 12 : begin + 4;
        if (place >= checksum_end && place < begin + signature.size()) {
            return false;
        }
    }
    return true;
}

void judge_pac(const Bytes& octets, std::uint8_t choice)
{
    Result<Pac> pac = Pac::parse(octets);
    if (!pac) {
        require_text(pac.error());
        return;
    }
    for (const PacBuffer& buffer : pac->buffers()) {
        require(inside(pac->octets(), buffer.octets));
    }
    const Done verified = pac->verify(service_key(), client, auth_time);
    read_identity(*pac);
    if (!verified) {
        require_text(verified.error());
        return;
    }
    require(!pac->verify(service_key(), "mallory", auth_time));
    const std::size_t place = choice * octets.size() / 256;
    if (is_covered(*pac, place)) {
        Bytes changed = octets;
        changed[place] ^= 0x40;
        const Result<Pac> other = Pac::parse(changed);
        require(!other || !other->verify(service_key(), client, auth_time));
    }
}

/// An honest PAC with the fuzzer's octets as one of its buffers.
void judge_buffer(std::uint32_t type, ByteView octets, std::uint8_t choice)
{
    PacMaker maker(service_key(), client, auth_time);
    maker.buffer(type) = bytes_of(octets);
    judge_pac(maker.pac(), choice);
}

void judge_container(ByteView octets)
{
    const AuthenticationIndicators found =
        AuthenticationIndicators::of({AuthorizationElement{ad_cammac, bytes_of(octets)}}, service_key());
    require(found.values.empty() || found.left_out.empty());
    require(found.values.size() <= octets.size() / 2);
    require(found.left_out.size() < 1000);
}

void judge_elements(ByteView octets)
{
    const Result<AuthorizationData> elements = decode_authorization_data(octets);
    if (elements) {
        test::CammacMaker maker(service_key(), {});
        maker.elements = *elements;
        judge_container(maker.encode());
    }
}

void judge(std::uint8_t what, std::uint8_t choice, ByteView octets)
{
    switch (what % 6) {
    case 0: {
        Bytes pac = bytes_of(octets);
        test::sign_pac(pac, service_key());
        return judge_pac(pac, choice);
    }
    case 1:
        return judge_buffer(1, octets, choice);
    case 2:
        return judge_buffer(12, octets, choice);
    case 3:
        return judge_buffer(10, octets, choice);
    case 4:
        return judge_container(octets);
    default:
        return judge_elements(octets);
    }
}

} // namespace
} // namespace apex::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size >= 2) {
        apex::fuzz::judge(data[0], data[1], apex::ByteView(data, size).subspan(2));
    }
    return 0;
}
