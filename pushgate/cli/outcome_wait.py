"""Waiting for the outcome of one notification."""

from typing import TYPE_CHECKING, Any

from pushgate.model.errors import Forbidden, PushgateError

if TYPE_CHECKING:
    from pushgate.client import Client, Record


async def seen(reactor: Any, gateway: "Client", number: str, wait: float) -> "tuple[Record | None, str]":
    """A notification's outcome, or where it is when the time is over, with a remark: why there is none.

    :param wait: seconds; 0 does not ask, and there is no record.
    """
    from pushgate.cli.outcome_format import ON_ITS_WAY

    try:
        record = await _outcome(reactor, gateway, number, wait)
    except Forbidden as error:
        return None, f"accepted; what becomes of it may not be read: {error}"
    if record is None or record.state not in ON_ITS_WAY:
        return record, ""
    return record, f"no outcome after {wait:g} s{await _circuit(gateway, record.app)}"


async def _circuit(gateway: "Client", app: str) -> str:
    """What holds an app's notifications up, if the gateway knows."""
    try:
        circuit = (await gateway.stats())["apps"][app]["circuit"]
    except (PushgateError, KeyError):
        return ""
    if not circuit["cause"]:
        return ""
    is_open = ", and its circuit is open" if circuit["open"] else ""
    return f"; the last connection of {app} failed: {circuit['cause']}{is_open}"


async def _outcome(reactor: Any, gateway: "Client", number: str, wait: float) -> "Record | None":
    from twisted.internet.task import deferLater

    from pushgate.cli.outcome_format import ON_ITS_WAY

    if not wait:
        return None
    deadline, pause = reactor.seconds() + wait, 0.05
    while True:
        record = await gateway.status(number)
        left = deadline - reactor.seconds()
        if record.state not in ON_ITS_WAY or left <= 0:
            return record
        await deferLater(reactor, min(pause, left))
        pause = min(1.0, pause * 1.5)
