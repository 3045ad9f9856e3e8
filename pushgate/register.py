"""The dead tokens of one app, and the guard against declaring living ones dead."""

from typing import Final

GUARD: Final = 20
"""Rejections as an invalid token in a row, no acceptance between them, that make the environment suspect."""


class DeadTokens:
    """Which tokens the push service called dead, and since when.

    :param limit: tokens kept; beyond it the oldest entry is forgotten, which costs one more rejection.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self._since: dict[bytes, int] = {}
        self._limit = limit
        self._unproven: list[bytes] = []

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, token: bytes) -> bool:
        return token in self._since

    def add(self, token: bytes, since: int) -> None:
        """Note that `token` is dead since `since`, Unix seconds; of two times the later one stands."""
        since = max(since, self._since.pop(token, 0))
        self._since[token] = since
        if len(self._since) > self._limit:
            del self._since[next(iter(self._since))]

    def suppresses(self, token: bytes, registered_at: int | None) -> bool:
        """Whether a send to `token` is pointless: it died after the device last registered it.

        A registration in the very second of the death counts as later.
        """
        since = self._since.get(token)
        return since is not None and (registered_at is None or registered_at < since)

    def any_of(self, tokens: list[bytes]) -> bool:
        """Whether one of `tokens` has an entry; costs next to nothing while there are none."""
        return bool(self._since) and not self._since.keys().isdisjoint(tokens)

    def rejected(self, token: bytes, since: int) -> bool:
        """Add a token the stream rejected as invalid; return True when the guard trips.

        A certificate of the wrong environment makes every token invalid. So after `GUARD` rejections in
        a row the tokens of that row are taken back, and the caller opens the circuit.
        """
        self.add(token, since)
        self._unproven.append(token)
        if len(self._unproven) < GUARD:
            return False
        for unproven in self._unproven:
            self._since.pop(unproven, None)
        self._unproven = self._unproven[1:]
        return True

    def accepted(self) -> None:
        """The push service accepted something: the rejections so far were true."""
        self._unproven.clear()
