"""Pushes batches of 500 over AMP, written from the contract with Twisted's AMP alone.

Usage: pusher.py PORT COUNT PAYLOADS IN_FLIGHT [DEAD [START]]; PAYLOADS is ``shared`` or ``each``, DEAD the
share of dead tokens, START the number of the first token.
Waits for a line on stdin, then prints the monotonic time of its first call, and that of the last answer.
"""

import struct
import sys
import time
from typing import Any, ClassVar

from twisted.internet import reactor
from twisted.internet.defer import DeferredList, DeferredSemaphore
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import react
from twisted.protocols import amp

from bench.parts import BATCH, PAYLOAD, tokens


class PushBatch(amp.Command):
    """As in the contract."""

    arguments: ClassVar[Any] = [
        (b"app", amp.Unicode()),
        (b"tokens", amp.String()),
        (b"payload", amp.String(optional=True)),
        (b"payloads", amp.String(optional=True)),
    ]
    response: ClassVar[Any] = [(b"id", amp.Unicode()), (b"count", amp.Integer()), (b"refused", amp.String())]


def batches(app: str, every: list[bytes], payloads: str) -> list[dict[str, Any]]:
    """The arguments of the commands that push to these tokens."""
    made = []
    for at in range(0, len(every), BATCH):
        part = every[at : at + BATCH]
        box = {"app": app, "tokens": b"".join(b"\x20" + token for token in part)}
        if payloads == "shared":
            box["payload"] = PAYLOAD
        else:
            box["payloads"] = (struct.pack(">H", len(PAYLOAD)) + PAYLOAD) * len(part)
        made.append(box)
    return made


async def connected(port: str) -> amp.AMP:
    """A connection to the gateway."""
    client: amp.AMP = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)), amp.AMP())
    return client


async def push_all(
    client: amp.AMP, boxes: list[dict[str, Any]], in_flight: int, command: type[amp.Command] = PushBatch
) -> None:
    """Push these, so many at a time."""
    gate = DeferredSemaphore(in_flight)
    await DeferredList([gate.run(client.callRemote, command, **box) for box in boxes], fireOnOneErrback=True)


async def push(
    _: Any, port: str, count: str, payloads: str, in_flight: str, dead: str = "0", start: str = "0"
) -> None:
    """Push `count` notifications, so many batches at a time."""
    client = await connected(port)
    boxes = batches("news", tokens(int(count), int(start), float(dead)), payloads)
    sys.stdin.readline()
    print(time.monotonic(), flush=True)
    await push_all(client, boxes, int(in_flight))
    print(time.monotonic(), flush=True)


if __name__ == "__main__":
    react(push, sys.argv[1:])
