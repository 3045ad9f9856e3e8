"""The yardstick: a plain Twisted TLS client that writes ready-made frames, with nothing around it.

Usage: plain_writer.py PORT CLIENT_PEM CA_PEM COUNT. Prints the monotonic time of its first write.
"""

import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener, IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from zope.interface import implementer

from bench.parts import PAYLOAD, tokens
from pushgate.protocols.apns_binary.frames import encode_run

RUN = 256


@implementer(IHandshakeListener, IPushProducer)
class Writer(Protocol):
    """Writes runs of frames as fast as the transport takes them."""

    def __init__(self, runs: list[list[bytes]]) -> None:
        self.runs = iter(runs)
        self.paused = False

    def handshakeCompleted(self) -> None:
        print(time.monotonic(), flush=True)
        self._transport().registerProducer(self, True)
        self.turn()

    def turn(self) -> None:
        if self.paused:
            return
        run = next(self.runs, None)
        if run is None:
            self._transport().unregisterProducer()
            self._transport().loseConnection()
            return
        self._transport().writeSequence(run)
        reactor.callLater(0, self.turn)

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        reactor.callLater(0, self.turn)

    def _transport(self) -> Any:
        return self.transport

    def stopProducing(self) -> None:
        """Nothing to release."""

    def connectionLost(self, reason: object = None) -> None:
        reactor.stop()


def main() -> None:
    """Write everything once."""
    port, client, authority, count = sys.argv[1:]
    frames = encode_run(tokens(int(count)), [PAYLOAD] * int(count), range(1, int(count) + 1), None, 10)
    runs = [frames[at : at + RUN] for at in range(0, len(frames), RUN)]
    options = optionsForClientTLS(
        "localhost",
        trustRootFromCertificates([Certificate.loadPEM(Path(authority).read_bytes())]),
        PrivateCertificate.loadPEM(Path(client).read_bytes()),
    )
    endpoint = wrapClientTLS(options, HostnameEndpoint(reactor, "127.0.0.1", int(port)))
    endpoint.connect(Factory.forProtocol(lambda: Writer(runs)))
    reactor.run()


if __name__ == "__main__":
    main()
