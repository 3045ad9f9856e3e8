"""Registrations that come one by one over REST: how many a second are kept, and what each costs the gateway.

    python -m bench.hub_upserts [--count 20000] [--connections 16]

Each is a PUT of a registration with five tags, signed, over one of a few connections that stay open; half of
them are new, half change an earlier one. The client writes requests that were made before.
"""

import argparse
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from typing import Final

from bench.hub import gateway
from bench.hub_stand import HubClient, hub_tables, registrations, signature
from bench.parts import free_port, python, running, spread, wait_for_port, workspace

RATE: Final = 1500
"""Upserts a second, at least."""
ENTRY: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><entry xmlns="http://www.w3.org/2005/Atom">'
    '<content type="application/xml"><AppleRegistrationDescription'
    ' xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"'
    ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Tags>{tags}</Tags><DeviceToken>{token}</DeviceToken>'
    "</AppleRegistrationDescription></content></entry>"
)


def requests(hub: HubClient, port: int, count: int) -> Iterator[bytes]:
    """So many requests, each id twice."""
    signed = signature(f"https://127.0.0.1:{port}/")
    ids = []
    for _ in range(count // 2):
        location = hub.request("POST", "/registrationIDs", b"").headers["Location"]
        ids.append(location.partition("?")[0].rpartition("/")[2])
    for at, each in enumerate([*registrations(count // 2), *registrations(count // 2)]):
        body = ENTRY.format(tags=",".join(each.tags), token=each.handle.hex()).encode()
        yield (
            f"PUT /main/registrations/{ids[at % len(ids)]}?api-version=2020-06 HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nAuthorization: {signed}\r\n"
            "Content-Type: application/atom+xml;type=entry;charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def put_all(port: int, every: list[bytes], connections: int) -> float:
    """Send all requests, one at a time on each connection; return the seconds it took."""
    chosen, left, open_requests = selectors.DefaultSelector(), iter(every), 0
    began = time.monotonic()
    for _ in range(connections):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.sendall(next(left))
        chosen.register(peer, selectors.EVENT_READ, bytearray())
        open_requests += 1
    while open_requests:
        for key, _ in chosen.select(10):
            asked, buffer = key.fileobj, key.data
            assert isinstance(asked, socket.socket)
            buffer += asked.recv(1 << 16)
            if not answered(buffer):
                continue
            buffer.clear()
            following = next(left, None)
            if following is None:
                chosen.unregister(asked)
                asked.close()
                open_requests -= 1
            else:
                asked.sendall(following)
    return time.monotonic() - began


def answered(buffer: bytearray) -> bool:
    """Whether a whole answer is there; fails unless it is a success."""
    head, blank, body = bytes(buffer).partition(b"\r\n\r\n")
    if not blank:
        return False
    if head[9:11] != b"20":
        raise SystemExit(bytes(buffer).decode())
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return len(body) >= length


def measure(count: int, connections: int, store: str) -> bool:
    """Measure and print; return whether it is fast enough."""
    with workspace() as (directory, certificates):
        port, far = free_port(), free_port()
        with running(*python("far_end.py", far, certificates.server)) as far_end:
            wait_for_port(far, far_end)
            with gateway(directory, certificates, far, hub_tables(directory, port, store)) as (process, _):
                every = list(requests(HubClient(port), port, count))
                print(f"{count} requests are made", flush=True)
                before = sum(process.cpu_times()[:2])
                seconds = put_all(port, every, connections)
                spent = sum(process.cpu_times()[:2]) - before
    print(spread("upserts", [count / seconds], "/s"))
    print(spread("CPU of each", [spent / count * 1e6], " us"))
    good = count / seconds >= RATE
    print(f"at least {RATE}/s: {'yes' if good else 'NO'}")
    return good


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    sys.exit(not measure(arguments.count, arguments.connections, "sqlite"))


if __name__ == "__main__":
    main()
