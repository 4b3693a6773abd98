# SPDX-License-Identifier: MIT
"""Certificates of a throw-away authority, and a man in the middle who ends TLS on both sides."""
import os
import select
import socket
import ssl
import threading

SUBJECT = "/CN=localhost"


class Authority:
    """An authority that trusts anybody: issue() makes certificates for localhost."""

    def __init__(self, realm):
        self.realm = realm
        self.certificate = realm.path("ca.pem")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-sha256", "-subj", "/CN=Apex test CA",
                      "-keyout", realm.path("ca.key"), "-out", self.certificate)

    def _openssl(self, *arguments):
        return self.realm.run(["openssl", *arguments])

    def issue(self, name):
        """Makes <name>.pem, certificate and key in one, readable to every account; its path."""
        path = self.realm.path(name)
        # libldap looks for this machine's name where it was told localhost.
        names = sorted({"localhost", os.uname().nodename, socket.getfqdn()})
        extensions = self.realm.write(name + ".ext", "subjectAltName=IP:127.0.0.1,%s\n" % ",".join(
            "DNS:" + name for name in names))
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", SUBJECT, "-keyout", path + ".key", "-out", path + ".csr")
        self._openssl("x509", "-req", "-sha256", "-days", "2", "-in", path + ".csr", "-CA", self.certificate, "-CAkey",
                      self.realm.path("ca.key"), "-CAcreateserial", "-extfile", extensions, "-out", path + ".crt")
        self.realm.write(name + ".pem", self.realm.read(name + ".crt") + self.realm.read(name + ".key"))
        os.chmod(path + ".key", 0o644)
        return path + ".pem"


class Middle:
    """Ends the client's TLS with a certificate of its own and opens another TLS to the server; relays what it reads."""

    def __init__(self, server_port, certificate):
        self.server_port = server_port
        self.as_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.as_server.load_cert_chain(certificate)
        self.as_client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.as_client.check_hostname = False
        self.as_client.verify_mode = ssl.CERT_NONE
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.read = 0  # octets that were readable to the man in the middle
        self.ends = False
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.ends = True
        self.thread.join(5)
        self.listener.close()
        return False

    def _serve(self):
        while not self.ends:
            if select.select([self.listener], [], [], 0.05)[0]:
                client, _ = self.listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, plain):
        try:
            with self.as_server.wrap_socket(plain, server_side=True) as client, \
                    self.as_client.wrap_socket(socket.create_connection(("127.0.0.1", self.server_port)),
                                               server_hostname="localhost") as server:
                self._copy({client: server, server: client})
        except OSError:
            return

    def _copy(self, ends):
        while not self.ends:
            for end in [end for end in ends if end.pending()] or select.select(list(ends), [], [], 0.1)[0]:
                data = end.recv(65536)
                if not data:
                    return
                self.read += len(data)
                ends[end].sendall(data)
