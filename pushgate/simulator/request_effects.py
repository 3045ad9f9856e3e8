"""The effects of rules on requests: what is entered as received, and what the connection does."""

from collections.abc import Callable
from functools import partial, singledispatchmethod
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.fault_plan import FaultPlan
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


class RuledAnswer(Protocol):
    """A service's answer, as effects look at it."""

    @property
    def succeeds(self) -> bool:
        """It says that the notification is accepted."""

    @property
    def refuses(self) -> bool:
        """It says that the notification is refused."""


A = TypeVar("A", bound=RuledAnswer)
_Taken = TypeVar("_Taken", bound=RuledAnswer, contravariant=True)


class RuledService(Protocol[A]):
    """The record of a service, as effects use it."""

    def scripted(self, rule: Answer, answer: A) -> A:
        """The answer that a rule wants.

        :param answer: of the service by itself.
        """

    def enter(self, answer: A) -> None:
        """Enter in the record what an answer accepts or refuses."""

    def enter_refused(self, answer: A) -> None:
        """Enter what an answer refuses."""

    def enter_unanswered(self, answer: A, accepted: bool) -> None:
        """Enter what does not get this answer.

        :param accepted: it is accepted nevertheless, if the answer would accept it.
        """


class RuledConnection(Protocol[_Taken]):
    """The connection, as effects use it; see `RequestConnection`.

    :ivar highest: the highest stream that was decided.
    """

    highest: int

    def reply(self, head: RequestHead, answer: _Taken, body: str | None = None) -> None: ...
    def reset(self, stream: int, code: int, delay: float) -> None: ...
    def go_away(self, last: int, code: int, debug: bytes) -> None: ...
    def limit_streams(self, streams: int) -> None: ...
    def end(self, plan: FaultPlan) -> None: ...
    def stop_reading(self, seconds: float) -> None: ...
    def send_raw(self, data: bytes) -> None: ...
    def later(self, seconds: float, call: Callable[[], Any]) -> None: ...


class Decided(msgspec.Struct, Generic[A], frozen=True):
    """A complete request, and what the service answers by itself."""

    head: RequestHead
    answer: A


class RequestEffects(Generic[A]):
    """What rules do on one connection."""

    def __init__(self, service: RuledService[A], connection: RuledConnection[A]) -> None:
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
    def act(self, rule: object, decided: Decided[A]) -> None:
        """Do what a rule wants of a request. `Pass` has done its work: answer as usual."""
        self.answer_as_usual(decided)

    @act.register(LimitStreams | StopReading | Raw)
    def _(self, rule: LimitStreams | StopReading | Raw, decided: Decided[A]) -> None:
        self.answer_as_usual(decided)
        self.begin(rule)

    @act.register
    def _(self, rule: Answer, decided: Decided[A]) -> None:
        answer = self._service.scripted(rule, decided.answer)
        accepted = answer.succeeds if rule.accepted is None else rule.accepted
        if accepted or not answer.refuses:
            self._service.enter_unanswered(decided.answer, accepted)
        else:
            self._service.enter_refused(answer)
        self._reply_later(rule.delay, decided.head, answer, rule.body)

    @act.register
    def _(self, rule: Slow, decided: Decided[A]) -> None:
        self._service.enter(decided.answer)
        self._reply_later(rule.delay, decided.head, decided.answer)

    @act.register
    def _(self, rule: Silence, decided: Decided[A]) -> None:
        self._service.enter_unanswered(decided.answer, rule.accepted)

    @act.register
    def _(self, rule: ResetStream, decided: Decided[A]) -> None:
        self._service.enter_unanswered(decided.answer, rule.accepted)
        self._connection.reset(decided.head.stream, rule.code, rule.delay)

    @act.register
    def _(self, rule: GoAway, decided: Decided[A]) -> None:
        stream, connection = decided.head.stream, self._connection
        if rule.accepted or stream < connection.highest:
            self.answer_as_usual(decided)
            connection.highest = max(connection.highest, stream)
        else:
            self._service.enter_unanswered(decided.answer, False)
        self.begin(rule)

    @act.register
    def _(self, rule: Drop, decided: Decided[A]) -> None:
        if rule.answered:
            self.answer_as_usual(decided)
        else:
            self._service.enter_unanswered(decided.answer, rule.accepted)
        self.begin(rule)

    def answer_as_usual(self, decided: Decided[A]) -> None:
        """Enter and send the service's own answer."""
        self._service.enter(decided.answer)
        self._connection.reply(decided.head, decided.answer)

    def _reply_later(self, seconds: float, head: RequestHead, answer: A, body: str | None = None) -> None:
        self._connection.later(seconds, partial(self._connection.reply, head, answer, body))
