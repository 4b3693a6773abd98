# SPDX-License-Identifier: MIT
"""The SPNEGO tokens of RFC 4178 4.2, as far as a test needs them to play one side by itself."""

SPNEGO_OID = bytes.fromhex("06062b0601050502")
KRB5_OID = bytes.fromhex("06092a864886f712010202")
# 1.3.6.1.4.1.311.2.2.10, a mechanism (NTLMSSP) that nobody here implements.
OTHER_OID = bytes.fromhex("060a2b06010401823702020a")
ACCEPT_COMPLETED, ACCEPT_INCOMPLETE, REJECT, REQUEST_MIC = range(4)


def tlv(tag, value):
    length = len(value)
    if length < 128:
        return bytes([tag, length]) + value
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + value


def read_tlv(data):
    """(tag, value, rest) of the first element."""
    length, at = data[1], 2
    if length & 0x80:
        at += length & 0x7f
        length = int.from_bytes(data[2:at], "big")
    if at + length > len(data):
        raise ValueError("DER element is longer than its token")
    return data[0], data[at:at + length], data[at + length:]


def fields(sequence):
    """The context-tagged fields of a SEQUENCE, as {number: value}."""
    tag, rest, _ = read_tlv(sequence)
    found = {}
    if tag != 0x30:
        raise ValueError("not a SEQUENCE")
    while rest:
        tag, value, rest = read_tlv(rest)
        found[tag & 0x1f] = value
    return found


def mechanism_list(*oids):
    """MechTypeList, which is also the octets that mechListMIC covers."""
    return tlv(0x30, b"".join(oids))


def neg_token_init(mechanisms, mech_token=None):
    body = tlv(0xa0, mechanisms)
    if mech_token is not None:
        body += tlv(0xa2, tlv(0x04, mech_token))
    return tlv(0x60, SPNEGO_OID + tlv(0xa0, tlv(0x30, body)))


def neg_token_response(state=None, mechanism=None, token=None, mic=None):
    body = b""
    if state is not None:
        body += tlv(0xa0, tlv(0x0a, bytes([state])))
    if mechanism is not None:
        body += tlv(0xa1, mechanism)
    if token is not None:
        body += tlv(0xa2, tlv(0x04, token))
    if mic is not None:
        body += tlv(0xa3, tlv(0x04, mic))
    return tlv(0xa1, tlv(0x30, body))


class Init:
    """What a NegTokenInit carries: the list of mechanisms as it stands, and the token."""

    def __init__(self, data):
        tag, framed, _ = read_tlv(data)
        if tag != 0x60 or not framed.startswith(SPNEGO_OID):
            raise ValueError("not a SPNEGO token")
        found = fields(read_tlv(framed[len(SPNEGO_OID):])[1])
        self.mechanisms = found[0]
        self.token = read_tlv(found[2])[1] if 2 in found else None


class Response:
    """What a NegTokenResp carries; absent fields are None."""

    def __init__(self, data):
        tag, body, _ = read_tlv(data)
        if tag != 0xa1:
            raise ValueError("not a NegTokenResp")
        found = fields(body)
        self.state = read_tlv(found[0])[1][0] if 0 in found else None
        self.mechanism = found.get(1)
        self.token = read_tlv(found[2])[1] if 2 in found else None
        self.mic = read_tlv(found[3])[1] if 3 in found else None
