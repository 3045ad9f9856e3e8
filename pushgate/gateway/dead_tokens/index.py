"""The dead tokens of one app."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final

from pushgate.model.dead_token import DeadReason, DeadTokenEntry

LIMIT: Final = 1_000_000
"""Tokens kept for an app at most."""
_REASONS: Final = tuple(DeadReason)
_PLACES: Final = {reason: place for place, reason in enumerate(_REASONS)}
_SHIFT: Final = 4
"""Bits of an entry that are the reason's: room for 16 of them."""
_SHELF: Final = 10_000
"""Tokens that are sorted at once."""
_DEPTH: Final = 16
"""How often a shelf is cut out of another at most, whatever the tokens begin with."""


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
            self._sorted = _Sorted(list(self._entries))
        found = (token for token in self._sorted.behind(after) if token in self._entries)
        page = [_death(token, self._entries[token]) for token in islice(found, limit)]
        if len(page) < limit:
            self._sorted = None
        return page


class _Sorted:
    """Tokens in order, sorted as far as they are read: sorting a million at once holds up the reactor.

    Many are put on shelves first, by the byte behind what all have in common: those that are addresses on
    the web begin alike. A shelf with many on it is cut up in the same way when it is reached.

    :param tokens: all different; they are put into order in place.
    :param depth: how often the shelf that these are from was cut out of another.
    """

    def __init__(self, tokens: list[bytes], depth: int = 0) -> None:
        self._tokens, self._depth = tokens, depth
        self._tidy = False
        self._shelves: list[tuple[bytes, _Sorted]] = []

    def behind(self, after: bytes) -> Iterator[bytes]:
        """All that come after this token."""
        if not self._tidy:
            self._tidy = True
            self._tidy_up()
        for at in range(bisect_right(self._tokens, after), len(self._tokens)):
            yield self._tokens[at]
        for head, shelf in self._shelves:
            if after[: len(head)] <= head:
                yield from shelf.behind(after)

    def _tidy_up(self) -> None:
        tokens = self._tokens
        if len(tokens) <= _SHELF or self._depth == _DEPTH:
            tokens.sort()
            return
        first, last = min(tokens), max(tokens)
        size = _common(first, last)
        self._tokens = [first] if len(first) == size else []
        if self._tokens:
            tokens.remove(first)  # it is how all others begin
        shelves: list[list[bytes]] = [[] for _ in range(256)]
        for token in tokens:
            shelves[token[size]].append(token)
        self._shelves = [
            (first[:size] + bytes((number,)), _Sorted(shelf, self._depth + 1))
            for number, shelf in enumerate(shelves)
            if shelf
        ]


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two different tokens have in common at their beginning."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _death(token: bytes, entry: int) -> DeadTokenEntry:
    return DeadTokenEntry(token, entry >> _SHIFT, _REASONS[entry & (1 << _SHIFT) - 1])
