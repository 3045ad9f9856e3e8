"""A fake gateway, for tests of inputs and sinks."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import Conflict, NotFound, ShuttingDown, UnknownApp
from pushgate.model.notification import Submission, check_rate
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Outcome, Report, State
from pushgate.model.send_test import SendTestResult, TriedDevice
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.gateway_interface import IGateway, IOutcomeSampler, Receipt, Settled
from pushgate.plugin.sink_interface import IOutcomeSink, IReplays
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.testing.channels import MemoryChannels
from pushgate.testing.enrolments import MemoryEnrolments


@implementer(IGateway)
class RecordingGateway:
    """Accepts notifications for `apps`, checks them, keeps them, and sends nothing.

    :ivar submissions: those that were accepted, in order.
    :ivar inputs: the name of the input that each came through.
    :ivar error: every submission fails with it while it is set.
    :ivar holding: while true, answers wait for `release`.
    :ivar lagging: the answer of `caught_up`; None for sinks that have taken all.
    :ivar records: the answers of `status` and `trace`, by id.
    :ivar waiting: ids that `cancel` may withdraw.
    :ivar provable: the answers of `flush`, by id.
    :ivar sinks: those attached, by name.
    :ivar samples: what each sampler has that was not taken yet.
    :ivar replaying: the answer of `replays`.
    :ivar dead: dead tokens, by app and token.
    :ivar changes: the answer of `reload`; it fails with `error` while that is set.
    :ivar rates: those that were set, by app or by a batch's id.
    :ivar broadcast_channels: the answer of `channels`, for every app.
    :ivar managed: the answer of `enrolments`, for every app.
    :ivar full: apps whose queues are nearly full; `relieve` empties one.
    :ivar withdrawn: the ids of the batches that were withdrawn.
    :ivar patience: seconds that the last test send would wait. Its outcomes are those of `records`.
    :ivar took: seconds after which each outcome of a test send came.
    :ivar settled: the callbacks for outcomes, by the id of the submission; `settle` calls them.
    """

    def __init__(self, *apps: str, max_payload: int = 2048, rules: NotificationRules = APNS_RULES) -> None:
        self.apps, self._max_payload, self._rules = apps or ("news",), max_payload, rules
        self.submissions: list[Submission] = []
        self.inputs: list[str] = []
        self.error: Exception | None = None
        self.holding = False
        self.lagging: Deferred[None] | None = None
        self.records: dict[int, Outcome] = {}
        self.waiting: set[int] = set()
        self.provable: dict[int, int] = {}
        self.sinks: dict[str, IOutcomeSink] = {}
        self.samples: list[list[Report]] = []
        self.replaying: IReplays | None = None
        self.dead: dict[str, dict[bytes, DeadTokenEntry]] = {app: {} for app in self.apps}
        self.changes: list[str] = []
        self.rates: dict[str | int, float] = {}
        self.broadcast_channels, self.managed = MemoryChannels(), MemoryEnrolments()
        self.full: set[str] = set()
        self._paused: dict[object, tuple[str, Callable[[], None]]] = {}
        self.withdrawn: list[int] = []
        self.settled: dict[int, Settled] = {}
        self.patience, self.took = 0.0, 0.25
        self._keys: dict[tuple[str, str], tuple[Submission, Receipt]] = {}
        self._held: list[tuple[Deferred[Receipt], Receipt | Exception]] = []
        self._emitted: dict[str, Deferred[None]] = {}

    def submit(
        self, submission: Submission, input_name: str, settled: Settled | None = None
    ) -> Deferred[Receipt]:
        answer: Receipt | Exception
        try:
            answer = self._accept(submission, input_name)
            if settled is not None:
                self.settled.setdefault(answer.id, settled)
        except Exception as error:  # noqa: BLE001 - the contract: a submission fails, it does not raise
            answer = error
        if self.holding:
            held: Deferred[Receipt] = Deferred()
            self._held.append((held, answer))
            return held
        return fail(answer) if isinstance(answer, Exception) else succeed(answer)

    def test_send(self, submission: Submission, input_name: str, patience: float) -> Deferred[SendTestResult]:
        self.patience = patience
        return self.submit(submission, input_name).addCallback(self._tried)

    def status(self, number: int) -> Outcome:
        if number not in self.records:
            raise NotFound
        return self.records[number]

    def trace(self, number: int) -> Deferred[NotificationTrace]:
        if number not in self.records:
            return fail(NotFound())
        outcome = self.records[number]
        pending = outcome.state in {State.QUEUED, State.WRITTEN}
        return succeed(NotificationTrace((), outcome) if pending else NotificationTrace((outcome,)))

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

    def sampler(self, limit: int) -> "MemorySampler":
        return MemorySampler(self.samples, limit)

    def replays(self) -> IReplays | None:
        return self.replaying

    def dead_tokens(self, app: str, after: bytes, limit: int) -> list[DeadTokenEntry]:
        dead = self._dead_of(app)
        return [dead[token] for token in sorted(dead) if token > after][:limit]

    def dead_token(self, app: str, token: bytes) -> DeadTokenEntry | None:
        return self._dead_of(app).get(token)

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
        pause = object()
        self._paused[pause] = app, relieved
        return lambda: self._forget(pause)

    def relieve(self, app: str) -> None:
        """Empty an app's queue, and call those that wait for that."""
        self.full.discard(app)
        for pause, (of, relieved) in list(self._paused.items()):
            if of == app and pause in self._paused:
                self._forget(pause)
                relieved()

    def _forget(self, pause: object) -> None:
        self._paused.pop(pause, None)

    def accepting(self) -> bool:
        return not isinstance(self.error, ShuttingDown)

    def rules(self, app: str) -> NotificationRules:
        if app not in self.apps:
            raise UnknownApp(app)
        return self._rules

    def channels(self, app: str) -> MemoryChannels:
        if app not in self.apps:
            raise UnknownApp(app)
        return self.broadcast_channels

    def enrolments(self, app: str) -> MemoryEnrolments:
        if app not in self.apps:
            raise UnknownApp(app)
        return self.managed

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
        """Report outcomes of a batch to the callback that was submitted with it.

        :param outcomes: of one batch; those that `outcome` makes with order *n* are of the *n*-th submission.
        """
        self.settled[outcomes[0].span.batch.id](outcomes)

    def report(self, *reports: Report) -> None:
        """Report to the attached sinks, each when it has taken the reports before."""
        for kept in self.samples:
            kept.extend(reports)
        for name, sink in self.sinks.items():
            self._emitted[name].addCallback(lambda _, to: to.emit(reports), sink)

    def _tried(self, receipt: Receipt) -> SendTestResult:
        refused = {index for index, _ in receipt.refused}
        found = ((index, self.records.get(receipt.id + index)) for index in range(receipt.count))
        devices = [
            TriedDevice(index, receipt.id + index, outcome, self.took if _is_settled(outcome) else None)
            for index, outcome in found
            if index not in refused
        ]
        return SendTestResult(receipt.id, tuple(devices), receipt.refused, receipt.repeated, self.patience)

    def _accept(self, submission: Submission, input_name: str) -> Receipt:
        if self.error is not None:
            raise self.error
        if submission.app not in self.apps:
            raise UnknownApp(submission.app)
        used = self._keys.get((submission.app, submission.key or ""))
        if used is not None:
            if used[0] != submission:
                raise Conflict(used[1].id)
            return Receipt(used[1].id, used[1].count, used[1].refused, repeated=True)
        refused = self._rules.refused_members(submission, self._max_payload)
        number = 0x018F_0000_0000_7000_8000_0000_0000_0000 + (len(self.submissions) + 1 << 16)
        receipt = Receipt(number, len(submission.tokens), tuple(refused))
        self.submissions.append(submission)
        self.inputs.append(input_name)
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


def _is_settled(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.state not in {State.QUEUED, State.WRITTEN}


@implementer(IOutcomeSampler)
class MemorySampler:
    """Keeps the first of what the gateway reports.

    :param samples: the lists that reports go to; this one's is there until it is closed.
    """

    def __init__(self, samples: list[list[Report]], limit: int) -> None:
        self._samples, self._limit = samples, limit
        self._kept: list[Report] = []
        samples.append(self._kept)

    def take(self) -> list[Report]:
        taken = self._kept[: self._limit]
        self._kept.clear()
        return taken

    def close(self) -> None:
        self._samples[:] = [each for each in self._samples if each is not self._kept]
