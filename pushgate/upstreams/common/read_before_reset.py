"""Reading what arrived before a connection was reset, even when our write notices the reset first.

A service that closes with our frames unread resets the connection right behind its error response. The
response lies in our socket, but a write that fails on the reset makes Twisted close the socket unread: seen
in 12 of 545 such ends on loopback, each a window of duplicates or unknowns. Linux keeps what was received
readable after a reset. So: a failed write reads first.
"""

from typing import Any, Protocol


class _TCP(Protocol):
    """What this needs of Twisted's TCP transport: the two documented hooks of its FileDescriptor."""

    def writeSomeData(self, data: bytes) -> int | BaseException: ...

    def doRead(self) -> object: ...


def read_before_reset(tcp: Any) -> None:
    """Let a TCP transport deliver what it has received before it reports that a write failed."""
    transport: _TCP = tcp
    write = transport.writeSomeData

    def write_or_read(data: bytes) -> int | BaseException:
        result = write(data)
        if isinstance(result, BaseException):
            transport.doRead()
        return result

    tcp.writeSomeData = write_or_read
