"""Apple's side of HTTP/2 as cheap as can be: says 200 to every request, with the apns-id that came.

Usage: h2_far_end.py PORT CERTIFICATE STREAMS
On stdin, one command a line: ``wait N`` prints the monotonic time at which N requests were there; ``reset``
starts counting at 0.
"""

import sys
import time
from pathlib import Path
from typing import Any

from ngh2 import Configuration, Connection, NeverIndexedHeader, RequestReceived, Role
from twisted.internet import reactor, stdio
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.protocols.basic import LineReceiver

WINDOW = (1 << 31) - 1


class FarEnd(Protocol):
    """One connection."""

    transport: Any
    factory: "Counter"

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self._ngh2 = Connection(Role.SERVER, Configuration())
        self._ngh2.initiate_connection({3: self.factory.streams, 4: 1 << 20})
        self._ngh2.set_local_window_size(WINDOW)
        self.transport.write(self._ngh2.data_to_send())

    def dataReceived(self, data: bytes) -> None:
        ngh2, count = self._ngh2, 0
        ngh2.receive_data(data)
        for event in ngh2.events():
            if isinstance(event, RequestReceived):
                count += 1
                name = next((value for name, value in event.headers if name == b"apns-id"), b"")
                answer = [(b":status", b"200"), NeverIndexedHeader(b"apns-id", name)]
                ngh2.send_response(event.stream_id, answer, end_stream=True)
        self.transport.write(ngh2.data_to_send())
        if count:
            self.factory.add(count)


class Counter(Factory):
    """Requests, on all connections."""

    protocol: Any = FarEnd
    noisy = False

    def __init__(self, streams: int) -> None:
        self.streams = streams
        self.total, self.wanted = 0, 0

    def add(self, count: int) -> None:
        """Count, and say so when as many have come as were asked for."""
        self.total += count
        if 0 < self.wanted <= self.total:
            print(time.monotonic(), flush=True)
            self.wanted = 0


class Commands(LineReceiver):
    """What comes on stdin."""

    delimiter = b"\n"

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def lineReceived(self, line: bytes) -> None:
        word, *rest = line.split()
        if word == b"reset":
            self._counter.total = 0
            print(0, flush=True)
        else:
            self._counter.wanted = int(rest[0])
            self._counter.add(0)

    def connectionLost(self, reason: Any = None) -> None:
        if reactor.running:
            reactor.stop()


def main() -> None:
    """Serve until stdin ends."""
    certificate = PrivateCertificate.loadPEM(Path(sys.argv[2]).read_text())
    options = CertificateOptions(
        privateKey=certificate.privateKey.original,
        certificate=certificate.original,
        acceptableProtocols=[b"h2"],
    )
    counter = Counter(int(sys.argv[3]))
    SSL4ServerEndpoint(reactor, int(sys.argv[1]), options, interface="127.0.0.1").listen(counter)
    stdio.StandardIO(Commands(counter))
    reactor.run()


if __name__ == "__main__":
    main()
