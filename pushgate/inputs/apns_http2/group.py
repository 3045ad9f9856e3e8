"""Requests of one turn of the reactor that are submitted together."""

from typing import Any, NamedTuple

from pushgate.inputs.apns_http2.apns_ids import ApnsId
from pushgate.model.notification import Submission, Terms
from pushgate.model.packed import Packed


class Push(NamedTuple):
    """What a request asks for.

    :ivar given: what it is known again by, when it brought an ``apns-id``.
    """

    app: str
    token: bytes
    payload: bytes
    terms: Terms
    given: ApnsId | None


class PushGroup:
    """Pushes for one app on the same terms.

    :ivar streams: the requests; None in place of one that has its answer, or wants none.
    :ivar given: the ``apns-id`` values that came with them, by index.
    :ivar left: how many of the requests have no answer.
    :ivar batch: the id of the first, 0 while it is not known.
    """

    __slots__ = ("app", "batch", "given", "left", "payloads", "streams", "submitted_at", "terms", "tokens")

    def __init__(self, app: str, terms: Terms) -> None:
        self.app, self.terms = app, terms
        self.tokens: list[bytes] = []
        self.payloads: list[bytes] = []
        self.streams: list[Any] = []
        self.given: dict[int, ApnsId] = {}
        self.left = self.batch = 0
        self.submitted_at = 0.0

    def add(self, stream: Any, token: bytes, payload: bytes, given: ApnsId | None) -> None:
        """Add a request for this app on these terms."""
        index = len(self.streams)
        stream.group, stream.index = self, index
        if given is not None:
            self.given[index] = given
        self.tokens.append(token)
        self.payloads.append(payload)
        self.streams.append(stream)
        self.left += 1

    def leave(self, index: int) -> None:
        """One of the requests has its answer, or wants none."""
        if self.streams[index] is not None:
            self.streams[index] = None
            self.left -= 1

    def submission(self) -> Submission:
        """What the gateway is given."""
        payload = self.payloads[0] if len(self.payloads) == 1 else Packed.of(self.payloads, 2)
        tokens = Packed.of(self.tokens, 2)
        return Submission(app=self.app, tokens=tokens, payload=payload, terms=self.terms)

    def submitted(self, now: float) -> None:
        """Forget what the gateway has by now."""
        self.submitted_at = now
        self.tokens, self.payloads = [], []

    def wanted(self) -> "PushGroup | None":
        """Those of the requests that are still wanted, as a group; None when there are none."""
        if self.left == len(self.streams):
            return self
        fresh = PushGroup(self.app, self.terms)
        for index, stream in enumerate(self.streams):
            if stream is not None:
                fresh.add(stream, self.tokens[index], self.payloads[index], self.given.get(index))
        return fresh if fresh.left else None
