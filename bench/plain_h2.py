"""A plain loop of h2 in Twisted that makes the same requests as the gateway, as fast as it can.

Usage: plain_h2.py PORT AUTHORITY COUNT IN_FLIGHT
Prints the monotonic time of its first request, of its last answer, and its CPU seconds between them.
"""

import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged, StreamEnded
from hpack import NeverIndexedHeaderTuple
from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from bench.parts import PAYLOAD, tokens

FIELDS = [
    (":method", "POST"), (":scheme", "https"), (":authority", "localhost"),
    ("apns-topic", "com.example.news"), ("apns-push-type", "alert"),
    ("apns-priority", "10"), ("apns-expiration", "1800000000"),
]  # fmt: skip


class PlainLoop(Protocol):
    """Makes `count` requests, so many at a time."""

    transport: Any

    def __init__(self, count: int, in_flight: int) -> None:
        self._tokens, self._left, self._room = iter(tokens(count)), count, in_flight
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._began = self._cpu = 0.0

    def connectionMade(self) -> None:
        self._h2.initiate_connection()
        self.transport.write(self._h2.data_to_send())

    def dataReceived(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            if isinstance(event, RemoteSettingsChanged) and not self._began:
                self._began, self._cpu = time.monotonic(), time.process_time()
            elif isinstance(event, StreamEnded):
                self._left -= 1
                self._room += 1
        if self._began:
            self._send()
        self.transport.write(self._h2.data_to_send())
        if not self._left:
            print(self._began, time.monotonic(), time.process_time() - self._cpu, flush=True)
            reactor.stop()

    def _send(self) -> None:
        while self._room and (token := next(self._tokens, None)) is not None:
            self._room -= 1
            stream = self._h2.get_next_available_stream_id()
            fields: list[Any] = [*FIELDS, NeverIndexedHeaderTuple(":path", f"/3/device/{token.hex()}")]
            fields.sort(key=lambda field: not field[0].startswith(":"))
            fields.append(NeverIndexedHeaderTuple("authorization", "bearer " + "x" * 186))
            fields.append(("apns-id", str(uuid4())))
            self._h2.send_headers(stream, fields)
            self._h2.send_data(stream, PAYLOAD, end_stream=True)


def main() -> None:
    """Connect and send."""
    port, authority, count, in_flight = sys.argv[1:]
    trust = trustRootFromCertificates([Certificate.loadPEM(Path(authority).read_bytes())])
    tls = optionsForClientTLS("localhost", trustRoot=trust, acceptableProtocols=[b"h2"])
    endpoint = wrapClientTLS(tls, HostnameEndpoint(reactor, b"127.0.0.1", int(port)))
    endpoint.connect(Factory.forProtocol(lambda: PlainLoop(int(count), int(in_flight))))
    reactor.run()


if __name__ == "__main__":
    main()
