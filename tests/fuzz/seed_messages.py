#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz_messages, fuzz_der and fuzz_exchange from the vectors of the messages.

Run from the top of the sources: tests/fuzz/seed_messages.py
"""
import pathlib
import re

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


main()
