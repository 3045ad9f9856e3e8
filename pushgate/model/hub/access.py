"""Who may do what at a hub: the rules whose keys sign requests."""

from enum import StrEnum

import msgspec


class Right(StrEnum):
    """What a rule may permit. `MANAGE` includes the others."""

    LISTEN = "listen"
    SEND = "send"
    MANAGE = "manage"


class AccessRule(msgspec.Struct, frozen=True):
    """A rule of a hub.

    :param rights: those it permits.
    :param keys: one or two, either of which signs: the second is for changing them.
    """

    rights: frozenset[Right]
    keys: tuple[bytes, ...]

    def permits(self, right: Right) -> bool:
        """Whether this right is among those permitted."""
        return right in self.rights or Right.MANAGE in self.rights

    def __repr__(self) -> str:
        return f"AccessRule({sorted(self.rights)}, {len(self.keys)} keys)"
