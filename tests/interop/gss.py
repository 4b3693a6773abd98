# SPDX-License-Identifier: MIT
"""GSS-API for Python through ctypes, as far as tests need it, and processes to use it in.

The library reads its configuration once in a process, so that every case runs apart(), in a child with an environment
of its own. Handles are not released: the child ends.
"""
import collections
import ctypes
import os
import pickle
import signal

KRB5 = bytes.fromhex("2a864886f712010202")
SPNEGO = bytes.fromhex("2b0601050502")
HOST_BASED = bytes.fromhex("2a864886f71201020104")
PRINCIPAL = KRB5 + b"\x01"
ENTERPRISE = KRB5 + b"\x06"
COMPOSITE_EXPORT = bytes.fromhex("2b0601050606")
CERTIFICATE = KRB5 + b"\x07"
SESSION_KEY = KRB5 + b"\x05\x05"
IMPERSONATOR = KRB5 + b"\x05\x0e"
AUTHORIZATION_DATA = KRB5 + b"\x05\x0a"
BOTH, INITIATE, ACCEPT = range(3)
DELEGATE, MUTUAL, REPLAY, SEQUENCE = 1, 2, 4, 8
DELEGATE_BY_POLICY = 0x8000
CONTINUE_NEEDED = 1
ERRORS = {4: "BAD_BINDINGS", 7: "NO_CRED", 9: "DEFECTIVE_TOKEN", 12: "CONTEXT_EXPIRED", 13: "FAILURE",
          16: "UNAVAILABLE", 17: "DUPLICATE_ELEMENT"}
# Seconds after which a child that hangs is ended.
PATIENCE = 60


class Oid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("elements", ctypes.c_char_p)]


