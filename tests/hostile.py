"""What peers send that are no clients: by input, and to inputs of another kind. Blocking, for threads."""

import contextlib
import gzip
import random
import socket
import ssl
from collections.abc import Iterable

import h2.connection
from hpack import Encoder
from hyperframe.frame import ContinuationFrame, HeadersFrame, PingFrame, PriorityFrame, SettingsFrame

PATH = "/v1/apps/news/notifications"
_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(60))
_POST = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
_BODY = b'{"token":"0a","payload":{}}'


def _box(*strings: bytes) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in strings)


def noise(seed: int) -> list[bytes]:
    """Random bytes, the same for the same seed: short, long, and cut out of what is right."""
    chance = random.Random(seed)
    right = [
        _POST + b"Content-Length: 27\r\n\r\n" + _BODY,
        b"PUSH news 0a {}\n",
        _box(b"_command", b"Stats", b""),
    ]
    pieces = [chance.randbytes(chance.choice((1, 7, 300, 70_000))) for _ in range(8)]
    return pieces + [each[: chance.randrange(1, len(each))] + chance.randbytes(9) for each in right]


EVERYWHERE = [
    b"",
    _HELLO,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    b"\0" * 100_000,
    b"\xff" * 100_000,
    b"x" * 2_000_000,
    b"\r\n" * 50_000,
    _box(b"_ask", b"1", b"_command", b"Stats", b""),
    _box(
        b"_ask",
        b"1",
        b"_command",
        b"Push",
        b"payload",
        b"x" * 0xFFFF,
        b"token",
        b"y" * 0xFFFF,
        b"k" * 255,
        b"",
    ),
    b"".join(_box(b"%d" % n, b"v") for n in range(100)),
    _box(b"_answer", b"1", b""),
    b'PUSH news 0a {"aps":' + b"[" * 100_000 + b"\n",
    b'{"app":"news","token":"' + b"0" * 200_000 + b'"}\n',
    b"\2\xff\xff\xff\xff",
    b"\2\0\0\0\x05\1\0\xff\0\0",
    b"\1" + b"\0" * 8 + b"\0\x20" + bytes(32) + b"\xff\xff",
]
"""For each input."""

_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
HTTP = [
    _POST + b"Content-Length: 27\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _BODY,
    _POST + b"Content-Length: 27\r\nContent-Length: 28\r\n\r\n" + _BODY,
    _POST + b"Content-Length: 27, 27\r\n\r\n" + _BODY,
    _POST + b"Content-Length: +27\r\n\r\n" + _BODY,
    _POST + b"Content-Length: 2_7\r\n\r\n" + _BODY,
    _POST + b"Content-Length: 99999999999999999999999999\r\n\r\n" + _BODY,
    _POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + _BODY,
    _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    _POST + b"Content-Length: 27\r\n Transfer-Encoding: chunked\r\n\r\n" + _BODY,
    _CHUNKED + b"-1\r\n" + _BODY,
    _CHUNKED + b"0x1b\r\n" + _BODY + b"\r\n0\r\n\r\n",
    _CHUNKED + b"ffffffffffffffffffff\r\n" + _BODY,
    _CHUNKED + b"1b;" + b"e" * 100_000 + b"\r\n" + _BODY,
    _CHUNKED + b"1b\r\n" + _BODY + b"XX0\r\n\r\n",
    _CHUNKED + b"0\r\n" + b"Trailer: x\r\n" * 20_000,
    _CHUNKED + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 100,
    _POST + b"Content-Length: 1073741824\r\n\r\n" + b"x" * 100_000,
    _POST + b"X-Long: " + b"x" * 1_000_000,
    _POST + b"".join(b"X-%d: y\r\n" % number for number in range(20_000)),
    _POST + b"Content-Encoding: gzip\r\nContent-Length: 10000\r\n\r\n" + gzip.compress(bytes(10_000_000)),
    _POST.replace(b"HTTP/1.1", b"HTTP/9.9") + b"\r\n",
    _POST.replace(PATH.encode(), b"/" + b"%00" * 3000) + b"\r\n",
    b"GET /v1/notifications/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n" * 50,
]  # fmt: skip
"""For inputs that speak HTTP."""


def say(port: int, data: bytes, patience: float = 2.0) -> bytes:
    """Connect, say this and nothing more; what comes back, to the end or until nothing has come for so many seconds."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), 30) as connection, contextlib.suppress(OSError):
        connection.settimeout(patience)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(1 << 16):
            heard += piece
    return heard


def _reset_rapidly() -> Iterable[bytes]:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    head = [(":method", "POST"), (":path", PATH), (":scheme", "https"), (":authority", "x")]
    for number in range(1, 3000, 2):
        client.send_headers(number, head)
        client.reset_stream(number)
        yield client.data_to_send()


def _begin() -> bytes:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    return client.data_to_send()


def _flood(frames: Iterable[bytes]) -> Iterable[bytes]:
    yield _begin()
    yield from frames


def _continue_for_ever() -> Iterable[bytes]:
    yield HeadersFrame(1, b"\x82", flags=[]).serialize()
    for _ in range(1000):
        yield ContinuationFrame(1, b"\x00\x01a\x01b" * 2000).serialize()


def _bomb() -> bytes:
    """A header that is long, and then named by a byte each time."""
    head = [
        (":method", "GET"),
        (":path", "/healthz"),
        (":scheme", "https"),
        (":authority", "x"),
        ("x", "y" * 3000),
    ]
    return HeadersFrame(
        1, Encoder().encode(head) + b"\xbe" * 12_000, flags=["END_HEADERS", "END_STREAM"]
    ).serialize()


HTTP2 = {
    "rapid reset": _reset_rapidly,
    "settings": lambda: _flood([SettingsFrame(0, {4: 70_000}).serialize()] * 5000),
    "pings": lambda: _flood([PingFrame(0, bytes(8)).serialize()] * 10_000),
    "continuation": lambda: _flood(_continue_for_ever()),
    "header bomb": lambda: _flood([_bomb()]),
    "priorities": lambda: _flood(
        PriorityFrame(number, 0, 10).serialize() for number in range(1, 3000, 2)
    ),
    "garbage": lambda: _flood([b"\xff" * 50_000]),
}  # fmt: skip
"""For an input that speaks HTTP/2."""


def say_securely(port: int, trust: ssl.SSLContext, pieces: Iterable[bytes]) -> str | None:
    """The same over TLS, without reading what comes back meanwhile; as long as the input takes it.

    Returns the protocol that was agreed on.
    """
    with (
        socket.create_connection(("127.0.0.1", port), 30) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        spoken = connection.selected_alpn_protocol()
        connection.settimeout(2)
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        return spoken


def sit(port: int, words: bytes) -> socket.socket:
    """Connect, say this, and stay."""
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.sendall(words)
    return connection
