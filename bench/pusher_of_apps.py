"""Pushes to many apps at the same time, over a connection for each, in batches of 500 with a payload each.

Usage: pusher_of_apps.py PORT COUNT IN_FLIGHT APP=DEAD...; COUNT and IN_FLIGHT are of each app, DEAD is the
share of its dead tokens.
Waits for a line on stdin, then prints the monotonic time of its first call, and that of the last answer.
"""

import sys
import time
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from bench.parts import tokens
from bench.pusher import batches, connected, push_all


async def push(_: Any, port: str, count: str, in_flight: str, *apps: str) -> None:
    """Push `count` notifications to each app, every one to another token."""
    ready = []
    for place, (app, _equals, dead) in enumerate(each.partition("=") for each in apps):
        every = tokens(int(count), place * int(count), float(dead))
        ready.append((await connected(port), batches(app, every, "each"), int(in_flight)))
    sys.stdin.readline()
    print(time.monotonic(), flush=True)
    await gatherResults([Deferred.fromCoroutine(push_all(*each)) for each in ready])
    print(time.monotonic(), flush=True)


if __name__ == "__main__":
    react(push, sys.argv[1:])