class OidSet(ctypes.Structure):
    _fields_ = [("count", ctypes.c_size_t), ("elements", ctypes.POINTER(Oid))]


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    def octets(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


class BufferSet(ctypes.Structure):
    _fields_ = [("count", ctypes.c_size_t), ("elements", ctypes.POINTER(Buffer))]


class KeyValue(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class KeyValueSet(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint32), ("elements", ctypes.POINTER(KeyValue))]


class Bindings(ctypes.Structure):
    _fields_ = [("initiator_type", ctypes.c_uint32), ("initiator", Buffer), ("acceptor_type", ctypes.c_uint32),
                ("acceptor", Buffer), ("data", Buffer)]


class Refused(Exception):
    """A call failed: its routine error by name, its minor code as krb5.h writes it, its text and the token it gave."""

    def __init__(self, function, major, minor, text, token=b""):
        super().__init__("%s: %s (%d: %s)" % (function, ERRORS.get(major >> 16 & 0xff, hex(major)), minor, text))
        self.error = ERRORS.get(major >> 16 & 0xff, hex(major))
        self.minor = minor
        self.text = text
        self.token = token


def library():
    return ctypes.CDLL("libgssapi_krb5.so.2")


def buffer(octets):
    return Buffer(len(octets), ctypes.cast(ctypes.create_string_buffer(octets, len(octets) + 1), ctypes.c_void_p))


def text_of(minor, mechanism):
    unused, more, text, oid = ctypes.c_uint32(), ctypes.c_uint32(), Buffer(), Oid(len(mechanism), mechanism)
    library().gss_display_status(ctypes.byref(unused), minor, 2, ctypes.byref(oid), ctypes.byref(more),
                                 ctypes.byref(text))
    return text.octets().decode(errors="replace")


def call(function, *arguments, mechanism=KRB5, output=None):
    """Calls a function whose first parameter is the minor status; returns the major one, or raises Refused."""
    minor = ctypes.c_uint32()
    target = getattr(library(), function)
    target.restype = ctypes.c_uint32
    major = target(ctypes.byref(minor), *arguments)
    if major & 0xffff0000:
        signed = minor.value - (1 << 32) if minor.value >= 1 << 31 else minor.value
        raise Refused(function, major, signed, text_of(minor, mechanism), output.octets() if output else b"")
    return major


def store_of(values):
    elements = (KeyValue * len(values))(*[KeyValue(key.encode(), value.encode()) for key, value in values.items()])
    return KeyValueSet(len(values), elements)


def import_name(text, kind=HOST_BASED):
    """A name of text, or of octets such as a certificate's."""
    name, oid = ctypes.c_void_p(), Oid(len(kind), kind)
    octets = text if isinstance(text, bytes) else text.encode()
    call("gss_import_name", ctypes.byref(buffer(octets)), ctypes.byref(oid), ctypes.byref(name))
    return name


def name_text(name):
    text = Buffer()
    call("gss_display_name", name, ctypes.byref(text), None)
    return text.octets().decode()


def attribute_names(name):
    """The names of a name's attributes (RFC 6680), in the order in which they are listed."""
    found = ctypes.POINTER(BufferSet)()
    call("gss_inquire_name", name, None, None, ctypes.byref(found))
    return [found.contents.elements[i].octets().decode() for i in range(found.contents.count)] if found else []


Value = collections.namedtuple("Value", "octets shown authenticated complete")


def attribute_values(name, attribute):
    """All values of an attribute."""
    values, more = [], ctypes.c_int(-1)
    while more.value != 0 and len(values) < 100:
        value, display, authenticated, complete = Buffer(), Buffer(), ctypes.c_int(-7), ctypes.c_int(-7)
        call("gss_get_name_attribute", name, ctypes.byref(buffer(attribute.encode())), ctypes.byref(authenticated),
             ctypes.byref(complete), ctypes.byref(value), ctypes.byref(display), ctypes.byref(more))
        values.append(Value(value.octets(), display.octets(), authenticated.value, complete.value))
    return values


def duplicate_name(name):
    copy = ctypes.c_void_p()
    call("gss_duplicate_name", name, ctypes.byref(copy))
    return copy


def release_name(name):
    call("gss_release_name", ctypes.byref(name))


def exported_composite(name):
    token = Buffer()
    call("gss_export_name_composite", name, ctypes.byref(token))
    return token.octets()


def import_composite(token):
    name, oid = ctypes.c_void_p(), Oid(len(COMPOSITE_EXPORT), COMPOSITE_EXPORT)
    call("gss_import_name", ctypes.byref(buffer(token)), ctypes.byref(oid), ctypes.byref(name))
    return name


def canonical_name(name):
    """A name as the mechanism has it."""
    canonical, oid = ctypes.c_void_p(), Oid(len(KRB5), KRB5)
    call("gss_canonicalize_name", name, ctypes.byref(oid), ctypes.byref(canonical))
    return canonical


def canonical_text(text):
    """A host-based name's canonical form: the principal that the mechanism makes of it."""
    return name_text(canonical_name(import_name(text)))


class Credential:
    """A credential of Kerberos."""

    def __init__(self, usage=INITIATE, name=None, store=None, password=None):
        self.handle = ctypes.c_void_p()
        self.lifetime = ctypes.c_uint32()
        mechanisms = OidSet(1, ctypes.pointer(Oid(len(KRB5), KRB5)))
        outputs = (ctypes.byref(self.handle), None, ctypes.byref(self.lifetime))
        settings = (0xffffffff, ctypes.byref(mechanisms), usage)
        if password is not None:
            call("gss_acquire_cred_with_password", name, ctypes.byref(buffer(password.encode())), *settings, *outputs)
        elif store is not None:
            call("gss_acquire_cred_from", name, *settings, ctypes.byref(store_of(store)), *outputs)
        else:
            call("gss_acquire_cred", name, *settings, *outputs)

    @classmethod
    def on_behalf_of(cls, user, service):
        """The credential of a user that a service gets for itself (S4U2Self)."""
        credential = cls.__new__(cls)
        credential.handle = ctypes.c_void_p()
        mechanisms = OidSet(1, ctypes.pointer(Oid(len(KRB5), KRB5)))
        call("gss_acquire_cred_impersonate_name", service.handle, user, 0xffffffff, ctypes.byref(mechanisms), INITIATE,
             ctypes.byref(credential.handle), None, None)
        return credential

    @classmethod
    def added_on_behalf_of(cls, user, service):
        """The same by the call that adds to a credential; here to none, so that a fresh one is made."""
        credential = cls.__new__(cls)
        credential.handle = ctypes.c_void_p()
        oid = Oid(len(KRB5), KRB5)
        call("gss_add_cred_impersonate_name", None, service.handle, user, ctypes.byref(oid), INITIATE, 0xffffffff, 0,
             ctypes.byref(credential.handle), None, None, None)
        return credential

    @classmethod
    def delegated_to(cls, acceptor):
        """The credential that an acceptor was given, or made of the client's ticket (S4U2Proxy)."""
        credential = cls.__new__(cls)
        credential.handle = acceptor.delegated
        return credential

    def impersonator(self):
        """Who acts with this credential; empty where it is the client."""
        oid, found = Oid(len(IMPERSONATOR), IMPERSONATOR), ctypes.POINTER(BufferSet)()
        call("gss_inquire_cred_by_oid", self.handle, ctypes.byref(oid), ctypes.byref(found))
        return found.contents.elements[0].octets().decode() if found and found.contents.count else ""

    def name(self):
        name = ctypes.c_void_p()
        call("gss_inquire_cred", self.handle, ctypes.byref(name), None, None, None)
        return name_text(name)

    def allow(self, *types):
        call("gss_krb5_set_allowable_enctypes", self.handle, len(types), (ctypes.c_int32 * len(types))(*types))

    def store(self, where, overwrite=False, default=False):
        oid = Oid(len(KRB5), KRB5)
        call("gss_store_cred_into", self.handle, INITIATE, ctypes.byref(oid), int(overwrite), int(default),
             ctypes.byref(store_of(where)), None, None)

    def exported(self):
        token = Buffer()
        call("gss_export_cred", self.handle, ctypes.byref(token))
        return token.octets()

    @classmethod
    def imported(cls, token):
        credential = cls.__new__(cls)
        credential.handle = ctypes.c_void_p()
        call("gss_import_cred", ctypes.byref(buffer(token)), ctypes.byref(credential.handle))
        return credential


class Context:
    """One end of a security context; step() is one call of init or accept."""

    def __init__(self, credential=None, target=None, flags=MUTUAL | REPLAY | SEQUENCE, lifetime=0, bindings=None,
                 mechanism=KRB5):
        self.handle = ctypes.c_void_p()
        self.credential = credential.handle if credential else None
        self.target = target
        self.wanted = flags
        self.wanted_lifetime = lifetime
        self.bindings = Bindings(data=buffer(bindings.encode())) if bindings else None
        self.mechanism = mechanism
        self.flags = ctypes.c_uint32()
        self.lifetime = ctypes.c_uint32()
        self.source = ctypes.c_void_p()
        self.delegated = ctypes.c_void_p()

    def step(self, token=b""):
        """The token that the call gives, with whether the context needs another one."""
        answer = Buffer()
        bindings = ctypes.byref(self.bindings) if self.bindings else None
        if self.target is not None:
            oid = Oid(len(self.mechanism), self.mechanism)
            major = call("gss_init_sec_context", self.credential, ctypes.byref(self.handle), self.target,
                         ctypes.byref(oid), self.wanted, self.wanted_lifetime, bindings,
                         ctypes.byref(buffer(token)) if token else None, None, ctypes.byref(answer),
                         ctypes.byref(self.flags), ctypes.byref(self.lifetime), output=answer)
        else:
            major = call("gss_accept_sec_context", ctypes.byref(self.handle), self.credential,
                         ctypes.byref(buffer(token)), bindings, ctypes.byref(self.source), None,
                         ctypes.byref(answer), ctypes.byref(self.flags), ctypes.byref(self.lifetime),
                         ctypes.byref(self.delegated), output=answer)
        return answer.octets(), major == CONTINUE_NEEDED

    def session_key(self):
        oid, found = Oid(len(SESSION_KEY), SESSION_KEY), ctypes.POINTER(BufferSet)()
        call("gss_inquire_sec_context_by_oid", self.handle, ctypes.byref(oid), ctypes.byref(found))
        return found.contents.elements[0].octets()

    def initiator_name(self):
        name = ctypes.c_void_p()
        call("gss_inquire_context", self.handle, ctypes.byref(name), None, None, None, None, None, None)
        return name

    def authorization_data(self, kind):
        """The elements of a type, of the ticket's and the authenticator's authorization data."""
        arcs = bytes([0x80 | kind >> 7, kind & 0x7f]) if kind >= 0x80 else bytes([kind])
        oid, found = Oid(len(AUTHORIZATION_DATA) + len(arcs), AUTHORIZATION_DATA + arcs), ctypes.POINTER(BufferSet)()
        call("gss_inquire_sec_context_by_oid", self.handle, ctypes.byref(oid), ctypes.byref(found))
        return [found.contents.elements[i].octets() for i in range(found.contents.count)] if found else []

    def only_authorization_data(self, kind):
        """The element of a type; MIT's call refuses if there are several."""
        found = Buffer()
        call("gsskrb5_extract_authz_data_from_sec_context", self.handle, kind, ctypes.byref(found))
        return found.octets()

    def wrap(self, message):
        token = Buffer()
        call("gss_wrap", self.handle, 1, 0, ctypes.byref(buffer(message)), None, ctypes.byref(token))
        return token.octets()

    def unwrap(self, token):
        message = Buffer()
        call("gss_unwrap", self.handle, ctypes.byref(buffer(token)), ctypes.byref(message), None, None)
        return message.octets()

    def time(self):
        lifetime = ctypes.c_uint32()
        call("gss_context_time", self.handle, ctypes.byref(lifetime))
        return lifetime.value


def log_in(initiator, acceptor=None):
    """Establishes both ends; returns the acceptor's."""
    acceptor = acceptor or Context()
    token, more = initiator.step()
    answer, _ = acceptor.step(token)
    if more:
        initiator.step(answer)
    return acceptor


def apart(environment, function, *arguments):
    """What function(*arguments) returns in a child process with that environment; its exceptions come back by text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(PATIENCE)
            os.environ.clear()
            os.environ.update(environment)
            result = (None, function(*arguments))
        except Exception as error:
            result = ("%s: %s" % (type(error).__name__, error), None)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0 or not data:
        raise RuntimeError("the child ended with status %d" % status)
    why, value = pickle.loads(data)
    if why is not None:
        raise RuntimeError(why)
    return value
