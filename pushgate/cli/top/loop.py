"""Requesting the state of a gateway repeatedly."""

from typing import Any

from twisted.internet.task import deferLater

from pushgate.cli.status.asking import asked
from pushgate.cli.top.display import Display, Look
from pushgate.cli.top.samples import Samples
from pushgate.client import Client
from pushgate.model.errors import FateUnknown, ShuttingDown, Unreachable


async def refresh(
    gateway: Client, display: Display, reactor: Any, interval: float, count: int | None
) -> None:
    """Show the state of a gateway `count` times, or for ever.

    If the gateway restarts or does not answer, it is asked again. There is one request at a time.

    :param reactor: provides IReactorTime.
    :param interval: seconds from one request to the next.
    :raises PushgateError: the gateway refuses the request.
    """
    samples, shown = Samples(), 0
    while True:
        began = reactor.seconds()
        try:
            answer, stats = await asked(gateway)
        except (FateUnknown, ShuttingDown, Unreachable) as error:
            display.lost(str(error))
        else:
            samples.add(stats, reactor.seconds())
            display.show(Look(answer, stats, samples))
            shown += 1
        if shown == count:
            return
        took = reactor.seconds() - began
        await deferLater(reactor, max(interval - took, interval / 2))
