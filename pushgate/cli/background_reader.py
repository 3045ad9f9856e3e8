"""Reading what may take its time, beside the reactor."""

from collections.abc import Iterator
from threading import Thread
from typing import Any, Final, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

_T = TypeVar("_T")
_END: Final[Any] = object()


class BackgroundReader(Generic[_T]):
    """Takes items of an iterator in a thread, which does not hold up the end of the process.

    A pipe may say nothing for ever: in a thread of the reactor's pool the end would wait for it.
    """

    def __init__(self, reactor: Any, items: Iterator[_T]) -> None:
        self._reactor, self._items = reactor, items

    def next(self) -> "Deferred[_T | None]":
        """The next item, None at the end; fails with what the iterator raises. One at a time."""
        read: Deferred[_T | None] = Deferred()
        Thread(target=self._read, args=(read,), daemon=True).start()
        return read

    def _read(self, read: "Deferred[_T | None]") -> None:
        try:
            found = next(self._items, _END)
        except Exception:  # noqa: BLE001 - the caller that waits gets it, whatever it is
            self._reactor.callFromThread(_fire, read, Failure())
        else:
            self._reactor.callFromThread(_fire, read, None if found is _END else found)


def _fire(read: "Deferred[Any]", result: Any) -> None:
    """Fire, unless the wait was cancelled."""
    if not read.called:
        read.callback(result)
