"""A managed device, as it meets pushes: a value; each event makes the next one.

It does as Apple's engineers describe devices: a push is lost while the device enrols, a wrong push magic is
ignored until it has been wrong for 25 h, and a CheckOut is tried once; a wiped device sends none.
"""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.protocols.mdm_push import push_payload

RACE: Final = 0.7
"""Seconds after its TokenUpdate in which a push was seen to be lost."""
REPAIR: Final = 25 * 3600.0
"""Seconds from the first push with a wrong magic to the one that makes the device report its own."""


class Reaction(StrEnum):
    """What a device does on a push, or when it leaves management."""

    LOST = "lost"
    """Nothing: the push did not reach it, or it is not enrolled."""
    IGNORED = "ignored"
    """Nothing: the push magic is wrong."""
    CHECK_IN = "check-in"
    """It calls its MDM server for commands."""
    TOKEN_UPDATE = "token-update"  # noqa: S105 - an event, not a secret
    """It reports its token and push magic, and calls for commands."""
    CHECK_OUT = "check-out"
    """It reports that it leaves management, once: nothing repeats the report when it is lost."""


class ManagedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is enrolled.

    :param enrolled_at: when its TokenUpdate reached the MDM server, Unix seconds, as all times.
    :param listens_after: seconds from then until pushes reach it.
    :param mismatch_at: when the first push with a wrong magic came, since the last one with the right one.
    :param is_enrolled: False after it was unenrolled or wiped.
    """

    topic: str
    token: bytes
    push_magic: str
    enrolled_at: float
    listens_after: float = RACE
    mismatch_at: float | None = None
    is_enrolled: bool = True

    def pushed(self, topic: str, token: bytes, payload: bytes, at: float) -> "tuple[ManagedDevice, Reaction]":
        """The device after a push, and what it does."""
        is_reached = self.is_enrolled and (topic, token) == (self.topic, self.token)
        if not is_reached or at - self.enrolled_at < self.listens_after:
            return self, Reaction.LOST
        if payload == push_payload(self.push_magic):
            return replace(self, mismatch_at=None), Reaction.CHECK_IN
        if self.mismatch_at is None:
            return replace(self, mismatch_at=at), Reaction.IGNORED
        return self, Reaction.TOKEN_UPDATE if at - self.mismatch_at >= REPAIR else Reaction.IGNORED

    def enrolled(self, push_magic: str, at: float) -> "ManagedDevice":
        """The device after it enrolled anew: the push magic is another, the token stays."""
        return replace(self, push_magic=push_magic, enrolled_at=at, mismatch_at=None, is_enrolled=True)

    def unenrolled(self) -> "tuple[ManagedDevice, Reaction]":
        """The device after it left management, and what it does: it reports that, when it was enrolled."""
        return self.wiped(), Reaction.CHECK_OUT if self.is_enrolled else Reaction.LOST

    def wiped(self) -> "ManagedDevice":
        """The device after it was wiped, which it does not report."""
        return replace(self, is_enrolled=False)
