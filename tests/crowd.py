"""Many who come and go, for inputs to stand. A process of its own: ``crowd.py PORT COUNT WORDS_IN_HEX``.

It writes a line when a group of them is there, and waits for one before they go.
"""

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.internet.threads import deferToThread

AT_ONCE = 100
ENDPOINT = "tcp:0:interface=127.0.0.1:backlog=4000"
"""Where to let them in: so many may wait to be accepted, or they would have to knock twice, a second apart."""
_RESET = struct.pack("ii", 1, 0)


async def crowd(port: int, count: int, words: bytes, meanwhile: Callable[[], Awaitable[object]]) -> None:
    """Connect so often, `AT_ONCE` at a time; return when all have gone.

    :param meanwhile: is awaited while each group is there.
    """
    command = [sys.executable, str(Path(__file__)), str(port), str(count), words.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as visitors:
        assert visitors.stdin is not None
        assert visitors.stdout is not None
        try:
            while await deferToThread(visitors.stdout.readline):
                await meanwhile()
                visitors.stdin.write(b"\n")
                visitors.stdin.flush()
            assert await deferToThread(visitors.wait) == 0
        finally:
            visitors.kill()


def come_and_go(port: int, count: int, words: bytes) -> None:
    """Connect so often, some at a time; say some of `words` or nothing, and go, gently or not."""
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        visitors = [(number, socket.create_connection(("127.0.0.1", port))) for number in numbers]
        for number, visitor in visitors:
            with contextlib.suppress(OSError):  # the input may have closed it already
                visitor.sendall(words[: number % len(words)])
        sys.stdout.write("\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for number, visitor in visitors:
            with visitor, contextlib.suppress(OSError):
                if number % 3 == 0:
                    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


if __name__ == "__main__":
    come_and_go(int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3]))
