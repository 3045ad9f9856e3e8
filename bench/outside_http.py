"""An HTTP client written from the contract alone, as cheap as Python can be: keep-alive and nothing else.

Usage: outside_http.py PORT CONNECTIONS SECONDS TOKENS. With TOKENS 0 it posts single notifications, else
lists of so many tokens. Prints the notifications that were answered with 202 a second.
"""

import json
import selectors
import socket
import sys
import time

PAYLOAD = {"aps": {"alert": "Your order 4711 is on its way and will arrive today"}, "order": 4711}


def request(count: int) -> bytes:
    """A whole request."""
    tokens = [f"0001{index:060x}" for index in range(count or 1)]
    to = {"tokens": tokens} if count else {"token": tokens[0]}
    body = json.dumps(to | {"payload": PAYLOAD})
    head = (
        "POST /v1/apps/news/notifications HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def main() -> None:
    """Post on all connections until the time is over."""
    port, connections, seconds, count = (int(argument) for argument in sys.argv[1:])
    data, chosen = request(count), selectors.DefaultSelector()
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen.register(one, selectors.EVENT_READ, one)
        one.sendall(data)
    answered, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        for key, _ in chosen.select(1):
            answer = key.data.recv(65536)
            assert answer.startswith(b"HTTP/1.1 202"), answer[:200]
            assert answer.endswith(b'"refused":[]}\n'), answer[-200:]
            answered += 1
            key.data.sendall(data)
    print(answered * (count or 1) / (time.monotonic() - began))


if __name__ == "__main__":
    main()
