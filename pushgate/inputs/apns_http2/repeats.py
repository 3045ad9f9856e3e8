"""Requests that are repeated: with an ``apns-id`` that came before."""

from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from pushgate.inputs.apns_http2.apns_ids import ApnsIds
from pushgate.inputs.apns_http2.group import Push
from pushgate.inputs.apns_http2.pushes import Pushes
from pushgate.inputs.apns_http2.stream import PushStream
from pushgate.model.errors import NotFound
from pushgate.model.outcome import Outcome, State
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.apns_http2.from_outcome import SUCCESS, UNAVAILABLE, may_be_repeated
from pushgate.protocols.apns_http2.push_request import refusal

ASK: Final = 1.0
"""Seconds between two questions about a notification that is on its way."""
_ON_ITS_WAY: Final = {State.QUEUED, State.WRITTEN}


class Repeats:
    """Gives requests that are repeated the answer of the first one.

    :param follows: that is what became of it, not that it is accepted.
    :param timeout: seconds that a request waits for an outcome.
    """

    def __init__(
        self,
        ids: ApnsIds,
        pushes: Pushes,
        gateway: IGateway,
        clock: IReactorTime,
        follows: bool,
        timeout: float,
    ) -> None:
        self._ids, self._pushes, self._gateway, self._clock = ids, pushes, gateway, clock
        self._follows, self._timeout = follows, timeout

    def answers(self, stream: PushStream, push: Push) -> bool:
        """Whether a request is one that came before, and is answered as that.

        :param push: with an ``apns-id``.
        :raises Refused: the same id came before with other content.
        """
        assert push.given is not None
        pending = self._ids.pending.get(push.given.key)
        found = pending or self._ids.find(push.given)
        if found is None:
            return False
        if found[0] != push.given.digest:
            raise refusal(400, "BadMessageId")
        if pending is not None:
            pending[1].also.append(stream)
        elif not self._follows:
            stream.reply(SUCCESS, found[1])
        else:
            recalling = Deferred.fromCoroutine(self._recall(stream, push, found[1]))
            recalling.addErrback(stream.fail)
        return True

    async def _recall(self, stream: PushStream, push: Push, number: int) -> None:
        """Answer with the outcome of a notification that was submitted before, once it is final."""
        until = self._clock.seconds() + self._timeout
        ask: Any = self._gateway.status
        while not stream.gone:
            try:
                outcome: Outcome = await maybeDeferred(ask, number)
            except NotFound:  # it was accepted, and that is all that is known by now
                stream.reply(SUCCESS, number)
                return
            if outcome.state not in _ON_ITS_WAY:
                self._tell(stream, push, number, outcome)
                return
            if self._clock.seconds() >= until:
                stream.reply(UNAVAILABLE, number)
                return
            await deferLater(self._clock, ASK)

    def _tell(self, stream: PushStream, push: Push, number: int, outcome: Outcome) -> None:
        """Answer with an outcome; with one that says so, try again."""
        answer, timestamp = self._pushes.answer_for(outcome, push.token)
        if may_be_repeated(outcome.state, answer):
            assert push.given is not None
            self._ids.forget(push.given)
            self._pushes.add(stream, push)
        else:
            stream.reply(answer, number, timestamp)
