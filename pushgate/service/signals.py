"""Signals of the process, handled in the reactor."""

import signal
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

END = (signal.SIGTERM, signal.SIGINT)
"""The signals that end the process."""

_Handler = Callable[[int, FrameType | None], object]


def on_signals(reactor: Any, act: Callable[[], None], *signals: signal.Signals) -> None:
    """Call `act` in a turn of the reactor for each of these signals.

    :param reactor: provides IReactorFromThreads.
    """
    for each in signals:
        signal.signal(each, lambda *_: reactor.callFromThread(act))


def end_once() -> None:
    """Pass on the first of several signals to end that come at once; Twisted fails at the second.

    To be called when the reactor runs, which is when it has installed its handlers.
    """
    ended = False

    def end(handler: _Handler, number: int, frame: FrameType | None) -> None:
        nonlocal ended
        if not ended:
            ended = True
            handler(number, frame)

    for each in END:
        handler = signal.getsignal(each)
        if callable(handler):
            signal.signal(each, partial(end, handler))
