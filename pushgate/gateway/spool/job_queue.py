"""Jobs of the spool's thread, gathered for one commit."""

import contextlib
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

GATHER: Final = 0.02
"""Seconds between two commits that have outcomes and dead tokens only: what comes sooner after such a commit
shares the next one, which is the longest that a sink or a caller waits for this. With one notification in a
hundred refused there would be a commit in each turn of the reactor, at 1.6 ms of CPU each."""

J = TypeVar("J")


class JobQueue(Generic[J]):
    """From the reactor's thread to the spool's.

    :param is_urgent: whether a job is committed at once, with all others that are there.
    """

    def __init__(self, is_urgent: Callable[[J], bool]) -> None:
        self._is_urgent = is_urgent
        self._jobs: SimpleQueue[J] = SimpleQueue()
        self._last = float("-inf")  # when jobs without an urgent one were taken last

    def put(self, job: J) -> None:
        """Add a job."""
        self._jobs.put(job)

    def gather(self, timeout: float | None) -> list[J]:
        """Wait for a job, then take all there are, those of the next `GATHER` seconds too if none is urgent.

        :param timeout: seconds after which there may be none; None to wait for ever.
        """
        jobs: list[J] = []
        with contextlib.suppress(Empty):
            jobs.append(self._jobs.get(timeout=timeout))
            self._take(jobs)
            while not any(map(self._is_urgent, jobs)):
                jobs.append(self._jobs.get(timeout=max(0.0, self._last + GATHER - time.monotonic())))
                self._take(jobs)
        if jobs and not any(map(self._is_urgent, jobs)):
            self._last = time.monotonic()
        return jobs

    def _take(self, jobs: list[J]) -> None:
        """Take what is there."""
        with contextlib.suppress(Empty):
            while True:
                jobs.append(self._jobs.get_nowait())
