"""Warnings that a certificate is about to expire, while there is time to renew it."""

from datetime import UTC, datetime
from typing import Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from pushgate.plugin.context import Context

INTERVAL: Final = 600.0
"""Seconds between two checks of the wall clock."""
DAY: Final = 86400.0
"""Seconds."""
NOTICE: Final = (0, 1, 7, 30)
"""Days before the end at which a warning is logged, once each; 0 is the end."""


class ExpiryNotice:
    """Warns in the log, at the start too when less is left.

    :param expires: Unix seconds when the certificate's validity ends.
    """

    log = Logger()

    def __init__(self, app: str, expires: float, context: Context) -> None:
        self._app, self._expires, self._wall = app, expires, context.wall
        self._warned: int | None = None
        self._loop = LoopingCall(self._check)
        self._loop.clock = context.reactor

    def start(self) -> None:
        """Check now, and every `INTERVAL`."""
        self._loop.start(INTERVAL)

    def stop(self) -> None:
        """Check no more; harmless when stopped."""
        if self._loop.running:
            self._loop.stop()

    def _check(self) -> None:
        left = (self._expires - self._wall()) / DAY
        due = next((days for days in NOTICE if left <= days), None)
        if due is not None and (self._warned is None or due < self._warned):
            self._warned = due
            self._warn(left)

    def _warn(self, left: float) -> None:
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
