"""A provider of another age, written from the protocol's description and nothing else: blocking, with ssl.

As a program: ``apns_provider.py HOST PORT CERTIFICATE WORDS`` sends one simple notification for each word and
ends without ever having read, as many scripts did.
"""

import socket
import ssl
import struct
import sys


def simple(token: bytes, payload: bytes) -> bytes:
    """Command 0."""
    return b"\0" + struct.pack(">H", len(token)) + token + struct.pack(">H", len(payload)) + payload


def enhanced(identifier: int, token: bytes, payload: bytes, expiry: int = 0) -> bytes:
    """Command 1."""
    return b"\1" + struct.pack(">II", identifier, expiry) + simple(token, payload)[1:]


def framed(
    identifier: int | None,
    token: bytes,
    payload: bytes,
    expiry: int | None = None,
    priority: int | None = None,
) -> bytes:
    """Command 2."""
    items = [(1, token), (2, payload)]
    if identifier is not None:
        items.append((3, struct.pack(">I", identifier)))
    if expiry is not None:
        items.append((4, struct.pack(">I", expiry)))
    if priority is not None:
        items.append((5, bytes((priority,))))
    body = b"".join(struct.pack(">BH", number, len(data)) + data for number, data in items)
    return b"\2" + struct.pack(">I", len(body)) + body


class OldProvider:
    """One connection.

    :param certificate: PEM of the client, with its key; None to come without.
    """

    def __init__(self, port: int, certificate: str | None = None, tls: bool = True) -> None:
        connection = socket.create_connection(("127.0.0.1", port), 20)
        self.socket: socket.socket = connection
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # as they mostly did
            if certificate is not None:
                context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(connection)

    def send(self, *frames: bytes) -> None:
        """Write, and read nothing."""
        self.socket.sendall(b"".join(frames))

    def error(self) -> tuple[int, int] | None:
        """Status and identifier of the error response; None when the connection ends without one."""
        data = self.rest()
        if not data:
            return None
        command, status, identifier = struct.unpack(">BBI", data)
        assert command == 8
        return status, identifier

    def rest(self) -> bytes:
        """Everything to the end of the stream."""
        data = b""
        try:
            while piece := self.socket.recv(1 << 16):
                data += piece
        except (ConnectionError, ssl.SSLError):
            pass
        return data

    def dead(self) -> list[tuple[int, bytes]]:
        """The feedback tuples, to the end of the stream."""
        data, tuples = self.rest(), []
        while data:
            since, length = struct.unpack(">IH", data[:6])
            tuples.append((since, data[6 : 6 + length]))
            data = data[6 + length :]
        return tuples

    def close(self) -> None:
        """Just close, without TLS's close_notify."""
        self.socket.close()


def main() -> None:
    """Send and forget."""
    _, host, port, certificate, *words = sys.argv
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certificate)
    provider = context.wrap_socket(socket.create_connection((host, int(port))))
    for word in words:
        provider.sendall(simple(word.encode() * 4, b'{"aps":{}}'))


if __name__ == "__main__":
    main()
