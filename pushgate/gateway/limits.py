"""What bounds the gateway."""

import msgspec

from pushgate.gateway.queue.backlog import FEW, HELD


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
