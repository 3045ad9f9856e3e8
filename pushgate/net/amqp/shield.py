"""Waiting for pika without touching what it waits on."""

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def shielded(inner: Deferred[T]) -> Deferred[T]:
    """Fires as `inner` does; cancelled, it leaves `inner` alone, whose result is then dropped.

    Whatever pika returns is waited for with this: it keeps every Deferred until it has fired it, and trips
    over one that was cancelled.
    """
    outer: Deferred[T] = Deferred()

    def fire(result: T | Failure) -> None:
        if not outer.called:
            outer.callback(result)

    inner.addBoth(fire)
    return outer
