"""When the silence of a connection means something."""


class ListeningGap:
    """Knows of times in which nobody listened: the process was stopped or held up, or its machine was.

    What came meanwhile waits to be read, so that silence has to last anew.

    :param interval: seconds between two calls of `means` when all is well.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._last, self._since = 0.0, float("-inf")

    def begin(self, now: float) -> None:
        """Somebody listens from now on."""
        self._last = now

    def means(self, timeout: float, now: float) -> bool:
        """Whether who was silent for `timeout` seconds before `now` was listened to."""
        late = now - self._last - self._interval
        if late > timeout / 2:
            self._since = now
        self._last = now
        return now - self._since >= timeout
