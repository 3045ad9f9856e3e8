"""Pushes batch after batch over AMP for as long as it may, through crashes, written from the contract alone.

Usage: crash_client.py PORT RECORD [PREFIX PAYLOAD]. Tokens are numbers of 32 bytes; with a PREFIX they are
texts of it and 32 digits, with ``@FILE`` the lines of a file, as long as there are any. For each batch that
was answered a line goes to RECORD: its id, the number of its first token, how many. A line on stdin ends it:
it then waits until the gateway has an outcome for all.
"""

import json
import sys
from pathlib import Path
from typing import Any, ClassVar, TextIO
from uuid import UUID

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.stdio import StandardIO
from twisted.internet.task import deferLater, react
from twisted.protocols import amp, basic

BATCH = 50
PACE = 0.01
"""Seconds between two batches of one of the senders."""
SENDERS = 4


class PushBatch(amp.Command):
    """As in the contract."""

    arguments: ClassVar[Any] = [
        (b"app", amp.Unicode()), (b"targets", amp.String()), (b"payload", amp.String()),
    ]  # fmt: skip
    response: ClassVar[Any] = [(b"id", amp.Unicode()), (b"count", amp.Integer()), (b"refused", amp.String())]


class Stats(amp.Command):
    """As in the contract."""

    response: ClassVar[Any] = [(b"stats", amp.String())]


class Signal(basic.LineReceiver):
    """Notes that a line came on stdin."""

    delimiter = b"\n"
    given = False

    def lineReceived(self, line: bytes) -> None:
        self.given = True


class Pusher:
    """Connects again and again, and numbers its tokens."""

    def __init__(
        self, reactor: Any, port: int, record: TextIO, stop: Signal, prefix: str | None, payload: str
    ) -> None:
        self._reactor, self._record, self._stop = reactor, record, stop
        self._prefix, self._payload = prefix, payload.encode()
        self._lines = Path(prefix[1:]).read_bytes().split(b"\n") if prefix and prefix[0] == "@" else None
        self._endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self._next = 0

    async def run(self) -> None:
        """Push until asked to stop, then wait for the last outcome."""
        while not self._stop.given:
            try:
                client = await connectProtocol(self._endpoint, amp.AMP())
                senders = [Deferred.fromCoroutine(self._send(client)) for _ in range(SENDERS)]
                await DeferredList(senders, consumeErrors=True)
            except (ConnectError, ConnectionClosed):
                await deferLater(self._reactor, 0.02)
        client = await connectProtocol(self._endpoint, amp.AMP())
        while json.loads((await client.callRemote(Stats))["stats"])["unsettled"]:
            await deferLater(self._reactor, 0.1)
        await deferLater(self._reactor, 0.5)  # for what the sinks have to write

    async def _send(self, client: amp.AMP) -> None:
        while not self._stop.given:
            if self._lines is not None and self._next + BATCH > len(self._lines):
                await deferLater(self._reactor, 0.1)
                continue
            first, self._next = self._next, self._next + BATCH
            targets = b"".join(map(self._target, range(first, first + BATCH)))
            answer = await client.callRemote(PushBatch, app="news", targets=targets, payload=self._payload)
            self._record.write(f"{UUID(answer['id']).int} {first} {answer['count']}\n")
            self._record.flush()
            await deferLater(self._reactor, PACE)

    def _target(self, number: int) -> bytes:
        """A target behind its length."""
        if self._lines is not None:
            target = self._lines[number]
        elif self._prefix is None:
            target = number.to_bytes(32, "big")
        else:
            target = f"{self._prefix}{number:032d}".encode()
        return len(target).to_bytes(2, "big") + target


async def run(
    reactor: Any, port: str, record: str, prefix: str | None = None, payload: str = '{"aps":{"alert":"Hi"}}'
) -> None:
    """Everything."""
    stop = Signal()
    StandardIO(stop)
    with Path(record).open("w") as file:
        await Pusher(reactor, int(port), file, stop, prefix, payload).run()


if __name__ == "__main__":
    react(run, sys.argv[1:])
