"""A push service that answers dead tokens, and costs as little as Python can.

Usage: dead_far_end.py PORT STAT_PORT CERTIFICATE CA
Takes frames of one size only, as `bench.parts` makes them. A token that begins with `DEAD` gets error 8; what
follows is read and dropped for `DISCARD` seconds, then the connection is closed. Each connection to STAT_PORT
gets a line of JSON: how many were accepted, how many errors were sent. SIGTERM ends it with a last one on
stdout, that also says how many of those accepted were different.
"""

import json
import signal
import socket
import ssl
import struct
import sys
import threading
import time

from bench.parts import DEAD, frame_size

DISCARD = 0.05
"""Seconds, as the real service is said to have it."""
SIZE = frame_size()
TOKEN = 8
"""Where in a frame the token is: behind command, length, item number and item length."""
IDENTIFIER = SIZE - 8
"""Where the identifier is: before the priority, which is one byte behind three."""


class Seen:
    """Everything that was accepted or refused."""

    def __init__(self) -> None:
        self.accepted = 0
        self.errors = self.connections = self.discarded = 0
        self.frames: list[bytes] = []
        self.lock = threading.Lock()

    def accept(self, frames: bytes) -> None:
        """Count whole frames."""
        with self.lock:
            self.frames.append(frames)
            self.accepted += len(frames) // SIZE

    def refuse(self) -> None:
        """Count an error."""
        with self.lock:
            self.errors += 1

    def discard(self, size: int) -> None:
        """Count bytes that are dropped unread."""
        with self.lock:
            self.discarded += size

    def stats(self) -> dict[str, int]:
        """The counters, of frames and connections."""
        discarded = self.discarded // SIZE
        return {
            "accepted": self.accepted, "errors_sent": self.errors, "discarded": discarded,
            "connections": self.connections,
        }  # fmt: skip

    def different(self) -> int:
        """How many different tokens were accepted."""
        with self.lock:
            frames = b"".join(self.frames)
        return len({frames[at + TOKEN : at + TOKEN + 32] for at in range(0, len(frames), SIZE)})

    def report(self, *_: object) -> None:
        """End the process with everything there is to say."""
        print(json.dumps(self.stats() | {"different": self.different()}))
        sys.exit()


def dead_at(data: bytearray, end: int) -> int:
    """Where the first frame with a dead token begins, `end` when there is none before it."""
    at = data.find(DEAD, 0, end)
    while at >= 0:
        if at % SIZE == TOKEN:
            return at - TOKEN
        at = data.find(DEAD, at + 1, end)
    return end


def serve(connection: socket.socket, context: ssl.SSLContext, seen: Seen) -> None:
    """Read to the end, or to the first dead token."""
    data, buffer = bytearray(), bytearray(1 << 17)
    seen.connections += 1
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            while count := secure.recv_into(buffer):
                data += memoryview(buffer)[:count]
                whole = len(data) // SIZE * SIZE
                good = dead_at(data, whole)
                seen.accept(bytes(data[:good]))
                if good < whole:
                    seen.discard(len(data) - good - SIZE)
                    refuse(secure, bytes(data[good + IDENTIFIER : good + IDENTIFIER + 4]), buffer, seen)
                    return
                del data[:whole]
    except OSError:
        return


def refuse(secure: ssl.SSLSocket, identifier: bytes, buffer: bytearray, seen: Seen) -> None:
    """Send the error, and drop what comes until the connection is closed."""
    seen.refuse()
    secure.sendall(struct.pack(">BB", 8, 8) + identifier)
    end = time.monotonic() + DISCARD
    while (left := end - time.monotonic()) > 0:
        secure.settimeout(left)
        if not (count := secure.recv_into(buffer)):
            return
        seen.discard(count)


def listen(listener: socket.socket, context: ssl.SSLContext, seen: Seen) -> None:
    """Accept connections for ever, each read by a thread."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection, context, seen), daemon=True).start()


def main() -> None:
    """Serve until the process is stopped."""
    port, stat_port, certificate, authority = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    seen = Seen()
    stats = socket.create_server(("127.0.0.1", int(stat_port)))
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=128)
    threading.Thread(target=listen, args=(listener, context, seen), daemon=True).start()
    signal.signal(signal.SIGTERM, seen.report)
    while True:
        asking, _ = stats.accept()
        with asking:
            asking.sendall(json.dumps(seen.stats()).encode())


if __name__ == "__main__":
    main()
