"""Which apps have room in their queues: one that was found full is watched until it has some again."""

from collections.abc import Callable
from functools import partial

from twisted.internet.interfaces import IReactorTime

from pushgate.plugin.gateway_interface import IGateway


class AppRoom:
    """Remembers which apps are full, so that nothing is begun for them.

    :param relieved: called when one has room again.
    :param retry: seconds until an app that refused something, though it was not nearly full, is tried again.
    :param patience: seconds for which the word of a full app is waited for, before it is asked again.
    """

    def __init__(
        self,
        gateway: IGateway,
        clock: IReactorTime,
        relieved: Callable[[], None],
        retry: float,
        patience: float,
    ) -> None:
        self._gateway, self._clock, self._relieved = gateway, clock, relieved
        self._retry, self._patience = retry, patience
        self._full: dict[str, tuple[float, Callable[[], None]]] = {}

    def has_room(self, app: str) -> bool:
        """Whether an app has room."""
        if app in self._full:
            since, cancel = self._full[app]
            if self._clock.seconds() - since < self._patience:
                return False
            del self._full[app]
            cancel()
        cancelling = self._gateway.pressed(app, partial(self._relieve, app))
        if cancelling is not None:
            self._full[app] = self._clock.seconds(), cancelling
        return cancelling is None

    def refused(self, app: str) -> None:
        """Note that an app had no room just now."""
        if self.has_room(app):
            again = self._clock.callLater(self._retry, self._relieve, app)
            self._full[app] = self._clock.seconds(), again.cancel

    def stop(self) -> None:
        """Watch none any more."""
        for _, cancel in self._full.values():
            cancel()
        self._full.clear()

    def _relieve(self, app: str) -> None:
        if self._full.pop(app, None) is not None:
            self._relieved()
