#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz_messages, fuzz_der and fuzz_exchange from the vectors of the messages, and those of fuzz_pac.

Run from the top of the sources: tests/fuzz/seed_messages.py
"""
import pathlib
import re
import struct

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# The order is that of `decoders` in fuzz_messages.cpp.
TYPES = ["ApReq", "ApRep", "EncApRepPart", "Ticket", "EncTicketPart", "Authenticator", "KrbError", "KrbCred",
         "EncKrbCredPart", "EncryptedData", "EncryptionKey", "EtypeNegotiation", "AuthorizationData",
         "PrincipalName", "HostAddress"]
LARGEST = 700  # octets; the fuzzer works best with small seeds

BY_HAND = {
    "PrincipalName": ["3011a003020101a10a30081b0166001b00", "300ea003020101a10730051b0161 1b00", "300ba003020101a1043002 1b00",
                      "3009a003020101a1023000"],
    "HostAddress": ["300fa003020102a1080406 0a0000010000", "300da003020102a1060404 0a000001"],
    "AuthorizationData": ["30143012a003020101a10b0409 30073005a003020101", "3000"],
    "EtypeNegotiation": ["3000", "300602020080020112", "3003020200"],
}
DER_BY_HAND = {"indefinite": "3080" * 40, "long": "3084ffffffff0000", "deep": None, "tag": "7f8101020105",
               "time": "180f31393835313130363231303632375a", "flags": "030500fedcba98", "number": "0204ff000000"}


def deep():
    octets = b""
    for _ in range(40):
        octets = b"\x30" + bytes([len(octets)]) + octets
    return octets


def vectors():
    for path in sorted((TOP / "tests/vectors").glob("messages_*.txt")):
        for name, kind, digits in re.findall(r"^name = (.*)\ntype = (.*)\nder = (.*)$", path.read_text(), re.M):
            yield name, kind, bytes.fromhex(digits)


def write(corpus, name, octets):
    folder = TOP / "tests/fuzz/corpus" / corpus
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(octets)


# The order is that of `targets` in fuzz_exchange.cpp: which vectors are plaintexts of which target.
TARGETS = [("frame", None), ("ticket", "EncTicketPart"), ("authenticator", "Authenticator"), ("checksum", None),
           ("data", "AuthorizationData"), ("reply", "EncApRepPart"), ("third", "EncApRepPart")]
WHOLE = 0x80
# Changes to an honest plaintext: nothing, one octet, an insertion, a deletion, a cut, two at once.
CHANGES = {"none": "", "octet": "0004 00 01 ff", "insertion": "0010 01 04 00000000", "deletion": "0008 02 02 0000",
           "cut": "0014 03 00", "two": "0002 00 01 05 0020 00 02 ffff"}
FRAMES = ["600d06092a864886f712010202 0100", "601206092a864886f712010202 0300 7e03 300130", "6e020100"]


def write_exchange_seeds():
    for number, (target, kind) in enumerate(TARGETS):
        for name, digits in CHANGES.items():
            if target != "frame":
                write("exchange", "%s-%s" % (target, name), bytes([number]) + bytes.fromhex(digits))
        for name, vector_kind, octets in vectors():
            if kind == vector_kind and len(octets) <= LARGEST:
                write("exchange", "%s-%s" % (target, name), bytes([WHOLE | number]) + octets)
    for number, digits in enumerate(FRAMES):
        write("exchange", "frame-%d" % number, bytes([WHOLE]) + bytes.fromhex(digits))


# What an input of fuzz_pac is, by its first octet; the second one says which octet of the PAC is changed.
WHOLE_PAC, LOGON_INFO, UPN_DNS_INFO, CLIENT_INFO, CONTAINER, ELEMENTS = range(6)
# The client of the harness, and the types of buffers ([MS-PAC] 2.4).
FILE_TIME = (1790000000 + 11644473600) * 10 ** 7
CLIENT_BUFFER = struct.pack("<QH", FILE_TIME, 10) + "alice".encode("utf-16-le")
SIGNATURE = struct.pack("<I", 15) + bytes(12)  # HMAC-SHA1-96 of AES-128, which the harness makes
BUFFERS = {1: LOGON_INFO, 12: UPN_DNS_INFO, 10: CLIENT_INFO}
TICKET_SIGNATURE, FULL_SIGNATURE = 16, 19
AD_ELEMENTS = {"none": "3000", "empty": "300d300ba003020161a10404023000", "one": "3010300ea003020161a107040530030c0178",
               "two": "30133011a003020161a10a040830060c01780c0179", "no-text": "300f300da003020161a106040430020500",
               "nested": "3020301ea003020101a117041530133011a003020161a10a040830060c0464656570",
               "other": "302e300ca00402021267a10404020102300ea003020161a107040530030c0178300ea003020161a107040530030c0179"}
AD_CAMMACS = {"no-verifier": "3014 ELEMENTS", "for-kdc": "3031 ELEMENTS a11b VERIFIER", "for-service": "3031 ELEMENTS a21b VERIFIER",
              "for-all": "308188 ELEMENTS a11b VERIFIER a236 3034a00f300da003020101a10630041b026161a103020101a203020111a317 MAC"
                         "a31d301b VERIFIER"}
AD_PARTS = {"ELEMENTS": "a012" + AD_ELEMENTS["one"], "VERIFIER": "3019a317 MAC", "MAC": "3015a00302010fa10e040c" + "00" * 12}


def container(digits):
    for word, part in AD_PARTS.items():
        digits = digits.replace(word, part)
    return bytes.fromhex(digits)


def pac_of(buffers):
    """A PAC of these (type, octets), its table in front."""
    octets = struct.pack("<II", len(buffers), 0)
    place, body = 8 + 16 * len(buffers), b""
    for kind, content in buffers:
        octets += struct.pack("<IIQ", kind, len(content), place + len(body))
        body += content + bytes(-len(content) % 8)
    return octets + body


def buffers_of(pac):
    for row in range(struct.unpack_from("<I", pac)[0]):
        kind, length, place = struct.unpack_from("<IIQ", pac, 8 + 16 * row)
        yield kind, pac[place:place + length]


def captured_pacs():
    text = (TOP / "tests/vectors/pac.txt").read_text()
    for name, digits in re.findall(r"^name = (.*)\npac = (.*)$", text, re.M):
        yield name, bytes.fromhex(digits)


def write_pac_seeds():
    signatures = [(6, SIGNATURE), (7, SIGNATURE)]
    for name, pac in captured_pacs():
        seen = []
        for kind, octets in buffers_of(pac):
            if kind in BUFFERS and kind not in seen:
                write("pac", "buffer%d-%s" % (kind, name), bytes([BUFFERS[kind], 0x80]) + octets)
                seen.append(kind)
        told = [(kind, octets) for kind, octets in buffers_of(pac) if kind in (1, 12)]
        write("pac", "signed-" + name, bytes([WHOLE_PAC, 0x80]) + pac_of(told + [(10, CLIENT_BUFFER)] + signatures))
    write("pac", "client", bytes([CLIENT_INFO, 0x40]) + CLIENT_BUFFER)
    write("pac", "small", bytes([WHOLE_PAC, 0x20]) + pac_of([(10, CLIENT_BUFFER)] + signatures))
    write("pac", "all-signatures", bytes([WHOLE_PAC, 0xf0]) + pac_of(
        [(10, CLIENT_BUFFER)] + signatures + [(TICKET_SIGNATURE, SIGNATURE), (FULL_SIGNATURE, SIGNATURE + b"\x01\x00")]))
    for name, digits in AD_CAMMACS.items():
        write("pac", "container-" + name, bytes([CONTAINER, 0]) + container(digits))
    for name, digits in AD_ELEMENTS.items():
        write("pac", "elements-" + name, bytes([ELEMENTS, 0]) + bytes.fromhex(digits))


def main():
    for name, kind, octets in vectors():
        if len(octets) <= LARGEST:
            write("messages", "%s-%s" % (kind, name), bytes([TYPES.index(kind)]) + octets)
        if name.startswith("mit-") and len(octets) <= 300:
            write("der", "%s-%s" % (kind, name), octets)
    for kind, inputs in BY_HAND.items():
        for number, digits in enumerate(inputs):
            write("messages", "%s-%d" % (kind, number), bytes([TYPES.index(kind)]) + bytes.fromhex(digits))
    for name, digits in DER_BY_HAND.items():
        write("der", name, deep() if digits is None else bytes.fromhex(digits))
    write_exchange_seeds()
    write_pac_seeds()


main()
