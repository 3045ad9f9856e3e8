"""What a client without a reactor needs of the program around it: bytes, time, and turns.

The methods are `async` for both faces. Those of a program with asyncio wait as asyncio does; those of one
without (`pushgate.client.blocking`) wait inside, and never give up their turn.
"""

import ssl
from typing import Protocol

from pushgate.client.address import Address


class ByteStream(Protocol):
    """A connection, its TLS handshake done."""

    async def send(self, data: bytes, timeout: float) -> None:
        """Write all of it; raise OSError when the connection is lost, TimeoutError after so many seconds."""

    async def receive(self, timeout: float | None) -> bytes:
        """What came, b"" at the end; raise OSError when it is lost, TimeoutError after so many seconds."""

    def is_stale(self) -> bool:
        """Return True if a connection on which nothing is expected has ended, or has something to say."""

    def close(self) -> None:
        """Close at once; harmless when closed."""


class Runtime(Protocol):
    """The program around a client."""

    def seconds(self) -> float:
        """A clock that never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def open(self, address: Address, tls: ssl.SSLContext | None, timeout: float) -> ByteStream:
        """Connect, TLS included; raise OSError when that fails, TimeoutError after so many seconds."""

    async def acquire(self, timeout: float) -> None:
        """Wait for one of the connections there may be; raise TimeoutError after so many seconds."""

    def release(self) -> None:
        """Give it back."""


class Deadline:
    """A point in time until which something must be done."""

    def __init__(self, runtime: Runtime, seconds: float) -> None:
        self._runtime, self._at = runtime, runtime.seconds() + seconds

    def left(self) -> float:
        """Seconds until then; raise TimeoutError when it has passed."""
        left = self._at - self._runtime.seconds()
        if left <= 0:
            raise TimeoutError
        return left

    def allows(self, seconds: float) -> bool:
        """Return True if so many seconds are left."""
        return self._runtime.seconds() + seconds < self._at


class Cut(Exception):
    """The connection was lost before the answer came."""


async def receive(stream: ByteStream, timeout: float | None) -> bytes:
    """What came; raise `Cut` when nothing comes any more, TimeoutError after so many seconds."""
    try:
        data = await stream.receive(timeout)
    except TimeoutError:
        raise
    except OSError as error:
        raise Cut(why(error)) from None
    if not data:
        raise Cut("it closed the connection")
    return data


async def send(stream: ByteStream, data: bytes, timeout: float) -> None:
    """Write; raise `Cut` when the connection is lost, TimeoutError after so many seconds."""
    try:
        await stream.send(data, timeout)
    except TimeoutError:
        raise
    except OSError as error:
        raise Cut(why(error)) from None


def why(error: OSError) -> str:
    """A failure of the network in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or 'no handshake'}"
    return error.strerror or type(error).__name__
