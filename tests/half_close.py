"""A TLS client that says it closes together with what it asks for, and reads what comes."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress


def ask_and_close(port: int, trust: ssl.SSLContext, asked: bytes) -> int:
    """Send one packet with a request and TLS's close_notify; return how many bytes come until TCP is closed.

    For a thread.

    :raises TimeoutError: when the connection stays open.
    """
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trust.wrap_bio(received, to_send, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port), 30) as tcp:
        while _wants_more(tls.do_handshake):
            tcp.sendall(to_send.read())
            received.write(tcp.recv(1 << 16))
        if asked:
            tls.write(asked)
        with suppress(ssl.SSLError):  # it waits for the other side's, and dislikes data before that
            tls.unwrap()
        tcp.sendall(to_send.read())
        return sum(map(len, iter(lambda: tcp.recv(1 << 16), b"")))


def _wants_more(step: Callable[[], object]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return True
    return False
