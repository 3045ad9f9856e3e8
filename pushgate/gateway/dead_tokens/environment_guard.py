"""The guard against declaring living tokens dead because the environment is wrong.

A certificate or host of the wrong environment makes every token invalid, and nothing is ever accepted. So
refusals are evidence against the environment only as long as nothing was accepted between them; and a
certificate that once had something accepted does not belong to the other environment.
"""

from typing import Final

import msgspec

from pushgate.model.dead_token import DeadTokenEntry

GUARD: Final = 20
"""Refusals in a row that make the environment suspect when nothing has shown that it is right."""
PROVEN_GUARD: Final = 500
"""The same when something has: an honest list may begin with that many tokens but one."""


class Doubt(msgspec.Struct, frozen=True, gc=False):
    """A token that was declared dead by a refusal.

    :param death: what was entered.
    :param before: what was known of the token before, None when nothing was.
    """

    death: DeadTokenEntry
    before: DeadTokenEntry | None


class EnvironmentGuard:
    """Watches one app's refusals as invalid, from one acceptance to the next."""

    def __init__(self) -> None:
        self._row: list[Doubt] = []
        self._proven = self._presumed = False

    @property
    def trusts(self) -> bool:
        """Whether the environment was shown to be right."""
        return self._proven or self._presumed

    def doubts(self, token: bytes) -> bool:
        """Whether this token was refused when nothing showed that the environment is right, nor has since."""
        return any(doubt.death.doubted and doubt.death.token == token for doubt in self._row)

    def rejected(self, doubt: Doubt) -> list[Doubt]:
        """Note a refusal; return those to take back, the last first: none unless the environment is suspect.

        From then on each further one is suspect at once, until something is accepted.
        """
        self._row.append(doubt)
        if len(self._row) < (PROVEN_GUARD if self.trusts else GUARD):
            return []
        suspect = self._row[::-1]
        self._row = self._row[1 - GUARD :]
        self._proven = self._presumed = False
        return suspect

    def resume(self, doubt: Doubt) -> None:
        """Note a refusal of an earlier life of the gateway, which nothing has confirmed since."""
        self._row.append(doubt)

    def accepted(self) -> bool:
        """The push service accepted something: all refusals were true. Return whether some were in doubt."""
        doubted = any(doubt.death.doubted for doubt in self._row)
        self._row.clear()
        self._proven = True
        return doubted

    def presumed(self) -> None:
        """Something was written and not refused in time: no proof, but a wrong environment refuses all."""
        self._presumed = True

    def distrust(self) -> None:
        """What was shown was shown with other credentials."""
        self._proven = self._presumed = False

    def belied(self) -> None:
        """Something was refused after it was presumed."""
        self._presumed = False
