"""Plug-ins are strangers' code: what one raises is told with its name, and ends nothing but itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import Interface, Invalid
from zope.interface.verify import verifyObject

from pushgate.model.errors import CannotStart, reason
from pushgate.model.log_throttle import LogThrottle
from pushgate.model.metrics import Metrics

_T = TypeVar("_T")
_log = Logger()


@contextmanager
def error_boundary(what: str) -> Iterator[None]:
    """Where nothing can go on without it: turn what a plug-in raises into a `CannotStart` that names it.

    :param what: which one, and at what: ``"inputs.drop: its start"``.
    """
    try:
        yield
    except (CannotStart, CancelledError):
        raise
    except (Exception, SystemExit) as error:
        _log.failure("{what} raised", what=what)  # the traceback, which the one line does not have
        raise CannotStart([f"{what} raised {reason(error)}"]) from error


def checked(part: _T, interface: type[Interface], what: str) -> _T:
    """What a factory made, if it is what it must be.

    :raises CannotStart: it is something else.
    """
    try:
        verifyObject(interface, part)
    except Invalid as error:
        raise CannotStart([f"{what} made something else: {' '.join(str(error).split())}"]) from None
    return part


class Bulkhead:
    """Around one app's upstream: it may fail, and whoever called it goes on.

    What it raises is counted, and logged with its traceback, at most once in a while.
    """

    log = Logger()

    def __init__(self, app: str, clock: IReactorTime, metrics: Metrics) -> None:
        self._app, self._clock, self._metrics, self._trouble = app, clock, metrics, LogThrottle()

    def call(self, method: str, function: Callable[[], Any]) -> Any:
        """What `function` returns; None when it raises."""
        try:
            return function()
        except Exception:  # noqa: BLE001 - a stranger's code; it is logged and counted
            self._metrics.count("pushgate_upstream_errors_total", self._app)
            if count := self._trouble.happened(self._clock.seconds()):
                self.log.failure(
                    "app {app}: {method} of its upstream raised; {count} failures since the last such line",
                    app=self._app,
                    method=method,
                    count=count,
                )
            return None
