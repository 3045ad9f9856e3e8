"""A binary push service written from Apple's description alone: nothing of pushgate is in it.

Sockets, threads and ssl of the standard library. Tokens that begin with ``dead`` are answered with status 8.
After an error everything later on that connection is discarded.

Usage: outside_server.py PORT SERVER_PEM CA_PEM RECORD [options]; on stdin, ``done`` writes the record, a JSON
object of token to times accepted, to the file RECORD, and ends the program.
"""

import argparse
import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


class Service:
    """What all connections share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.frames = self.connections = self.shutdowns = 0
        self.lock = threading.Lock()

    def serve(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        """One connection, to its end."""
        if not self.options.nagle:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            with self.lock:
                self.connections += 1
                number = self.connections
            answer = self.take_all(secure, number)
            if answer is not None:
                self.answer(secure, answer)

    def take_all(self, secure: ssl.SSLSocket, number: int) -> bytes | None:
        """Accept frames until one is bad; return the error response."""
        last = 0
        for index, (token, identifier) in enumerate(frames(secure)):
            self.frames += 1
            if token.startswith("dead"):
                with self.lock:
                    self.rejected[token] += 1
                return struct.pack(">BBI", 8, 8, identifier)
            every = self.options.shutdown_after
            if every and index >= every and number <= self.options.shutdowns:
                self.shutdowns += 1
                return struct.pack(">BBI", 8, 10, last)
            with self.lock:
                self.accepted[token] += 1
            last = identifier
        return None

    def answer(self, secure: ssl.SSLSocket, data: bytes) -> None:
        """Send the error, perhaps late, perhaps in pieces; then close."""
        discard_for(secure, self.options.delay)
        if self.options.split:
            for at in range(len(data)):
                secure.sendall(data[at : at + 1])
                time.sleep(0.002)
        else:
            secure.sendall(data)
        if not self.options.abrupt:
            with contextlib.suppress(OSError):
                tcp = socket.socket(fileno=socket.dup(secure.fileno()))
                tcp.shutdown(socket.SHUT_WR)
                discard_for(secure, 1.0)


def discard_for(secure: ssl.SSLSocket, seconds: float) -> None:
    """Read and throw away for a time, or until the other side closes."""
    deadline = time.monotonic() + seconds
    try:
        while (left := deadline - time.monotonic()) > 0:
            secure.settimeout(left)
            if not secure.recv(1 << 16):
                return
    except TimeoutError:
        return
    finally:
        secure.settimeout(None)


def frames(secure: ssl.SSLSocket) -> Iterator[tuple[str, int]]:
    """Token in hex and identifier of each command 2 frame."""
    buffer = b""
    while data := secure.recv(1 << 16):
        buffer += data
        at = 0
        while len(buffer) - at >= 5:
            command, length = struct.unpack_from(">BI", buffer, at)
            if command != 2:
                return
            end = at + 5 + length
            if len(buffer) < end:
                break
            items, at = {}, at + 5
            while at < end:
                number, size = struct.unpack_from(">BH", buffer, at)
                items[number] = buffer[at + 3 : at + 3 + size]
                at += 3 + size
            yield items[1].hex(), int.from_bytes(items[3], "big")
        buffer = buffer[at:]


def main() -> None:
    """Serve until asked to stop."""
    parser = argparse.ArgumentParser()
    for name in ("port", "server_pem", "ca_pem", "record"):
        parser.add_argument(name)
    parser.add_argument(
        "--shutdown-after", type=int, default=0, help="frames before a connection is shut down (10)"
    )
    parser.add_argument("--shutdowns", type=int, default=8, help="connections that are shut down")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before an error is sent")
    parser.add_argument("--split", action="store_true", help="errors in single bytes")
    parser.add_argument("--abrupt", action="store_true", help="close at once, with unread data")
    parser.add_argument("--tls12", action="store_true", help="no TLS 1.3")
    parser.add_argument("--nagle", action="store_true", help="without TCP_NODELAY")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.server_pem)
    context.load_verify_locations(options.ca_pem)
    context.verify_mode = ssl.CERT_REQUIRED
    if options.tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    service = Service(options)
    listener = socket.create_server(("127.0.0.1", int(options.port)), backlog=256)
    threading.Thread(target=accept, args=(listener, context, service), daemon=True).start()
    for line in sys.stdin:
        if line.strip() == "done":
            break
    summary = {
        "accepted": service.accepted, "rejected": service.rejected, "frames": service.frames,
        "connections": service.connections, "shutdowns": service.shutdowns,
    }  # fmt: skip
    Path(options.record).write_text(json.dumps(summary))


def accept(listener: socket.socket, context: ssl.SSLContext, service: Service) -> None:
    """Accept for ever, a thread each."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=service.serve, args=(connection, context), daemon=True).start()


if __name__ == "__main__":
    main()
