"""The spool that keeps nothing over a restart: the reference for what a spool does, and the fastest."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pushgate.gateway.spool.interface import ISpool, Kept, Page, Undelivered
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import Conflict, Overloaded
from pushgate.model.notification import Batch
from pushgate.model.outcome import Report
from pushgate.model.packed import Packed

KEEP_KEYS: Final = 86400.0
"""Seconds an idempotency key is remembered."""
MAX_KEYS: Final = 1_000_000
"""Idempotency keys remembered at most; further submissions with a new one are refused until some age out."""


@implementer(ISpool)
class MemorySpool:
    """Remembers idempotency keys; batches live in the lanes and windows, dead tokens in the registers.

    :param clock: provides IReactorTime.
    """

    pages: Final = False

    def __init__(self, clock: Any, max_keys: int = MAX_KEYS) -> None:
        self._clock, self._max_keys = clock, max_keys
        self._keys: OrderedDict[tuple[str, str], tuple[bytes, int, float]] = OrderedDict()

    def start(self) -> None:
        """Nothing to open."""

    def append(self, batch: Batch, key: str | None) -> Deferred[int]:
        if key is None:
            return succeed(batch.id)
        self._age()
        digest = content_digest(batch)
        known = self._keys.get((batch.app, key))
        if known is not None:
            return succeed(known[1]) if known[0] == digest else fail(Conflict(known[1]))
        if len(self._keys) >= self._max_keys:
            return fail(Overloaded("idempotency keys", len(self._keys), self._max_keys))
        self._keys[batch.app, key] = (digest, batch.id, self._clock.seconds())
        return succeed(batch.id)

    def settle(self, number: int, reports: Sequence[Report]) -> Deferred[None]:
        return succeed(None)

    def delivered(self, numbers: Sequence[int], finished: Sequence[int]) -> None:
        """Nothing is kept, so nothing is to be forgotten."""

    def note_taken(self, numbers: Mapping[str, int]) -> None:
        """Nothing is kept for the sinks."""

    def intend(self, spans: Sequence[BatchSlice]) -> Deferred[None]:
        return succeed(None)

    def forgo(self, spans: Sequence[BatchSlice]) -> None:
        """Nothing is kept that could be asked for."""

    def page(self, app: str, priority: int, after: int, limit: int) -> Deferred[Page]:
        return succeed(Page((), after, False))

    def find(self, number: int) -> Deferred[Kept | None]:
        return succeed(None)

    def waiting(self) -> dict[tuple[str, int], int]:
        return {}

    def last_order(self) -> int:
        return 0

    def undelivered(self) -> Undelivered:
        return Undelivered()

    def bury(self, app: str, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        return succeed(None)

    def unbury(self, app: str, tokens: Sequence[bytes]) -> Deferred[None]:
        return succeed(None)

    def confirm(self, app: str) -> None:
        """Nothing was kept."""

    def dead(self, app: str, after: bytes, limit: int) -> Deferred[list[DeadTokenEntry]]:
        return succeed([])

    def close(self) -> Deferred[None]:
        return succeed(None)

    def _age(self) -> None:
        oldest = self._clock.seconds() - KEEP_KEYS
        while self._keys and next(iter(self._keys.values()))[2] <= oldest:
            self._keys.popitem(last=False)


def content_digest(batch: Batch) -> bytes:
    """Return a digest of the content of a batch, to recognise the same content under a key."""
    payload = batch.payload
    shared = not isinstance(payload, Packed)
    digest = hashlib.sha256(_one_byte_lengths(batch.tokens))
    digest.update(b"\0shared\0" if shared else b"\0each\0")
    digest.update(payload.blob if isinstance(payload, Packed) else payload)
    digest.update(_terms_text(batch).encode())
    return digest.digest()


def _terms_text(batch: Batch) -> str:
    """Return the terms as 0.1.0 wrote them, for the same reason."""
    text = repr(replace(batch.terms, priority=batch.priority))
    return text.replace(", headers=())", ")").replace(", channel=None)", ")")


def _one_byte_lengths(targets: Packed) -> bytes:
    """Return the targets as 0.1.0 kept them, if they fit: a key that it saw has to be known again."""
    try:
        return Packed.of(targets, 1).blob
    except OverflowError:
        return targets.blob
