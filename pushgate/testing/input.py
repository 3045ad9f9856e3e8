"""A fake input, for tests of the code that calls inputs."""

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pushgate.plugin.input_interface import IInput


@implementer(IInput)
class RecordingInput:
    """An input without callers.

    :ivar history: the names of the methods that were called, in order.
    :ivar error: the failure of `start` and `stop` while it is set.
    :ivar holding: while true, the Deferreds of `start` and `stop` wait for `release`.
    """

    def __init__(self) -> None:
        self.history: list[str] = []
        self.error: Exception | None = None
        self.holding = False
        self._held: list[Deferred[None]] = []

    def start(self) -> Deferred[None]:
        return self._called("start")

    def stop(self) -> Deferred[None]:
        return self._called("stop")

    def addresses(self) -> list[str]:
        return ["tcp 127.0.0.1:7215"]

    def release(self) -> None:
        """Fire the Deferred that has been held longest."""
        self._held.pop(0).callback(None)

    def _called(self, method: str) -> Deferred[None]:
        self.history.append(method)
        if self.error is not None:
            return fail(self.error)
        if not self.holding:
            return succeed(None)
        self._held.append(Deferred(self._held.remove))
        return self._held[-1]
