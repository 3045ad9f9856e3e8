"""What TCP knows of a peer that has vanished: which bytes it has not acknowledged, and when to give it up."""

import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

if sys.platform == "linux":
    import fcntl
    import termios

USER_TIMEOUT: Final = 90.0
"""Seconds that the kernel waits for the acknowledgement of what was sent."""
IDLE: Final = 120
"""Seconds without traffic before the kernel asks whether the peer is still there."""
INTERVAL: Final = 30
"""Seconds between two such questions."""
COUNT: Final = 4
"""Questions without an answer after which the peer is gone: four minutes in all, instead of hours."""

_SO_NWRITE: Final = 0x1024
"""macOS: bytes of the send buffer, sent or not."""

Unacknowledged = Callable[[Any], int | None]
"""`unacknowledged`, or what stands in for it in a test."""


def unacknowledged(sock: Any) -> int | None:
    """Bytes that a socket was given and the peer's TCP has not acknowledged; None where none can tell."""
    try:
        if sys.platform == "linux":
            size: int = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]
            return size
        if sys.platform == "darwin":
            return int(sock.getsockopt(socket.SOL_SOCKET, _SO_NWRITE))
    except (OSError, TypeError, ValueError):
        return None
    return None


class SendMeter:
    """Counts the bytes of one TCP connection that are still on their way.

    It has to be made before anything is written.

    :param tcp: a TCP transport of Twisted's, below TLS; of one without a socket, such as a test has, nothing
        is ever on its way.
    """

    def __init__(self, tcp: Any, unacknowledged: Unacknowledged = unacknowledged) -> None:
        self._tcp, self._unacknowledged = tcp, unacknowledged
        self._given = self._taken = 0
        self._has_socket = hasattr(tcp, "socket")
        self._wrap(tcp)

    @property
    def buffered(self) -> int:
        """Bytes that the transport was given and its socket has not taken."""
        return self._given - self._taken

    @property
    def pending(self) -> int | None:
        """Bytes that the transport was given and the peer's TCP has not acknowledged; None if unknown."""
        if not self._has_socket:
            return 0
        in_socket = self._unacknowledged(getattr(self._tcp, "socket", None))
        return None if in_socket is None else self.buffered + in_socket

    def _wrap(self, tcp: Any) -> None:
        write, write_sequence, write_some = tcp.write, tcp.writeSequence, tcp.writeSomeData

        def counted(data: bytes) -> None:
            self._given += len(data)
            write(data)

        def counted_sequence(parts: list[bytes]) -> None:
            self._given += sum(map(len, parts))
            write_sequence(parts)

        def counted_some(data: bytes) -> int | BaseException:
            result: int | BaseException = write_some(data)
            if isinstance(result, int):
                self._taken += result
            return result

        tcp.write, tcp.writeSequence, tcp.writeSomeData = counted, counted_sequence, counted_some


def notice_loss(transport: Any) -> None:
    """Have the kernel end a connection whose peer has vanished within minutes, as far as it can.

    By default a peer that a network has lost is noticed after a quarter of an hour with something to send,
    and after two hours without.

    :param transport: a TCP transport, or TLS over one; of another kind nothing is changed.
    """
    tcp = getattr(transport, "transport", None) or transport
    sock = getattr(tcp, "socket", None)
    if not isinstance(sock, socket.socket) or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE), ("TCP_KEEPALIVE", IDLE), ("TCP_KEEPINTVL", INTERVAL), ("TCP_KEEPCNT", COUNT),
        ("TCP_USER_TIMEOUT", round(USER_TIMEOUT * 1000)),
    ):  # fmt: skip
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
