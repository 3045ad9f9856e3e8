"""Submits requests, those of one turn together, and answers each when its fate is known."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.apns_http2.apns_ids import ApnsIds
from pushgate.inputs.apns_http2.group import Push, PushGroup
from pushgate.inputs.apns_http2.stream import PushStream, answer_to
from pushgate.inputs.common.turns import AT_ONCE
from pushgate.model.errors import Internal, Overloaded, Refusal, ShuttingDown
from pushgate.model.notification import MAX_BATCH, Terms
from pushgate.model.outcome import Outcome
from pushgate.plugin.gateway_interface import IGateway, Receipt
from pushgate.protocols.apns_http2.from_outcome import (
    SHUTDOWN,
    SUCCESS,
    UNAVAILABLE,
    from_outcome,
    may_be_repeated,
)
from pushgate.protocols.http_push.answers import Answer

RETRY: Final = 1.0
"""Seconds until requests for which the gateway had no room are submitted again."""
UNDER_WAY: Final = 4
"""Submissions without a receipt, while which the requests that come are collected into larger ones."""


class Pushes:
    """The requests of one input, from their submission to their answer.

    What the gateway has no room for waits here, in order, and is submitted again until it has: Apple's own
    clients take an answer about overload as a reason to try again at once.

    :param name: the input's.
    :param follows: requests are answered with what became of them, not when they are accepted.
    :param timeout: seconds that a request waits for its outcome; then what was not written is withdrawn, and
        after the same time again it is answered that this is not known.
    :param shut: called when the gateway takes nothing more.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        gateway: IGateway,
        clock: IReactorTime,
        ids: ApnsIds,
        follows: bool,
        timeout: float,
        shut: Callable[[], None],
    ) -> None:
        self._name, self._gateway, self._clock, self._ids = name, gateway, clock, ids
        self._follows, self._timeout, self._shut = follows, timeout, shut
        self._groups: dict[tuple[str, Terms], PushGroup] = {}
        self._turn: IDelayedCall | None = None
        self._submitting: set[PushGroup] = set()
        self._full: dict[str, deque[PushGroup]] = {}
        self._retry: IDelayedCall | None = None
        self._following: set[PushGroup] = set()
        self._due: deque[PushGroup] = deque()
        self._overdue: deque[PushGroup] = deque()

    def add(self, stream: PushStream, push: Push) -> None:
        """Submit a request along with the others of this turn."""
        app, token, payload, terms, given = push
        group = self._groups.get((app, terms))
        if group is None:
            group = self._groups[app, terms] = PushGroup(app, terms)
        group.add(stream, token, payload, given)
        if given is not None:
            self._ids.pending[given.key] = given.digest, stream
        if len(group.streams) == MAX_BATCH:
            self._send(self._groups.pop((app, terms)))
        else:
            self._plan()

    def leave(self, stream: PushStream) -> None:
        """A request has its answer, or wants none: a repetition of it would be another one then."""
        group, stream.group = stream.group, None
        if group is not None:
            given = group.given.get(stream.index)
            if given is not None:
                self._ids.pending.pop(given.key, None)
            group.leave(stream.index)

    def sweep(self) -> None:
        """Called each second: end what waits too long."""
        now = self._clock.seconds()
        late = list(self._late(self._due, now - self._timeout))
        self._overdue.extend(late)
        if late:
            self._gateway.withdraw([group.batch for group in late])
        for group in self._late(self._overdue, now - 2 * self._timeout):
            self._answer_all(group, UNAVAILABLE)

    def stop(self) -> None:
        """Answer all that waits: the gateway shuts down."""
        for timer in (self._turn, self._retry):
            if timer is not None and timer.active():
                timer.cancel()
        waiting = [*self._groups.values(), *(each for full in self._full.values() for each in full)]
        self._groups.clear()
        self._full.clear()
        for group in [*waiting, *self._submitting, *self._following]:
            self._answer_all(group, SHUTDOWN)

    # submitting

    def _plan(self) -> None:
        if self._turn is None and len(self._submitting) < UNDER_WAY:
            self._turn = self._clock.callLater(0, self._flush)

    def _flush(self) -> None:
        """Submit what was collected; of very many groups some in each turn."""
        self._turn = None
        for key in list(islice(self._groups, AT_ONCE)):
            self._send(self._groups.pop(key))
        if self._groups:
            self._plan()

    def _send(self, group: PushGroup) -> None:
        """Submit a group, behind those of its app that found no room."""
        if group.app in self._full:
            self._full[group.app].append(group)
        else:
            self._submit(group)

    def _submit(self, group: PushGroup) -> None:
        self._submitting.add(group)
        group.submitted_at = self._clock.seconds()
        feeding = {stream.connection for stream in group.streams if stream is not None}
        settled = partial(self._settled, group) if self._follows else None
        if self._follows:
            self._following.add(group)
        submitted = maybeDeferred(self._gateway.submit, group.submission(), self._name, settled)
        submitted.addCallbacks(self._accepted, self._refused, callbackArgs=(group,), errbackArgs=(group,))
        submitted.addErrback(lambda failure: self.log.failure("answering a submission", failure))
        for connection in feeding:
            connection.fed(group.app)

    def _answered(self, group: PushGroup) -> None:
        """The gateway has answered a submission."""
        self._submitting.discard(group)
        if self._groups:
            self._plan()

    # what the gateway says

    def _accepted(self, receipt: Receipt, group: PushGroup) -> None:
        self._answered(group)
        self._found_room(group.app)
        group.batch = receipt.id
        group.submitted(self._clock.seconds())
        refused = dict(receipt.refused)
        self._ids.add(
            [(given, receipt.id + index) for index, given in group.given.items() if index not in refused]
        )
        with _Together(group):
            for index, refusal in refused.items():
                self._answer(group, index, answer_to(refusal), None)
            if not self._follows:
                for index in range(receipt.count):
                    self._answer(group, index, SUCCESS, receipt.id + index)
        if self._follows and group.left:
            self._due.append(group)
        else:
            self._following.discard(group)

    def _refused(self, failure: Failure, group: PushGroup) -> None:
        self._answered(group)
        self._following.discard(group)
        error: Any = failure.value
        if isinstance(error, Overloaded):
            self._wait(group)
            return
        self._found_room(group.app)
        if isinstance(error, ShuttingDown):
            self._shut()
        elif not isinstance(error, Refusal):
            self.log.failure("the gateway failed at a submission", failure)
            error = Internal()
        self._answer_all(group, answer_to(error))

    def _settled(self, group: PushGroup, outcomes: Sequence[Outcome]) -> None:
        """Some of a group have their outcome; the receipt may not be there yet."""
        with _Together(group):
            for outcome in outcomes:
                self._pass_on(group, outcome)
        if not group.left:
            self._following.discard(group)

    def _pass_on(self, group: PushGroup, outcome: Outcome) -> None:
        span = outcome.span
        number, tokens = span.batch.id, span.tokens()
        for index, token in enumerate(tokens, span.start):
            answer, timestamp = self.answer_for(outcome, token)
            if may_be_repeated(outcome.state, answer) and (given := group.given.pop(index, None)):
                self._ids.pending.pop(given.key, None)
                self._ids.forget(given)
            self._answer(group, index, answer, number + index, timestamp)

    def answer_for(self, outcome: Outcome, token: bytes) -> tuple[Answer, int | None]:
        """The answer for an outcome, and for a dead token the time of its death in Unix milliseconds."""
        answer = from_outcome(outcome.state, outcome.status, outcome.reason)
        if answer.status != 410:
            return answer, None
        app = outcome.app
        dead = self._gateway.dead_token(app, token) if self._gateway.has_app(app) else None
        if dead is None:
            return answer, None
        return from_outcome(outcome.state, outcome.status, outcome.reason, dead.reason), dead.since * 1000

    # waiting

    def _wait(self, group: PushGroup) -> None:
        """Keep a group until there is room for it, before those that came later."""
        self._full.setdefault(group.app, deque()).appendleft(group)
        if self._retry is None:
            self._retry = self._clock.callLater(RETRY, self._try_again)

    def _try_again(self) -> None:
        """Submit the first group of each app that waits; the next one follows when that is accepted."""
        self._retry = None
        for app in list(self._full):
            self._found_room(app)

    def _found_room(self, app: str) -> None:
        groups = self._full.get(app)
        while groups:
            wanted = groups.popleft().wanted()
            if wanted is not None:
                self._submit(wanted)
                return
        self._full.pop(app, None)

    def _late(self, groups: "deque[PushGroup]", latest: float) -> "Iterable[PushGroup]":
        """Take those groups out that were submitted before a time, and wait for outcomes still."""
        while groups and groups[0].submitted_at <= latest:
            group = groups.popleft()
            if group.left:
                yield group

    # answering

    def _answer_all(self, group: PushGroup, answer: Answer) -> None:
        self._following.discard(group)
        with _Together(group):
            for index in range(len(group.streams)):
                self._answer(group, index, answer, None)

    def _answer(
        self, group: PushGroup, index: int, answer: Answer, number: int | None, timestamp: int | None = None
    ) -> None:
        stream = group.streams[index]
        if stream is not None:
            stream.reply(answer, number, timestamp)


class _Together:
    """What is answered to requests of one group meanwhile is written together, for each connection."""

    def __init__(self, group: PushGroup) -> None:
        self._connections = {stream.connection for stream in group.streams if stream is not None}

    def __enter__(self) -> None:
        for connection in self._connections:
            connection.hold_writes()

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.release_writes()
