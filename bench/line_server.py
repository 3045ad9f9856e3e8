"""A server of lines on a port it prints: the input, or one that only splits.

Usage: line_server.py bare|input
The input's gateway takes everything and keeps nothing: what is measured is the input. The bare one answers
``OK`` to a line ``QUIT``, so that a client knows when all is read.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol

from pushgate.inputs.line.server import LineTable
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission
from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import Receipt
from pushgate.plugins.builtin import line as factory
from pushgate.protocols.apns_rules import APNS_RULES

LISTEN = "tcp:0:interface=127.0.0.1"


class Bare(Protocol):
    """Splits."""

    def __init__(self) -> None:
        self._tail = b""
        self.lines = 0

    def dataReceived(self, data: bytes) -> None:
        *lines, self._tail = (self._tail + data).split(b"\n")
        self.lines += len(lines)
        if lines and lines[-1] == b"QUIT":
            assert self.transport is not None
            self.transport.write(b"OK\n")


class Sieve:
    """A gateway that takes everything and keeps nothing."""

    def __init__(self) -> None:
        self._number = 0x018F << 112 | 7 << 76 | 2 << 62

    def submit(self, submission: Submission, origin: str) -> Deferred[Receipt]:
        self._number += 1 << 16
        return succeed(Receipt(self._number, len(submission.tokens)))

    def has_app(self, app: str) -> bool:
        return True

    def rules(self, app: str) -> NotificationRules:
        return APNS_RULES

    def pressed(self, app: str, relieved: Callable[[], None]) -> None:
        return None


def main() -> None:
    """Serve until killed."""
    if sys.argv[1] == "bare":
        listening = serverFromString(reactor, LISTEN).listen(Factory.forProtocol(Bare))
        listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    else:
        context = Context(reactor=reactor, wall=time.time, jitter=lambda: 0.0, metrics=Metrics())
        sieve: Any = Sieve()
        server = factory.input("line", LineTable(type="line", listen=LISTEN), sieve, context)
        server.start().addCallback(lambda _: print(server.addresses()[0].rpartition(":")[2], flush=True))
    reactor.run()


if __name__ == "__main__":
    main()
