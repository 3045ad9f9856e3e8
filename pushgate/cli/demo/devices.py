"""Whom the demonstration pushes to."""

from typing import Final

import msgspec

DEAD_PREFIX: Final = b"\xde\xad"
"""Tokens that begin so are dead."""
_LIVE_PREFIX: Final = b"\x11\xfe"
_TOKEN: Final = 32
"""Bytes of a token."""
_ONE_IN: Final = 100
"""Of so many devices one is dead."""


class Devices(msgspec.Struct, frozen=True):
    """Device tokens, in the order in which they are pushed to.

    :param shutdown_at: when this one comes, the push service says that it shuts down.
    :param close_at: when this one comes, the push service closes the connection without a word.
    """

    tokens: tuple[bytes, ...]
    shutdown_at: bytes
    close_at: bytes

    @property
    def live(self) -> frozenset[str]:
        """Those in use, in hex."""
        return frozenset(token.hex() for token in self.tokens if not token.startswith(DEAD_PREFIX))

    @property
    def dead(self) -> frozenset[str]:
        """The others, in hex."""
        return frozenset(token.hex() for token in self.tokens if token.startswith(DEAD_PREFIX))


def devices(count: int) -> Devices:
    """`count` devices, at least 10; one in a hundred is dead: the first, the last, and evenly between."""
    last_dead = max(2, round(count / _ONE_IN)) - 1
    dead = {round(nth * (count - 1) / last_dead) for nth in range(last_dead + 1)}
    tokens = tuple(
        (DEAD_PREFIX if index in dead else _LIVE_PREFIX) + index.to_bytes(_TOKEN - 2, "big")
        for index in range(count)
    )

    def live_from(start: int) -> bytes:
        return next(token for token in tokens[start:] if token.startswith(_LIVE_PREFIX))

    return Devices(tokens, shutdown_at=live_from(count // 3), close_at=live_from(2 * count // 3))
