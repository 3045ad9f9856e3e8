"""Making batches of single pushes, for doors whose callers send them one by one."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.errors import Internal, PushgateError, Refusal, TooLarge
from pushgate.model.notification import MAX_BATCH, Submission, Terms
from pushgate.model.packed import Packed
from pushgate.plugin.interfaces import Receipt

MAX_PAYLOAD = 0xFFFF
"""Bytes of a payload at most: a batch keeps its length in two bytes."""

Told = Callable[[int | PushgateError], None]
"""Takes what became of a single push: its id, a `Refusal`, or `Internal`."""


class _Group:
    """Pushes of one turn for the same app on the same terms."""

    __slots__ = ("payloads", "tellers", "tokens")

    def __init__(self) -> None:
        self.tokens: list[bytes] = []
        self.payloads: list[bytes] = []
        self.tellers: list[Told] = []

    def submission(self, app: str, terms: Terms) -> Submission:
        payload = self.payloads[0] if len(self.payloads) == 1 else Packed.of(self.payloads, 2)
        return Submission(app=app, tokens=Packed.of(self.tokens, 1), payload=payload, terms=terms)

    def tell(self, result: Receipt | PushgateError) -> None:
        if isinstance(result, PushgateError):
            for tell in self.tellers:
                tell(result)
            return
        refused = dict(result.refused)
        for index, tell in enumerate(self.tellers):
            tell(refused.get(index) or result.id + index)


class Batcher:
    """Submits, and gathers the single pushes of one reactor turn into batches first.

    Whoever asks is told by a plain call, because a Deferred for each push would cost more than all the rest.
    Each error of the gateway that is no `Refusal` is logged here, once, and told as `Internal`.

    :param submit: `IGateway.submit`, already told which door this is.
    """

    log = Logger()

    def __init__(self, submit: Callable[[Submission], Deferred[Receipt]], clock: IReactorTime) -> None:
        self._submit, self._clock = submit, clock
        self._groups: dict[tuple[str, Terms], _Group] = {}
        self._turn: IDelayedCall | None = None

    def push(self, app: str, token: bytes, payload: bytes, terms: Terms, tell: Told) -> None:
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
        group.tellers.append(tell)
        if len(group.tokens) == MAX_BATCH:
            self._send(app, terms, self._groups.pop((app, terms)))
        elif self._turn is None:
            self._turn = self._clock.callLater(0, self._flush)

    def submit(self, submission: Submission, tell: Callable[[Receipt | PushgateError], None]) -> None:
        """Submit a batch that was made by the caller."""
        answered = maybeDeferred(self._submit, submission)
        answered.addErrback(self._failed).addCallback(tell)
        answered.addErrback(lambda failure: self.log.failure("answering a submission", failure))

    def _flush(self) -> None:
        self._turn = None
        groups, self._groups = self._groups, {}
        for (app, terms), group in groups.items():
            self._send(app, terms, group)

    def _send(self, app: str, terms: Terms, group: _Group) -> None:
        self.submit(group.submission(app, terms), group.tell)

    def _failed(self, failure: Failure) -> PushgateError:
        if isinstance(failure.value, Refusal):
            return failure.value
        self.log.failure("the gateway failed at a submission", failure)
        return Internal()
