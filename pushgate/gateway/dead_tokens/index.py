"""The dead tokens of one app."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from pushgate.model.dead_token import DeadReason, DeadTokenEntry

LIMIT: Final = 1_000_000
"""Tokens kept for an app at most."""
_REASONS: Final = tuple(DeadReason)
_PLACES: Final = {reason: place for place, reason in enumerate(_REASONS)}
_SHIFT: Final = 4


class DeadTokenIndex:
    """Which tokens the push service called dead, and since when.

    Time and reason of an entry are one number: as objects they would cost as much again as the token.

    :param limit: tokens kept. Beyond it those entered first are forgotten, one in a hundred at once; each
        costs one more rejection.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._entries: dict[bytes, int] = {}
        self.limit = limit
        self._sorted: _Sorted | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, token: bytes) -> bool:
        return token in self._entries

    def get(self, token: bytes) -> DeadTokenEntry | None:
        """The entry of a token."""
        entry = self._entries.get(token)
        return None if entry is None else _death(token, entry)

    def add(self, death: DeadTokenEntry) -> list[bytes]:
        """Enter a death; of two times the later one stands. Return the tokens that had to be forgotten."""
        entry = death.since << _SHIFT | _PLACES[death.reason]
        before = self._entries.pop(death.token, 0)
        self._entries[death.token] = entry if entry >> _SHIFT >= before >> _SHIFT else before
        if len(self._entries) <= self.limit:
            return []
        forgotten = list(islice(self._entries, len(self._entries) - self.limit + self.limit // 100))
        for token in forgotten:
            del self._entries[token]
        return forgotten

    def forget(self, token: bytes) -> bool:
        """Remove an entry; return whether there was one."""
        return self._entries.pop(token, None) is not None

    def suppresses(self, token: bytes, registered_at: int | None) -> bool:
        """Whether a send to `token` is pointless: it died after the device last registered it.

        A registration in the very second of the death counts as later.
        """
        entry = self._entries.get(token)
        return entry is not None and (registered_at is None or registered_at < entry >> _SHIFT)

    def any_of(self, tokens: list[bytes]) -> bool:
        """Whether one of `tokens` has an entry; costs next to nothing while there are none."""
        return bool(self._entries) and not self._entries.keys().isdisjoint(tokens)

    def page(self, after: bytes, limit: int) -> list[DeadTokenEntry]:
        """At most `limit` entries in the order of their tokens, beginning behind `after`.

        Entries added while the pages are read may be missing from them.
        """
        if self._sorted is None or not after:
            self._sorted = _Sorted(self._entries)
        found = (token for token in self._sorted.behind(after) if token in self._entries)
        page = [_death(token, self._entries[token]) for token in islice(found, limit)]
        if len(page) < limit:
            self._sorted = None
        return page


class _Sorted:
    """Tokens in order, sorted as far as they are read: sorting a million at once holds up the reactor."""

    def __init__(self, tokens: Iterable[bytes]) -> None:
        self._shelves: list[list[bytes]] = [[] for _ in range(256)]
        shelves = self._shelves
        for token in tokens:
            shelves[token[0]].append(token)
        self._untidy = set(range(256))

    def behind(self, after: bytes) -> Iterator[bytes]:
        """All that come after this token."""
        for number in range(after[0] if after else 0, 256):
            shelf = self._shelves[number]
            if number in self._untidy:
                self._untidy.discard(number)
                shelf.sort()
            for at in range(bisect_right(shelf, after), len(shelf)):
                yield shelf[at]


def _death(token: bytes, entry: int) -> DeadTokenEntry:
    return DeadTokenEntry(token, entry >> _SHIFT, _REASONS[entry & (1 << _SHIFT) - 1])
