"""The error boundary around an upstream that runs."""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pushgate.model.log_throttle import LogThrottle
from pushgate.model.metrics import Metrics


class Bulkhead:
    """Contains what one app's upstream raises: it is counted, and logged with its traceback, throttled."""

    log = Logger()

    def __init__(self, app: str, clock: IReactorTime, metrics: Metrics) -> None:
        self._app, self._clock, self._metrics, self._throttle = app, clock, metrics, LogThrottle()

    def call(self, method: str, function: Callable[[], Any]) -> Any:
        """Return what `function` returns; None when it raises."""
        try:
            return function()
        except Exception:  # noqa: BLE001 - a plug-in's code; it is logged and counted
            self._metrics.count("pushgate_upstream_errors_total", self._app)
            if count := self._throttle.happened(self._clock.seconds()):
                self.log.failure(
                    "app {app}: {method} of its upstream raised; failures since the last such line: {count}",
                    app=self._app,
                    method=method,
                    count=count,
                )
            return None
