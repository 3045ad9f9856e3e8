"""What most services have in common: requests to one host by POST, and no use of GOAWAY but HTTP/2's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import LONGEST_REASON, Answer, Follows
from pushgate.protocols.http_push.retry_after import retry_after
from pushgate.protocols.http_push.service import Header

T = TypeVar("T")
_LONGEST_WORDS: Final = 200
"""Characters of a peer's words that an operator is shown."""


class PlainService:
    """The part of a `PushService` that does not differ between services.

    :param authority: host, and port if it is not 443.
    :param scheme: ``https``, or ``http`` where a service knows that.
    """

    def __init__(self, authority: str, scheme: str = "https") -> None:
        self.authority, self.scheme = authority, scheme
        self._pseudo: Final = (
            (b":method", b"POST"),
            (b":scheme", scheme.encode()),
            (b":authority", authority.encode()),
        )

    @property
    def pseudo(self) -> tuple[Header, ...]:
        """The pseudo headers of every request, but ``:path``."""
        return self._pseudo

    def read_goaway(self, debug: bytes) -> Answer:
        """No service says anything about the credential there: what was not looked at is sent again."""
        return Answer(503, printable(debug, LONGEST_REASON)[:LONGEST_REASON], Follows.NEW_CONNECTION)


def value_of(headers: Sequence[Header], *names: bytes) -> bytes:
    """The value of the first of `names` that an answer has as a header, b"" when it has none.

    :param names: in small letters, the one that counts most first.
    """
    for name in names:
        for each, value in headers:
            if each == name and value:
                return value
    return b""


def text_of(headers: Sequence[Header], *names: bytes, limit: int = LONGEST_REASON) -> str:
    """The same as one printable line of at most `limit` characters."""
    value = value_of(headers, *names)
    return printable(value.decode("latin-1"), limit)[:limit] if value else ""


def wait_of(headers: Sequence[Header], wall: float) -> float | None:
    """The seconds that an answer wants us to wait, None when it does not say.

    :param wall: Unix seconds.
    """
    return retry_after(value_of(headers, b"retry-after") or None, wall)


def explained(row: Answer, said: str) -> Answer:
    """The row with what the service said of this case behind its own words.

    :param said: printable; "" leaves the row as it is.
    """
    if not said:
        return row
    return msgspec.structs.replace(row, words=f"{row.words}: {said[:_LONGEST_WORDS]}" if row.words else said)


def each_once(payloads: Iterable[bytes], make: Callable[[bytes], T]) -> Iterator[T]:
    """What `make` makes of each payload; of one that is the same object as the one before, only once."""
    last: tuple[bytes, T] | None = None
    for payload in payloads:
        if last is None or last[0] is not payload:
            last = payload, make(payload)
        yield last[1]
