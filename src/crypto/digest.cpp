// SPDX-License-Identifier: MIT
#include "apex/crypto/digest.h"

#include "crypto/openssl.h"

namespace apex {

Result<Sha256Digest> sha256(ByteView message)
{
    Sha256Digest digest;
    TRY(hash_of(HashAlgorithm::sha256, {&message, 1}, digest));
    return digest;
}

Result<Sha256Digest> hmac_sha256(ByteView key, ByteView message)
{
    const MacKey mac_key(MacAlgorithm::hmac_sha256, key);
    MacRun run(mac_key);
    run.update(message);
    Sha256Digest digest;
    TRY(run.finish(digest));
    return digest;
}

} // namespace apex
