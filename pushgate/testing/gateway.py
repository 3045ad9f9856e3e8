"""A fake gateway, for doors and sinks."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import Conflict, NotFound, ShuttingDown, UnknownApp
from pushgate.model.notification import Submission, check_rate
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Outcome, Report, State
from pushgate.model.trace import Trace
from pushgate.plugin.interfaces import (
    IGateway,
    IOutcomeSink,
    Receipt,
    Settled,
)
from pushgate.protocols.apns_rules import APNS_RULES


@implementer(IGateway)
class RecordingGateway:
    """Accepts notifications for `apps`, checks them, keeps them, and sends nothing.

    :ivar submissions: what was accepted, in order.
    :ivar doors: the name of the door each came through.
    :ivar error: what every submission fails with while it is set.
    :ivar holding: while true, answers wait for `release`.
    :ivar lagging: what `caught_up` answers; None for sinks that have taken all.
    :ivar records: what `status` and `trace` answer, by id: outcomes over slices of one member.
    :ivar waiting: ids that `cancel` may withdraw.
    :ivar provable: what `flush` answers, by id.
    :ivar sinks: those attached, by name.
    :ivar dead: dead tokens, by app and token.
    :ivar changes: what `reload` answers; it fails with `error` while that is set.
    :ivar rates: those that were set, by app or by a batch's id.
    :ivar full: apps whose queues are nearly full; `relieve` empties one.
    :ivar withdrawn: the ids of the batches that were withdrawn.
    :ivar settled: who is told the outcomes of a submission, by its id; `settle` tells.
    """

    def __init__(self, *apps: str, max_payload: int = 2048, rules: NotificationRules = APNS_RULES) -> None:
        self.apps = apps or ("news",)
        self._max_payload, self._rules = max_payload, rules
        self.submissions: list[Submission] = []
        self.doors: list[str] = []
        self.error: Exception | None = None
        self.holding = False
        self.lagging: Deferred[None] | None = None
        self.records: dict[int, Outcome] = {}
        self.waiting: set[int] = set()
        self.provable: dict[int, int] = {}
        self.sinks: dict[str, IOutcomeSink] = {}
        self.dead: dict[str, dict[bytes, DeadTokenEntry]] = {app: {} for app in self.apps}
        self.changes: list[str] = []
        self.rates: dict[str | int, float] = {}
        self.full: set[str] = set()
        self._paused: dict[object, tuple[str, Callable[[], None]]] = {}
        self.withdrawn: list[int] = []
        self.settled: dict[int, Settled] = {}
        self._keys: dict[tuple[str, str], tuple[Submission, Receipt]] = {}
        self._held: list[tuple[Deferred[Receipt], Receipt | Exception]] = []
        self._emitted: dict[str, Deferred[None]] = {}

    def submit(self, submission: Submission, door: str, settled: Settled | None = None) -> Deferred[Receipt]:
        answer: Receipt | Exception
        try:
            answer = self._accept(submission, door)
            if settled is not None:
                self.settled.setdefault(answer.id, settled)
        except Exception as error:  # noqa: BLE001 - the contract: a submission fails, it does not raise
            answer = error
        if self.holding:
            held: Deferred[Receipt] = Deferred()
            self._held.append((held, answer))
            return held
        return fail(answer) if isinstance(answer, Exception) else succeed(answer)

    def status(self, number: int) -> Outcome:
        if number not in self.records:
            raise NotFound
        return self.records[number]

    def trace(self, number: int) -> Deferred[Trace]:
        if number not in self.records:
            return fail(NotFound())
        outcome = self.records[number]
        pending = outcome.state in {State.QUEUED, State.WRITTEN}
        return succeed(Trace((), outcome) if pending else Trace((outcome,)))

    def cancel(self, number: int) -> bool:
        if number in self.waiting:
            self.waiting.discard(number)
            return True
        if number not in self.records:
            raise NotFound
        return False

    def flush(self, number: int) -> Deferred[int]:
        return succeed(self.provable[number]) if number in self.provable else fail(NotFound())

    def withdraw(self, numbers: Collection[int]) -> None:
        self.withdrawn += numbers

    def caught_up(self) -> Deferred[None]:
        return self.lagging or succeed(None)

    def attach(self, name: str, sink: IOutcomeSink, buffer: int) -> Callable[[], None]:
        sink.start()
        self.sinks[name] = sink
        self._emitted[name] = succeed(None)
        return lambda: self._detach(name, sink)

    def dead_tokens(self, app: str, after: bytes, limit: int) -> list[DeadTokenEntry]:
        dead = self._dead_of(app)
        return [dead[token] for token in sorted(dead) if token > after][:limit]

    def bury(self, app: str, deaths: Sequence[DeadTokenEntry]) -> Deferred[int]:
        dead = self._dead_of(app)
        before = len(dead)
        dead.update({death.token: death for death in deaths})
        return succeed(len(dead) - before)

    def forget(self, app: str, tokens: Sequence[bytes]) -> Deferred[int]:
        dead = self._dead_of(app)
        return succeed(sum(dead.pop(token, None) is not None for token in tokens))

    def has_app(self, app: str) -> bool:
        return app in self.apps

    def reload(self) -> Deferred[list[str]]:
        return fail(self.error) if self.error is not None else succeed(self.changes)

    def pace_app(self, app: str, rate: float) -> None:
        if app not in self.apps:
            raise UnknownApp(app)
        self.rates[app] = check_rate(rate)

    def pace_batch(self, number: int, rate: float) -> bool:
        if number not in self.records and number not in self.waiting:
            raise NotFound
        self.rates[number] = check_rate(rate)
        return number in self.waiting

    def pressed(self, app: str, relieved: Callable[[], None]) -> Callable[[], None] | None:
        if app not in self.full:
            return None
        place = object()
        self._paused[place] = app, relieved
        return lambda: self._forget(place)

    def relieve(self, app: str) -> None:
        """Empty an app's queue, and let whoever waits for that go on."""
        self.full.discard(app)
        for place, (of, relieved) in list(self._paused.items()):
            if of == app and place in self._paused:
                self._forget(place)
                relieved()

    def _forget(self, place: object) -> None:
        self._paused.pop(place, None)

    def accepting(self) -> bool:
        return not isinstance(self.error, ShuttingDown)

    def rules(self, app: str) -> NotificationRules:
        if app not in self.apps:
            raise UnknownApp(app)
        return self._rules

    def max_payload(self, app: str) -> int:
        if app not in self.apps:
            raise UnknownApp(app)
        return self._max_payload

    def stats(self) -> dict[str, Any]:
        return {"apps": {app: {} for app in self.apps}}

    def release(self) -> None:
        """Give the answers that were held."""
        held, self._held = self._held, []
        for deferred, answer in held:
            if isinstance(answer, Exception):
                deferred.errback(answer)
            else:
                deferred.callback(answer)

    def settle(self, *outcomes: Outcome) -> None:
        """Tell who submitted a batch what became of it, as far as they wanted to know.

        :param outcomes: of one batch; those that `outcome` makes with order *n* are of the *n*-th submission.
        """
        self.settled[outcomes[0].span.batch.id](outcomes)

    def report(self, *reports: Report) -> None:
        """Tell the attached sinks, each when it has taken what it was told before."""
        for name, sink in self.sinks.items():
            self._emitted[name].addCallback(lambda _, to: to.emit(reports), sink)

    def _accept(self, submission: Submission, door: str) -> Receipt:
        if self.error is not None:
            raise self.error
        if submission.app not in self.apps:
            raise UnknownApp(submission.app)
        used = self._keys.get((submission.app, submission.key or ""))
        if used is not None:
            if used[0] != submission:
                raise Conflict
            return used[1]
        refused = self._rules.refused_members(submission, self._max_payload)
        number = 0x018F_0000_0000_7000_8000_0000_0000_0000 + (len(self.submissions) + 1 << 16)
        receipt = Receipt(number, len(submission.tokens), tuple(refused))
        self.submissions.append(submission)
        self.doors.append(door)
        if submission.key is not None:
            self._keys[submission.app, submission.key] = submission, receipt
        return receipt

    def _dead_of(self, app: str) -> dict[bytes, DeadTokenEntry]:
        if app not in self.dead:
            raise UnknownApp(app)
        return self.dead[app]

    def _detach(self, name: str, sink: IOutcomeSink) -> None:
        if self.sinks.get(name) is sink:
            del self.sinks[name]
