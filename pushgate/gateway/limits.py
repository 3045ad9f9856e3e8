"""What bounds the gateway."""

from typing import Final

import msgspec

HELD: Final = 32_000_000
"""Bytes of batches of one priority in memory; what is accepted beyond them waits in the spool."""
FEW: Final = 10_000
"""Notifications waiting below which more is brought in anyway: what is in flight may fill the bound alone."""


class Limits(msgspec.Struct, frozen=True):
    """What bounds the gateway.

    :param expiry: seconds a notification waits at most for a push service that cannot be reached.
    :param queue: notifications waiting at most, for each app.
    :param held: bytes of waiting batches in memory, for each app and priority; the spool has the rest.
    :param few: notifications waiting in memory below which more are brought in, whatever is held.
    """

    expiry: float = 1800.0
    queue: int = 1_000_000
    held: int = HELD
    few: int = FEW
