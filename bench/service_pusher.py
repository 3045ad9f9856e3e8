"""Pushes to targets in files, in batches over AMP, written from the contract with Twisted's AMP alone.

Usage: service_pusher.py PORT IN_FLIGHT TASKS; TASKS is JSON: a list of [app, file, count, payload]. A file
has a target a line, which are used in turn. There is a connection for each task.
Waits for a line on stdin, then prints the monotonic time of its first call, and that of the last answer.
"""

import json
import struct
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react
from twisted.protocols import amp

from bench.parts import BATCH
from bench.pusher import connected, push_all


class PushBatch(amp.Command):
    """As in the contract."""

    arguments: ClassVar[Any] = [
        (b"app", amp.Unicode()),
        (b"targets", amp.String()),
        (b"payload", amp.String()),
    ]
    response: ClassVar[Any] = [(b"id", amp.Unicode()), (b"count", amp.Integer()), (b"refused", amp.String())]


def batches(app: str, targets: list[bytes], count: int, payload: bytes) -> list[dict[str, Any]]:
    """The arguments of the commands that push to these targets in turn."""
    packed = [struct.pack(">H", len(target)) + target for target in targets]
    size = min(BATCH, 65_000 // max(map(len, packed)))  # an AMP value has 65,535 bytes at most
    every = [packed[index % len(packed)] for index in range(count)]
    return [
        {"app": app, "targets": b"".join(every[at : at + size]), "payload": payload}
        for at in range(0, count, size)
    ]


async def push(_: Any, port: str, in_flight: str, tasks: str) -> None:
    """Push all tasks, so many batches of each at a time."""
    ready = []
    for app, file, count, payload in json.loads(tasks):
        boxes = batches(app, Path(file).read_bytes().split(b"\n"), count, payload.encode())
        ready.append((await connected(port), boxes, int(in_flight), PushBatch))
    sys.stdin.readline()
    print(time.monotonic(), flush=True)
    await gatherResults([Deferred.fromCoroutine(push_all(*each)) for each in ready])
    print(time.monotonic(), flush=True)


if __name__ == "__main__":
    react(push, sys.argv[1:])
