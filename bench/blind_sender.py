"""A sender with one connection: writes ahead until the service reports an error, and reconnects behind it.

Usage: blind_sender.py PORT CLIENT_PEM CA_PEM COUNT DEAD
When an error comes it waits until the service has closed the connection, as most libraries do, then goes on
behind the notification that was refused. Prints the monotonic time of its first write; ends with stdin.
"""

import contextlib
import select
import ssl
import struct
import sys
import time

from bench.parts import PAYLOAD, connected, tokens
from pushgate.protocols.apns_binary.frames import encode_run

RUN = 64
LAST = 1.0
"""Seconds that an error about what was written last may take."""


def refused(connection: ssl.SSLSocket) -> int | None:
    """The place that the service refused, None when it says nothing; waits for the end if it does."""
    connection.settimeout(0)
    try:
        place: int = struct.unpack(">BBI", connection.recv(6))[2]
    except ssl.SSLWantReadError:
        return None
    finally:
        connection.settimeout(10)
    with contextlib.suppress(OSError):  # it may be reset, since we wrote what was not read
        while connection.recv(4096):
            """Nothing else comes; it closes."""
    return place


def send(frames: list[bytes], port: int, context: ssl.SSLContext) -> None:
    """Write every frame once, and what was discarded again."""
    place, count = 0, len(frames)
    while place < count:
        with connected(port, context) as connection:
            answer = None
            while answer is None and place < count:
                connection.sendall(b"".join(frames[place : place + RUN]))
                place += RUN
                answer = refused(connection)
            end = time.monotonic() + LAST
            while answer is None and (left := end - time.monotonic()) > 0:
                select.select([connection], [], [], left)
                answer = refused(connection)
            place = count if answer is None else answer + 1


def main() -> None:
    """Send, then wait to be measured."""
    port, client, authority, count, dead = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(client)
    targets = tokens(int(count), dead=float(dead))
    frames = encode_run(targets, [PAYLOAD] * int(count), range(int(count)), None, 10)
    print(time.monotonic(), flush=True)
    send(frames, int(port), context)
    sys.stdin.read()


if __name__ == "__main__":
    main()
