"""A certificate that is about to expire is told of while there is time to renew it."""

from datetime import UTC, datetime
from typing import Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from pushgate.plugin.interfaces import Context

INTERVAL: Final = 600.0
"""Seconds between two looks at the clock on the wall."""
DAY: Final = 86400.0
"""Seconds."""
NOTICE: Final = (0, 1, 7, 30)
"""Days before the end at which it is told, once each; 0 is the end."""


class ExpiryNotice:
    """Warns in the log, at the start too when less is left.

    :param expires: Unix seconds when the certificate's validity ends.
    """

    log = Logger()

    def __init__(self, app: str, expires: float, context: Context) -> None:
        self._app, self._expires, self._wall = app, expires, context.wall
        self._told: int | None = None
        self._loop = LoopingCall(self._look)
        self._loop.clock = context.reactor

    def start(self) -> None:
        """Look now, and from time to time."""
        self._loop.start(INTERVAL)

    def stop(self) -> None:
        """Look no more; harmless when that was said."""
        if self._loop.running:
            self._loop.stop()

    def _look(self) -> None:
        left = (self._expires - self._wall()) / DAY
        due = next((days for days in NOTICE if left <= days), None)
        if due is not None and (self._told is None or due < self._told):
            self._told = due
            self._tell(left)

    def _tell(self, left: float) -> None:
        when = f"{datetime.fromtimestamp(self._expires, UTC):%Y-%m-%d %H:%M} UTC"
        if left > 0:
            self.log.warn(
                "{app}: the certificate expires in {days:.1f} days, at {when}: renew it",
                app=self._app, days=left, when=when,
            )  # fmt: skip
        else:
            self.log.critical(
                "{app}: the certificate has expired, at {when}: renew it", app=self._app, when=when
            )
