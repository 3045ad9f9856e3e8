"""What an upstream over HTTP asks of its push service: the requests, and what answers mean. Pure."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.http_push.answers import Answer, Reply
from pushgate.protocols.http_push.sent import Sent

Header = tuple[bytes, bytes]


class Member(msgspec.Struct, frozen=True, gc=False):
    """What is a notification's own in its request; the rest it shares with others.

    :param index: of the member in its batch.
    :param unlike: headers that are its own.
    :param kind: which of the headers for its batch it has, see `PushService.fields`; "" where there is one.
    """

    index: int
    path: bytes
    unlike: tuple[Header, ...]
    body: bytes
    kind: str = ""


class PushService(Protocol):
    """One push service, as one app uses it."""

    @property
    def pseudo(self) -> tuple[Header, ...]:
        """The pseudo headers of every request, but ``:path``: ``:method``, ``:scheme``, ``:authority``."""

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of one kind in a slice have, but those that authenticate."""

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer; it raises nothing, whatever came.

        :param sent: the request.
        :param headers: names in small letters.
        :param wall: Unix seconds.
        """

    def read_goaway(self, debug: bytes) -> Answer:
        """Read the debug data of a GOAWAY that came before an answer; it raises nothing."""
