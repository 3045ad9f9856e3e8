"""One thread for whatever blocks in a sink: a slow disk stops nothing else, and all is done in order."""

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

_T = TypeVar("_T")


class WorkerThread:
    """Does what it is given, one after the other."""

    def __init__(self, name: str, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(1, 1, name)
        self._pool.threadFactory = _DaemonThread

    def start(self) -> None:
        """Begin."""
        self._pool.start()

    def do(self, what: Callable[..., _T], *arguments: Any) -> Deferred[_T]:
        """Call `what`; fires with what it returns."""
        done: Deferred[_T] = deferToThreadPool(self._reactor, self._pool, what, *arguments)
        return done

    def post(self, what: Callable[..., object], *arguments: Any) -> None:
        """Call `what`; nothing waits for it."""
        self._pool.callInThread(what, *arguments)

    def end(self, last: Callable[..., object], *arguments: Any) -> Deferred[None]:
        """Call `last` after all that was given, then end; fires when that is done."""
        return self.do(last, *arguments).addBoth(self._join)

    def _join(self, result: Any) -> Any:
        self._pool.stop()
        return result


class _DaemonThread(Thread):
    """Does not keep the process alive when something else stopped the start and the sink is never stopped."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, daemon=True, **named)
