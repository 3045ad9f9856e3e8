"""Looking at a gateway again and again."""

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
    """Show how a gateway is doing until that was done `count` times, or for ever.

    One that restarts, or does not answer for a while, is asked again; nothing is asked before the answer
    before it has come.

    :param reactor: provides IReactorTime.
    :param interval: seconds from one question to the next.
    :raises PushgateError: it refuses.
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
