"""Making batches of single pushes, for inputs whose callers send them one by one."""

from collections.abc import Callable
from itertools import islice

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.common.turns import AT_ONCE, Turns
from pushgate.model.errors import Internal, PushgateError, Refusal, TooLarge
from pushgate.model.notification import MAX_BATCH, Submission, Terms
from pushgate.model.packed import Packed
from pushgate.plugin.gateway_interface import Receipt

MAX_PAYLOAD = 0xFFFF
"""Bytes of a payload at most: a batch keeps its length in two bytes."""

Answered = Callable[[int | PushgateError], None]
"""Takes the result of a single push: its id, a `Refusal`, or `Internal`."""


class _Group:
    """Pushes of one turn for the same app on the same terms."""

    __slots__ = ("callbacks", "payloads", "tokens")

    def __init__(self) -> None:
        self.tokens: list[bytes] = []
        self.payloads: list[bytes] = []
        self.callbacks: list[Answered] = []

    def submission(self, app: str, terms: Terms) -> Submission:
        payload = self.payloads[0] if len(self.payloads) == 1 else Packed.of(self.payloads, 2)
        return Submission(app=app, tokens=Packed.of(self.tokens, 2), payload=payload, terms=terms)

    def answer(self, result: Receipt | PushgateError) -> None:
        if isinstance(result, PushgateError):
            for answer in self.callbacks:
                answer(result)
            return
        refused = dict(result.refused)
        for index, answer in enumerate(self.callbacks):
            answer(refused.get(index) or result.id + index)


class Batcher:
    """Submits; single pushes of one reactor turn are collected into batches first.

    Results come by a plain call, because a Deferred for each push would cost more than all the rest. Each
    error of the gateway that is no `Refusal` is logged here, once, and reported as `Internal`.

    :param submit: `IGateway.submit` with the input's name.
    :ivar turns: for requests that make many submissions.
    """

    log = Logger()

    def __init__(self, submit: Callable[[Submission], Deferred[Receipt]], clock: IReactorTime) -> None:
        self._submit, self._clock = submit, clock
        self._groups: dict[tuple[str, Terms], _Group] = {}
        self._turn: IDelayedCall | None = None
        self.turns = Turns(clock)

    def push(self, app: str, token: bytes, payload: bytes, terms: Terms, answered: Answered) -> None:
        """Submit one notification along with the others of this turn.

        :param token: as `parse_token` made it.
        :raises TooLarge: when the payload fits into no batch.
        """
        if len(payload) > MAX_PAYLOAD:
            raise TooLarge("payload", len(payload), MAX_PAYLOAD)
        group = self._groups.get((app, terms))
        if group is None:
            group = self._groups[app, terms] = _Group()
        group.tokens.append(token)
        group.payloads.append(payload)
        group.callbacks.append(answered)
        if len(group.tokens) == MAX_BATCH:
            self._send(app, terms, self._groups.pop((app, terms)))
        elif self._turn is None:
            self._turn = self._clock.callLater(0, self._flush)

    def submit(self, submission: Submission, answered: Callable[[Receipt | PushgateError], None]) -> None:
        """Submit a batch that the caller made."""
        submitted = maybeDeferred(self._submit, submission)
        submitted.addErrback(self._failed).addCallback(answered)
        submitted.addErrback(lambda failure: self.log.failure("answering a submission", failure))

    def _flush(self) -> None:
        """Send what was collected; of very many groups some in each turn."""
        self._turn = None
        for app, terms in list(islice(self._groups, AT_ONCE)):
            self._send(app, terms, self._groups.pop((app, terms)))
        if self._groups and self._turn is None:
            self._turn = self._clock.callLater(0, self._flush)

    def _send(self, app: str, terms: Terms, group: _Group) -> None:
        self.submit(group.submission(app, terms), group.answer)

    def _failed(self, failure: Failure) -> PushgateError:
        if isinstance(failure.value, Refusal):
            return failure.value
        self.log.failure("the gateway failed at a submission", failure)
        return Internal()
