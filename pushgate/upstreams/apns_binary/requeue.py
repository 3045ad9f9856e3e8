"""Steps noted on notifications that are requeued when their connection ends."""

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Event, Step
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.status import reason
from pushgate.upstreams.common.circuit_breaker import Cause


def noted(ending: Ending, cause: Cause | None, at: float, connection: int) -> list[BatchSlice]:
    """Return what is to be sent again, each with the reason.

    :param cause: why the connection ended, if TLS said so.
    :param at: Unix seconds.
    """
    text = "" if ending.status is None else reason(ending.status)
    if ending.end is End.UNTOLD:
        back = Step(Event.LOST, at, connection, text or cause or "ConnectionLost")
    else:
        back = Step(Event.DISCARDED, at, connection, text)
    refused = Step(Event.REFUSED, at, connection, text)
    return [
        span.noted(refused if index < ending.refused else back) for index, span in enumerate(ending.requeue)
    ]
