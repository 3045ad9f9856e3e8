"""Sends single pushes over AMP, written from the contract, so cheaply that it is not what is measured.

Boxes are made by Twisted's AMP before the clock runs; of the answers only what matters is read.

Usage: single_pusher.py PORT CONNECTIONS
On stdin, one command a line, with the number of its first token: ``flood START COUNT IN_FLIGHT`` prints the
seconds until all are answered and the CPU seconds of this program meanwhile, then ``steady START COUNT RATE``
prints a JSON list of the seconds until each answer, and one of how late each was sent. ``end`` ends it.
"""

import json
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any, Final

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater, react
from twisted.protocols import amp
from twisted.python.failure import Failure

from bench.parts import PAYLOAD, tokens

PATIENCE: Final = 300
"""Seconds that a command may take."""


def boxes(start: int, count: int) -> list[bytes]:
    """So many commands as they are sent, each with a token and a payload of its own, its place as its tag."""
    made = []
    for place, token in enumerate(tokens(count, start)):
        payload = PAYLOAD.replace(b"4711", b"%04d" % (place % 9000 + 1000))
        box = amp.AmpBox(app=b"news", token=token.hex().encode(), payload=payload)
        box[amp.ASK], box[amp.COMMAND] = b"%x" % place, b"Push"
        made.append(box.serialize())
    return made


def answers(data: bytes) -> tuple[list[int], int]:
    """The places that whole boxes answer, and where the first that is not whole begins."""
    found, begin, at, end, tag = [], 0, 0, len(data), b""
    while at + 2 <= end:
        value = at + 4 + (data[at] << 8 | data[at + 1])
        if value == at + 4:
            found.append(int(tag, 16))
            at = begin = at + 2
            continue
        if value > end or (after := value + (data[value - 2] << 8 | data[value - 1])) > end:
            break
        key = data[at + 2 : value - 2]
        if key == b"_answer":
            tag = data[value:after]
        elif key == b"_error":
            raise ValueError(f"refused: {data[begin:]!r}")
        at = after
    return found, begin


class Peer(Protocol):
    """One connection: `answered` is called with the places that are answered."""

    transport: Any

    def __init__(self, crowd: "Crowd") -> None:
        self.crowd, self.rest = crowd, b""

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        data = self.rest + data
        try:
            found, begin = answers(data)
            self.crowd.answered(self, found)
        except Exception:
            self.crowd.fail(Failure())
            return
        self.rest = data[begin:]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.crowd.fail(reason)


class Crowd:
    """All connections, and the command under way."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.boxes: list[bytes] = []
        self.sent: list[float] = []
        self.took: dict[int, float] = {}
        self.closed_loop = False
        self.done: Deferred[None] = Deferred()

    async def connect(self, port: int, count: int) -> None:
        """Make the connections."""
        for _ in range(count):
            end = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
            self.peers.append(await connectProtocol(end, Peer(self)))

    def begin(self, start: int, count: int, *, closed_loop: bool) -> None:
        """Prepare a command."""
        self.boxes, self.sent, self.took = boxes(start, count), [], {}
        self.closed_loop, self.done = closed_loop, Deferred()
        self.done.addTimeout(PATIENCE, reactor)

    def send(self, peer: Peer, count: int) -> None:
        """Send the next ones."""
        first = len(self.sent)
        chosen = self.boxes[first : first + count]
        self.sent.extend([time.monotonic()] * len(chosen))
        peer.transport.write(b"".join(chosen))

    def answered(self, peer: Peer, places: Sequence[int]) -> None:
        """Some are answered: in a flood as many others follow."""
        now = time.monotonic()
        for place in places:
            if place in self.took:
                raise ValueError(f"two answers for {place}")
            self.took[place] = now - self.sent[place]
        if self.closed_loop:
            self.send(peer, len(places))
        if len(self.took) == len(self.boxes) and not self.done.called:
            self.done.callback(None)

    def fail(self, reason: Failure) -> None:
        """End the command under way."""
        if not self.done.called:
            self.done.errback(reason)

    async def flood(self, start: int, count: int, in_flight: int) -> None:
        """Keep so many under way until all are answered."""
        self.begin(start, count, closed_loop=True)
        began, before = time.monotonic(), time.process_time()
        for peer in self.peers:
            self.send(peer, in_flight // len(self.peers))
        await self.done
        print(time.monotonic() - began, time.process_time() - before, flush=True)

    async def steady(self, start: int, count: int, rate: int) -> None:
        """Send so many a second, answered or not."""
        self.begin(start, count, closed_loop=False)
        began = time.monotonic()
        for place, peer in enumerate(islice(cycle(self.peers), count)):
            if (early := began + place / rate - time.monotonic()) > 0:
                await deferLater(reactor, early)
            self.send(peer, 1)
        await self.done
        late = [sent - began - place / rate for place, sent in enumerate(self.sent)]
        print(json.dumps([list(self.took.values()), late]), flush=True)


async def serve(_: Any, port: str, connections: str) -> None:
    """Do what the commands say."""
    crowd = Crowd()
    await crowd.connect(int(port), int(connections))
    for line in iter(sys.stdin.readline, "end\n"):
        word, *numbers = line.split()
        await {"flood": crowd.flood, "steady": crowd.steady}[word](*map(int, numbers))
    crowd.done = succeed(None)


if __name__ == "__main__":
    react(serve, sys.argv[1:])
