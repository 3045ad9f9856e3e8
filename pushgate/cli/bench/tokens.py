"""The device tokens of one measurement."""

from collections.abc import Iterator
from typing import Final

HEAD: Final = 24
"""Bytes of a token that all of one kind have in common; the other 8 number it."""
MAX_PREFIX: Final = 8
"""Bytes of the prefix of dead tokens: at least 16 bytes of chance are left."""
_LIVE: Final = (b"\x11\xfe", b"\x22\xfe")
"""How the others begin: as the first of these, unless dead tokens begin like it."""


class BenchTokens:
    """Tokens of 32 bytes, which no other measurement has.

    :param count: how many.
    :param chance: `HEAD` random bytes.
    :param dead_prefix: how dead tokens begin; `share` of all are dead, evenly spread.
    """

    def __init__(self, count: int, chance: bytes, dead_prefix: bytes = b"", share: float = 0.0) -> None:
        self.count, self._share = count, share
        first, second = _LIVE
        live = second if dead_prefix[:1] == first[:1] else first
        self._live, self._dead = ((prefix + chance)[:HEAD] for prefix in (live, dead_prefix))
        self._heads = {self._live.hex(), self._dead.hex()}

    def batches(self, size: int) -> Iterator[tuple[bytes, ...]]:
        """All of them in their order, so many at a time."""
        for start in range(0, self.count, size):
            yield tuple(self._token(index) for index in range(start, min(start + size, self.count)))

    def index(self, token: str | None) -> int | None:
        """The place of a token, in hex; None when it is of another sender."""
        if token is None or token[: 2 * HEAD] not in self._heads:
            return None
        return int(token[2 * HEAD :], 16)

    def _token(self, index: int) -> bytes:
        is_dead = int((index + 1) * self._share) > int(index * self._share)
        return (self._dead if is_dead else self._live) + index.to_bytes(8, "big")
