# SPDX-License-Identifier: MIT
"""Tickets of a FILE cache, opened with the service's key, changed and sealed again, as only the KDC or the service could.

DER and the layout of tickets are read here; encryption, checksums and PACs are libkrb5's.
"""
import ctypes
import struct

from files import CacheReader, read_octets, write_octets

IF_RELEVANT, CAMMAC, INDICATOR, PAC = 1, 96, 97, 128
LOGON_INFO, SERVER_CHECKSUM, KDC_CHECKSUM, CLIENT_INFO, UPN_DNS_INFO = 1, 6, 7, 10, 12
TICKET_USAGE, CAMMAC_USAGE = 2, 64
SEQUENCE, INTEGER, OCTETS, UTF8 = 0x30, 0x02, 0x04, 0x0c
AUTHORIZATION_DATA = 10  # the field of an EncTicketPart
AUTH_TIME = 5
VERSION, CIPHER = 1, 2


# DER (X.690), definite lengths and low tags.

def element(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def elements(octets):
    """The (tag, content) pairs that follow each other in octets."""
    found, at = [], 0
    while at < len(octets):
        tag, length = octets[at], octets[at + 1]
        at += 2
        if length >= 0x80:
            count = length & 0x7f
            length = int.from_bytes(octets[at:at + count], "big")
            at += count
        found.append((tag, octets[at:at + length]))
        at += length
    return found


def field(number, content):
    return element(0xa0 | number, content)


def integer(value):
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def inside(octets):
    """The fields of a sequence that is alone in octets, by number."""
    (_, content), = elements(octets)
    return {tag & 0x1f: value for tag, value in elements(content)}


def sequence(fields):
    return element(SEQUENCE, b"".join(field(number, fields[number]) for number in sorted(fields)))


def decode_authorization(octets):
    """[(type, data)] of an AuthorizationData."""
    (_, content), = elements(octets)
    found = []
    for _, entry in elements(content):
        fields = {tag & 0x1f: value for tag, value in elements(entry)}
        found.append((int.from_bytes(elements(fields[0])[0][1], "big", signed=True), elements(fields[1])[0][1]))
    return found


def encode_authorization(entries):
    return element(SEQUENCE, b"".join(sequence({0: integer(kind), 1: element(OCTETS, data)}) for kind, data in entries))


def if_relevant(*entries):
    return IF_RELEVANT, encode_authorization(entries)


def flat(entries):
    """Entries with those of AD-IF-RELEVANT in its place."""
    for kind, data in entries:
        if kind == IF_RELEVANT:
            yield from flat(decode_authorization(data))
        else:
            yield kind, data


# libkrb5

class Data(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("length", ctypes.c_uint), ("octets", ctypes.c_void_p)]

    @classmethod
    def of(cls, octets):
        data = cls(0, len(octets), None)
        data.kept = ctypes.create_string_buffer(octets, len(octets) + 1)
        data.octets = ctypes.cast(data.kept, ctypes.c_void_p)
        return data

    def value(self):
        return ctypes.string_at(self.octets, self.length)


class KeyBlock(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("type", ctypes.c_int32), ("length", ctypes.c_uint), ("octets", ctypes.c_void_p)]


class EncryptedData(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("type", ctypes.c_int32), ("version", ctypes.c_uint), ("cipher", Data)]


class Checksum(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("type", ctypes.c_int32), ("length", ctypes.c_uint), ("octets", ctypes.c_void_p)]


class Kerberos:
    """libkrb5 with the keys of a keytab."""

    def __init__(self, keytab):
        self.library = ctypes.CDLL("libkrb5.so.3")
        self.context = ctypes.c_void_p()
        self.keytab = keytab
        self.call("krb5_init_context", ctypes.byref(self.context), context=False)

    def call(self, function, *arguments, context=True):
        code = getattr(self.library, function)(*((self.context,) if context else ()), *arguments)
        if code:
            raise RuntimeError("%s: %d" % (function, code))

    def principal(self, text):
        principal = ctypes.c_void_p()
        self.call("krb5_parse_name", text.encode(), ctypes.byref(principal))
        return principal

    def key(self, principal, enctype):
        """The principal's key in the keytab."""
        key = ctypes.POINTER(KeyBlock)()
        self.call("krb5_kt_read_service_key", ("FILE:" + self.keytab).encode(), self.principal(principal), 0, enctype,
                  ctypes.byref(key))
        return key

    def open(self, key, usage, cipher):
        plain = Data.of(bytes(len(cipher)))
        self.call("krb5_c_decrypt", key, usage, None,
                  ctypes.byref(EncryptedData(0, key.contents.type, 0, Data.of(cipher))), ctypes.byref(plain))
        return plain.value()

    def seal(self, key, usage, plain):
        length = ctypes.c_size_t()
        self.call("krb5_c_encrypt_length", key.contents.type, len(plain), ctypes.byref(length))
        sealed = EncryptedData(0, 0, 0, Data.of(bytes(length.value)))
        self.call("krb5_c_encrypt", key, usage, None, ctypes.byref(Data.of(plain)), ctypes.byref(sealed))
        return sealed.cipher.value()

    def checksum(self, key, usage, octets):
        """(type, value) of the checksum that belongs to the key's type."""
        checksum = Checksum()
        self.call("krb5_c_make_checksum", 0, key, usage, ctypes.byref(Data.of(octets)), ctypes.byref(checksum))
        return checksum.type, ctypes.string_at(checksum.octets, checksum.length)

    def pac(self, key, client, auth_time, buffers):
        """A PAC with these buffers, {type: octets}, about a client, signed with the key for the service and for the KDC."""
        pac, signed = ctypes.c_void_p(), Data()
        self.call("krb5_pac_init", ctypes.byref(pac))
        for kind, octets in buffers.items():
            self.call("krb5_pac_add_buffer", pac, kind, ctypes.byref(Data.of(octets)))
        self.call("krb5_pac_sign", pac, auth_time, self.principal(client), key, key, ctypes.byref(signed))
        return signed.value()

    def cammac(self, key, indicators):
        """An AD-CAMMAC with authentication indicators (RFC 7751, RFC 8129) and a verifier for the service."""
        texts = element(SEQUENCE, b"".join(element(UTF8, text.encode()) for text in indicators))
        covered = encode_authorization([(INDICATOR, texts)])
        kind, value = self.checksum(key, CAMMAC_USAGE, covered)
        mac = sequence({0: integer(kind), 1: element(OCTETS, value)})
        return CAMMAC, sequence({0: covered, 2: sequence({3: mac})})


class Ticket:
    """The ticket for a server in a FILE cache, opened with the server's key."""

    def __init__(self, kerberos, cache, server):
        self.kerberos = kerberos
        self.data = read_octets(cache)
        reader = CacheReader(self.data)
        for name, _, end in reader.credentials():
            if name == server:
                self.begin, self.end = reader.ticket, end
                break
        else:
            raise RuntimeError("%s has no ticket for %s" % (cache, server))
        length = struct.unpack_from(">I", self.data, self.begin)[0]
        self.behind = self.data[self.begin + 4 + length:]
        (_, body), = elements(self.data[self.begin + 4:self.begin + 4 + length])
        self.fields = inside(body)
        self.encrypted = inside(self.fields[3])
        self.type = int.from_bytes(elements(self.encrypted[0])[0][1], "big", signed=True)
        self.version = int.from_bytes(elements(self.encrypted[VERSION])[0][1], "big")
        self.key = kerberos.key(server, self.type)
        self.plain = kerberos.open(self.key, TICKET_USAGE, elements(self.encrypted[CIPHER])[0][1])
        (_, body), = elements(self.plain)
        self.contents = inside(body)
        self.authorization = decode_authorization(self.contents[AUTHORIZATION_DATA])

    def find(self, kind):
        """The first element of a type, in AD-IF-RELEVANT too."""
        return next((data for found, data in flat(self.authorization) if found == kind), None)

    def auth_time(self):
        import calendar
        import time
        text = elements(self.contents[AUTH_TIME])[0][1].decode()
        return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))

    def copy_with(self, target, authorization):
        """Writes a copy of the cache whose ticket has this authorization data."""
        contents = dict(self.contents)
        contents.pop(AUTHORIZATION_DATA)
        if authorization:
            contents[AUTHORIZATION_DATA] = encode_authorization(authorization)
        return self.copy_with_plain(target, element(0x63, sequence(contents)))

    def copy_with_plain(self, target, plain):
        """Writes a copy of the cache whose ticket has these octets for an EncTicketPart."""
        cipher = self.kerberos.seal(self.key, TICKET_USAGE, plain)
        encrypted = dict(self.encrypted)
        encrypted[CIPHER] = element(OCTETS, cipher)
        fields = dict(self.fields)
        fields[3] = sequence(encrypted)
        ticket = element(0x61, sequence(fields))
        return write_octets(target, self.data[:self.begin] + struct.pack(">I", len(ticket)) + ticket + self.behind)


def pac_buffers(pac):
    """[(type, place, length)] of a PAC's table ([MS-PAC] 2.3)."""
    count, _ = struct.unpack_from("<II", pac)
    rows = [struct.unpack_from("<IIQ", pac, 8 + 16 * row) for row in range(count)]
    return [(kind, place, length) for kind, length, place in rows]
