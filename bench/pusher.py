"""Pushes batches of 500 over AMP, written from the contract with Twisted's AMP alone.

Usage: pusher.py PORT COUNT PAYLOADS IN_FLIGHT [DEAD]; PAYLOADS is ``shared`` or ``each``, DEAD the share of
dead tokens.
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


async def push(_: Any, port: str, count: str, payloads: str, in_flight: str, dead: str = "0") -> None:
    """Push `count` notifications, so many batches at a time."""
    client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)), amp.AMP())
    every = tokens(int(count), dead=float(dead))
    batches = []
    for at in range(0, int(count), BATCH):
        part = every[at : at + BATCH]
        box = {"app": "news", "tokens": b"".join(b"\x20" + token for token in part)}
        if payloads == "shared":
            box["payload"] = PAYLOAD
        else:
            box["payloads"] = (struct.pack(">H", len(PAYLOAD)) + PAYLOAD) * len(part)
        batches.append(box)
    gate = DeferredSemaphore(int(in_flight))
    sys.stdin.readline()
    print(time.monotonic(), flush=True)
    await DeferredList(
        [gate.run(client.callRemote, PushBatch, **box) for box in batches], fireOnOneErrback=True
    )
    print(time.monotonic(), flush=True)


if __name__ == "__main__":
    react(push, sys.argv[1:])
