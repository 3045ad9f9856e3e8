"""Waiting for Deferreds of pika without cancelling them."""

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def shielded(inner: Deferred[T]) -> Deferred[T]:
    """Fires as `inner` does; cancelled, it leaves `inner` alone, whose result is then dropped.

    Every Deferred of pika is waited for with this: pika keeps it until it has fired it, and fails at one that
    was cancelled.
    """
    outer: Deferred[T] = Deferred()

    def fire(result: T | Failure) -> None:
        if not outer.called:
            outer.callback(result)

    inner.addBoth(fire)
    return outer
