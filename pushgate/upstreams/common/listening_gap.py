"""Times in which the process did not listen, so that the silence of a connection means nothing."""


class ListeningGap:
    """Detects that the process was stopped or held up, or its machine was.

    What came meanwhile waits to be read, so that silence has to last anew.

    :param interval: seconds between two calls of `means` when all is well.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._last, self._since = 0.0, float("-inf")

    def begin(self, now: float) -> None:
        """Listen from now on."""
        self._last = now

    def means(self, timeout: float, now: float) -> bool:
        """Return True if the process listened during the `timeout` seconds before `now`."""
        late = now - self._last - self._interval
        if late > timeout / 2:
            self._since = now
        self._last = now
        return now - self._since >= timeout
