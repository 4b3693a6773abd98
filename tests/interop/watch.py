# SPDX-License-Identifier: MIT
"""Watches which mechanism serves programs that are over in a moment: a relay on loopback stands between client and
server and looks at both processes while it holds the server's answer back."""
import os
import select
import socket
import threading

from realm import served_by_apex


def descendants(pid):
    """The process and all its children, as /proc knows them now."""
    found = [pid]
    for parent in found:
        try:
            tasks = os.listdir("/proc/%d/task" % parent)
        except OSError:
            continue
        for task in tasks:
            try:
                with open("/proc/%d/task/%s/children" % (parent, task), encoding="ascii") as file:
                    found += [int(child) for child in file.read().split()]
            except OSError:
                continue
    return found


class Relay:
    """Relays connections to a port; afterwards client_seen and server_seen tell whether Apex served each side."""

    def __init__(self, server_port, server_pid):
        self.server_port = server_port
        self.server_pid = server_pid
        self.client_pid = None
        self.started = threading.Event()
        self.client_seen = False
        self.server_seen = False
        self.ends = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.ends = True
        self.thread.join(5)
        self.listener.close()
        return False

    def watch(self, client_pid):
        """Must be called once the client runs; until then the relay holds everything back."""
        self.client_pid = client_pid
        self.started.set()

    def _serve(self):
        while not self.ends:
            if select.select([self.listener], [], [], 0.05)[0]:
                client, _ = self.listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        with client, socket.create_connection(("127.0.0.1", self.server_port)) as server:
            open_ends = {client: server, server: client}
            while open_ends and not self.ends:
                for end in select.select(list(open_ends), [], [], 0.2)[0]:
                    try:
                        data = end.recv(65536)
                        if data and end is server:
                            self._look()
                        if data:
                            open_ends[end].sendall(data)
                    except OSError:
                        return
                    if not data:
                        self._shut(open_ends.pop(end))

    @staticmethod
    def _shut(end):
        try:
            end.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _look(self):
        if self.started.wait(5):
            self.client_seen = self.client_seen or served_by_apex(self.client_pid)
        self.server_seen = self.server_seen or any(served_by_apex(pid) for pid in descendants(self.server_pid))
