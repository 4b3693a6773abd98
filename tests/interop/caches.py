# SPDX-License-Identifier: MIT
"""What libkrb5 notes in credential caches among the tickets, and caches without tickets."""
import ctypes
import os
import struct


class Data(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("length", ctypes.c_uint), ("octets", ctypes.c_char_p)]


def counted(text):
    return struct.pack(">I", len(text)) + text.encode()


def write_empty(path, user, realm):
    """Writes a FILE cache of a client, as one that kinit began: no tickets."""
    with open(path, "wb") as file:
        file.write(b"\x05\x04\x00\x00" + struct.pack(">II", 1, 1) + counted(realm) + counted(user))
    os.chmod(path, 0o600)


def with_cache(path, function):
    krb5, context, cache = ctypes.CDLL("libkrb5.so.3"), ctypes.c_void_p(), ctypes.c_void_p()
    if krb5.krb5_init_context(ctypes.byref(context)) or krb5.krb5_cc_resolve(context, b"FILE:" + path.encode(),
                                                                             ctypes.byref(cache)):
        raise RuntimeError("no cache " + path)
    try:
        return function(krb5, context, cache)
    finally:
        krb5.krb5_cc_close(context, cache)
        krb5.krb5_free_context(context)


def config(path, key):
    """The value that a cache has under a key."""
    def read(krb5, context, cache):
        data = Data()
        code = krb5.krb5_cc_get_config(context, cache, None, key.encode(), ctypes.byref(data))
        if code:
            raise RuntimeError("the cache has no %s (%d)" % (key, code))
        return ctypes.string_at(data.octets, data.length).decode()
    return with_cache(path, read)


def set_config(path, key, value):
    def write(krb5, context, cache):
        data = Data(0, len(value), value.encode())
        code = krb5.krb5_cc_set_config(context, cache, None, key.encode(), ctypes.byref(data))
        if code:
            raise RuntimeError("the cache takes no %s (%d)" % (key, code))
    with_cache(path, write)
