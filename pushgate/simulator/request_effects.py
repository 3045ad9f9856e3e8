"""The effects of rules on requests over HTTP/2: what is entered as received, and what the connection does."""

from collections.abc import Callable
from functools import partial, singledispatchmethod
from typing import Any, Protocol

import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.fault_plan import FaultPlan
from pushgate.simulator.provider_answer import ProviderAnswer
from pushgate.simulator.provider_service import ProviderService
from pushgate.simulator.request_rules import (
    Answer,
    Drop,
    GoAway,
    LimitStreams,
    Raw,
    ResetStream,
    Silence,
    Slow,
    StopReading,
)


class RuledConnection(Protocol):
    """The connection, as effects use it; see `ProviderConnection`.

    :ivar highest: the highest stream that was decided.
    """

    highest: int

    def reply(self, head: RequestHead, answer: ProviderAnswer, body: str | None = None) -> None: ...
    def reset(self, stream: int, code: int, delay: float) -> None: ...
    def go_away(self, last: int, code: int, debug: bytes) -> None: ...
    def limit_streams(self, streams: int) -> None: ...
    def end(self, plan: FaultPlan) -> None: ...
    def stop_reading(self, seconds: float) -> None: ...
    def send_raw(self, data: bytes) -> None: ...
    def later(self, seconds: float, call: Callable[[], Any]) -> None: ...


class Decided(msgspec.Struct, frozen=True):
    """A complete request, and what the service answers by itself."""

    head: RequestHead
    answer: ProviderAnswer


class RequestEffects:
    """What rules do on one connection."""

    def __init__(self, service: ProviderService, connection: RuledConnection) -> None:
        self._service, self._connection = service, connection

    @singledispatchmethod
    def begin(self, rule: object) -> None:
        """Do what a rule wants of the connection, after a request, or as soon as the connection is up.

        Rules about requests alone want nothing of it.
        """

    @begin.register
    def _(self, rule: GoAway) -> None:
        debug = rule.debug if rule.reason is None else msgspec.json.encode({"reason": rule.reason})
        last = self._connection.highest if rule.last_stream is None else rule.last_stream
        self._connection.go_away(last, rule.code, debug)

    @begin.register
    def _(self, rule: LimitStreams) -> None:
        self._connection.limit_streams(rule.streams)

    @begin.register
    def _(self, rule: Drop) -> None:
        self._connection.end(FaultPlan(delay=rule.delay, end=rule.end))

    @begin.register
    def _(self, rule: StopReading) -> None:
        self._connection.stop_reading(rule.duration)

    @begin.register
    def _(self, rule: Raw) -> None:
        self._connection.send_raw(rule.data * rule.count)

    @singledispatchmethod
    def act(self, rule: object, decided: Decided) -> None:
        """Do what a rule wants of a request. `Pass` has done its work: answer as usual."""
        self.answer_as_usual(decided)

    @act.register(LimitStreams | StopReading | Raw)
    def _(self, rule: LimitStreams | StopReading | Raw, decided: Decided) -> None:
        self.answer_as_usual(decided)
        self.begin(rule)

    @act.register
    def _(self, rule: Answer, decided: Decided) -> None:
        accepted = rule.status == 200 if rule.accepted is None else rule.accepted
        answer = self._scripted(rule, decided.answer)
        if accepted or rule.status < 300:
            self._service.enter_unanswered(decided.answer, accepted)
        else:
            self._service.enter_refused(answer)
        self._reply_later(rule.delay, decided.head, answer, rule.body)

    @act.register
    def _(self, rule: Slow, decided: Decided) -> None:
        self._service.enter(decided.answer)
        self._reply_later(rule.delay, decided.head, decided.answer)

    @act.register
    def _(self, rule: Silence, decided: Decided) -> None:
        self._service.enter_unanswered(decided.answer, rule.accepted)

    @act.register
    def _(self, rule: ResetStream, decided: Decided) -> None:
        self._service.enter_unanswered(decided.answer, rule.accepted)
        self._connection.reset(decided.head.stream, rule.code, rule.delay)

    @act.register
    def _(self, rule: GoAway, decided: Decided) -> None:
        stream, connection = decided.head.stream, self._connection
        if rule.accepted or stream < connection.highest:
            self.answer_as_usual(decided)
            connection.highest = max(connection.highest, stream)
        else:
            self._service.enter_unanswered(decided.answer, False)
        self.begin(rule)

    @act.register
    def _(self, rule: Drop, decided: Decided) -> None:
        if rule.answered:
            self.answer_as_usual(decided)
        else:
            self._service.enter_unanswered(decided.answer, rule.accepted)
        self.begin(rule)

    def answer_as_usual(self, decided: Decided) -> None:
        """Enter and send the service's own answer."""
        self._service.enter(decided.answer)
        self._connection.reply(decided.head, decided.answer)

    def _reply_later(
        self, seconds: float, head: RequestHead, answer: ProviderAnswer, body: str | None = None
    ) -> None:
        self._connection.later(seconds, partial(self._connection.reply, head, answer, body))

    def _scripted(self, rule: Answer, answer: ProviderAnswer) -> ProviderAnswer:
        """The answer that a rule wants."""
        timestamp = rule.timestamp
        if timestamp is None and rule.status == 410:
            timestamp = int(self._service.wall() * 1000)
        headers = answer.headers if rule.status < 300 else ()
        return ProviderAnswer(
            status=rule.status, reason=rule.words, timestamp=timestamp, headers=headers, counts=answer.counts
        )
