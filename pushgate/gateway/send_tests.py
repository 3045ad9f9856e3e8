"""Test sends: few devices, few a minute for each app, and an answer that waits for the outcomes."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime

from pushgate.gateway.outcome_sources import member
from pushgate.model.errors import NotFound, Refusal, TooLarge, TooOften
from pushgate.model.notification import Submission
from pushgate.model.outcome import Outcome, State
from pushgate.model.send_test import MOST_A_MINUTE, MOST_DEVICES, PATIENCE, SendTestResult, TriedDevice
from pushgate.plugin.gateway_interface import Receipt, Settled

MINUTE: Final = 60.0
"""Seconds."""
_PENDING: Final = (State.QUEUED, State.WRITTEN)
Submit = Callable[[Submission, str, Settled | None], "Deferred[Receipt]"]
"""`IGateway.submit`."""
Status = Callable[[int], "Outcome | Deferred[Outcome]"]
"""`IGateway.status`."""


class _Wait:
    """The outcomes of one test send as they come, each with the second at which it did."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock, self.began = clock, clock.seconds()
        self.known: dict[int, tuple[Outcome, float]] = {}
        self._expected: set[int] | None = None
        self.done: Deferred[None] = Deferred()

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Take outcomes; possibly before it is known which are expected."""
        after = self._clock.seconds() - self.began
        for outcome in outcomes:
            for index in range(outcome.span.start, outcome.span.stop):
                self.known[index] = member(outcome, index), after
        self._look()

    def expect(self, members: set[int]) -> None:
        """Wait for the outcomes of these members."""
        self._expected = members
        self._look()

    def end(self) -> None:
        """Wait no longer."""
        if not self.done.called:
            self.done.callback(None)

    def _look(self) -> None:
        if self._expected is not None and self._expected <= self.known.keys():
            self.end()


class SendTests:
    """The test sends of all apps. A refused one does not count.

    :param clock: monotonic: the rate and the times that outcomes took are by it.
    """

    def __init__(self, clock: IReactorTime, submit: Submit, status: Status) -> None:
        self._clock, self._submit, self._status = clock, submit, status
        self._recent: dict[str, deque[float]] = {}
        self._waits: set[_Wait] = set()
        self._stopped = False

    def check(self, submission: Submission) -> None:
        """Check that there may be such a test send now, of an app that is configured.

        :raises TooLarge: it is to too many devices.
        :raises TooOften: the app had too many in the last minute.
        """
        if len(submission.tokens) > MOST_DEVICES:
            raise TooLarge("tokens of a test send", len(submission.tokens), MOST_DEVICES, "tokens")
        app, now = submission.app, self._clock.seconds()
        recent = self._recent.setdefault(app, deque())
        while recent and recent[0] <= now - MINUTE:
            recent.popleft()
        if len(recent) >= MOST_A_MINUTE:
            raise TooOften(f"test sends of {app}", MOST_A_MINUTE, recent[0] + MINUTE - now)

    async def send(self, submission: Submission, origin: str, patience: float = PATIENCE) -> SendTestResult:
        """See `IGateway.test_send`; it was checked just now."""
        wait = _Wait(self._clock)
        self._recent[submission.app].append(wait.began)
        try:
            receipt = await self._submit(submission, origin, wait.settled)
        except Refusal:
            self._recent[submission.app].remove(wait.began)  # nothing was sent
            raise
        if not receipt.repeated:
            await self._outcomes(wait, receipt, min(patience, PATIENCE))
        return await self._result(wait, receipt)

    def stop(self) -> None:
        """Answer what waits, since nothing more will come."""
        self._stopped = True
        for wait in list(self._waits):
            wait.end()

    async def _outcomes(self, wait: _Wait, receipt: Receipt, patience: float) -> None:
        wait.expect(_members(receipt))
        if self._stopped:
            return
        self._waits.add(wait)
        timer = self._clock.callLater(patience, wait.end)
        try:
            await wait.done
        finally:
            self._waits.discard(wait)
            if timer.active():
                timer.cancel()

    async def _result(self, wait: _Wait, receipt: Receipt) -> SendTestResult:
        waited = self._clock.seconds() - wait.began
        devices = [await self._device(wait, receipt.id, index) for index in sorted(_members(receipt))]
        return SendTestResult(receipt.id, tuple(devices), receipt.refused, receipt.repeated, waited)

    async def _device(self, wait: _Wait, batch: int, index: int) -> TriedDevice:
        if index in wait.known:
            outcome, seconds = wait.known[index]
            return TriedDevice(index, batch + index, outcome, seconds)
        ask: Callable[[int], Any] = self._status
        try:
            found: Outcome = await maybeDeferred(ask, batch + index)
        except NotFound:
            return TriedDevice(index, batch + index, None, None)
        # Of a repeated one it was there before; else it came while the status was asked for.
        settled = None if found.state in _PENDING else self._clock.seconds() - wait.began
        return TriedDevice(index, batch + index, found, settled)


def _members(receipt: Receipt) -> set[int]:
    """The indices of those that were accepted."""
    return set(range(receipt.count)) - {index for index, _ in receipt.refused}
