# SPDX-License-Identifier: MIT
"""Just enough of the keytab and credential cache formats (MIT's 0x0502 and 0x0504) to make damaged ones."""
import os
import struct
import time


def counted(data):
    return struct.pack(">H", len(data)) + data


def write_keytab(path, principal, kvno, enctype, key):
    """Writes a keytab with one key; the principal is "a/b@REALM"."""
    names, realm = principal.rsplit("@", 1)
    parts = names.split("/")
    entry = struct.pack(">H", len(parts)) + counted(realm.encode())
    entry += b"".join(counted(part.encode()) for part in parts)
    entry += struct.pack(">IIBH", 1, int(time.time()), kvno & 0xff, enctype) + counted(key) + struct.pack(">I", kvno)
    with open(path, "wb") as file:
        file.write(b"\x05\x02" + struct.pack(">i", len(entry)) + entry)
    os.chmod(path, 0o644)
    return path


class CacheReader:
    """Walks through a FILE credential cache and finds where each credential's times and, in `ticket`, its ticket stand."""

    def __init__(self, data):
        self.data = data
        self.at = 4 + struct.unpack_from(">H", data, 2)[0]
        if data[:2] != b"\x05\x04":
            raise ValueError("not a version 4 credential cache")
        self._principal()
        self.body = self.at

    def _number(self, form):
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def _data(self):
        length = self._number(">I")
        self.at += length
        return self.data[self.at - length:self.at]

    def _principal(self):
        self.at += 4
        count = self._number(">I")
        realm = self._data()
        return "/".join(self._data().decode() for _ in range(count)) + "@" + realm.decode()

    def credentials(self):
        """Yields (server, place of the four times, place of the end) for each credential."""
        self.at = self.body
        while self.at < len(self.data):
            self._principal()
            server = self._principal()
            self.at += 2
            self._data()
            times = self.at
            self.at += 16 + 1 + 4
            for _ in range(2):
                for _ in range(self._number(">I")):
                    self.at += 2
                    self._data()
            self.ticket = self.at
            self._data()
            self._data()
            yield server, times, self.at


def read_octets(path):
    with open(path, "rb") as file:
        return file.read()


def write_octets(path, data, mode=0o600):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def copy_cache_with_times(source, target, start_time=None, end_time=None):
    """Copies a cache; all its credentials then claim to begin and end at the given times."""
    data = bytearray(read_octets(source))
    for _, times, _ in CacheReader(bytes(data)).credentials():
        if start_time is not None:
            struct.pack_into(">II", data, times, int(start_time), int(start_time))
        if end_time is not None:
            struct.pack_into(">I", data, times + 8, int(end_time))
    return write_octets(target, bytes(data))


def copy_cache_with_flags_cleared(source, target, flags):
    """Copies a cache; its credentials then do not show the given ticket flags."""
    data = bytearray(read_octets(source))
    for _, times, _ in CacheReader(bytes(data)).credentials():
        shown = struct.unpack_from(">I", data, times + 17)[0]
        struct.pack_into(">I", data, times + 17, shown & ~flags)
    return write_octets(target, bytes(data))


def copy_cache_with_clock_offset(source, target, seconds):
    """Copies a cache with the KDC's clock offset (header field 1), which initiators add to their own time."""
    data = read_octets(source)
    length = struct.unpack_from(">H", data, 2)[0]
    header = struct.pack(">HHii", 1, 8, seconds, 0)
    return write_octets(target, data[:2] + counted(header) + data[4 + length:])


def copy_cache_without(source, target, server_part):
    """Copies a cache without the credentials whose server's name contains the text."""
    data = read_octets(source)
    reader = CacheReader(data)
    start, kept = reader.body, data[:reader.body]
    for server, _, end in reader.credentials():
        if server_part not in server:
            kept += data[start:end]
        start = end
    return write_octets(target, kept)
