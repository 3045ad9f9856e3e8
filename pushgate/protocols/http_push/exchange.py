"""One connection's requests and answers, without I/O: members of slices by stream; verdicts out.

=====================================  =================================================================
what came                              what it proves
=====================================  =================================================================
an answer                              what the service's table says
RST_STREAM with REFUSED_STREAM         not looked at: sent again
GOAWAY, for streams above its last     the same; those below are still answered
the end with a part of it unsent       the same: nothing acts on half a request
RST_STREAM with another code           nothing: the outcome is unknown
no answer in time                      nothing, the same
the end of the connection              nothing, the same
=====================================  =================================================================

Unknown means what the batch's delivery says: sent again (at least once), or reported (at most once).
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.history import Event, Step
from pushgate.model.notification import MAX_EXPIRATION
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.http_push.answers import Answer, Follows, Reply
from pushgate.protocols.http_push.findings import Death, Findings, Later
from pushgate.protocols.http_push.sent import Sent, bare, member, runs
from pushgate.protocols.http_push.service import Header, PushService
from pushgate.protocols.lost_in_flight import Fate, lost

RETRIES: Final = 5
"""How often a notification is sent again that the service had no room for, or was in trouble with."""
UNLIMITED: Final = 100
"""Requests at a time to a service that sets no limit, once it has answered: the least number that RFC 9113
6.5.2 recommends."""
_VALID: Final = {Follows.ACCEPTED, Follows.REJECTED, Follows.DEAD, Follows.DEVICE_LATER}
"""What an answer is that shows the credential to be good and the service to be of use."""


class Exchange:
    """The state of one connection, from ready to its end.

    :param service: reads the answers.
    :param limit: requests at a time at most; 0: what the service takes.
    :param timeout: seconds that an answer may take.
    :param cautious: one request at a time until an answer shows that the credential is good.
    :ivar number: of the connection, for the steps of notifications.
    :ivar proven: an answer has shown that.
    """

    def __init__(self, service: PushService, limit: int, timeout: float, cautious: bool) -> None:
        self.number, self._service = 0, service
        self._most, self._timeout, self._cautious = limit, timeout, cautious
        self._sent: dict[int, Sent] = {}
        self._accepted: dict[int, list[tuple[Sent, str]]] = {}
        self._found, self._took = Findings(), False
        self._peer_limit: int | None = None
        self._alone = self._turned_away = self._paused = False
        self._answered_at = float("-inf")
        self.proven = False

    @property
    def in_flight(self) -> int:
        """Requests without an answer."""
        return len(self._sent)

    def room(self) -> int:
        """How many requests may be made now."""
        limit = self._peer_limit
        if limit is None:
            limit = UNLIMITED if self._answered_at >= 0 else 1
        if self._most:
            limit = min(limit, self._most)
        if self._paused or (self._alone and self._sent):
            return 0
        if self._turned_away or (self._cautious and not self.proven):
            limit = min(limit, 1)
        return max(0, limit - len(self._sent))

    def resume(self) -> None:
        """Try again a while after a request was refused: one at a time, until one is answered."""
        self._paused = False

    def limited(self, streams: int) -> None:
        """Note how many requests at a time the service takes."""
        self._peer_limit = streams

    def opened(self, stream: int, span: BatchSlice, index: int, now: float, serial: int) -> None:
        """Note that member `index` of a slice was written at `now`, monotonic seconds."""
        if not self._sent:
            self._alone = False
        self._alone = self._alone or bool(span.alone)
        self._sent[stream] = span, index, now, serial

    def find(self, order: int, index: int) -> BatchSlice | None:
        """The member in flight of the batch of this order."""
        return next(
            (
                span.part(index, index + 1)
                for span, member, *_ in self._sent.values()
                if member == index and span.batch.order == order
            ),
            None,
        )

    def overdue(self, now: float) -> list[int]:
        """The streams that have waited too long for their answers."""
        streams = []
        for stream, (_, _, at, _) in self._sent.items():  # in the order in which they were written
            if at > now - self._timeout:
                break
            streams.append(stream)
        return streams

    @property
    def has_answered(self) -> bool:
        """Whether an answer came to a request, whatever it was."""
        return self._answered_at >= 0

    def is_silent(self, now: float) -> bool:
        """Whether nothing at all was answered for so long that no single request is to blame."""
        return now - self._answered_at >= self._timeout

    # What comes.

    def answered(
        self,
        stream: int,
        status: int,
        headers: Sequence[Header],
        body: bytes,
        wall: float,
        now: float,
    ) -> None:
        """An answer has come.

        :param wall: Unix seconds.
        :param now: monotonic seconds.
        """
        sent = self._sent.pop(stream, None)
        if sent is None:
            return
        self._answered_at = now
        self._turned_away = self._paused = False
        reply = self._service.read(sent, status, headers, body, wall)
        if reply.row.follows is Follows.ACCEPTED:
            self.proven = True
            self._found.valid += 1
            self._accept(sent, status, reply)
        else:
            self._refused(sent, reply, wall)

    def unprocessed(self, stream: int, wall: float) -> None:
        """The service has not looked at a request; nor will it at others, for the moment."""
        self._turned_away = self._paused = True
        sent = self._sent.pop(stream, None)
        if sent is not None:
            self._found.requeue.append(self._noted(member(sent), Event.DISCARDED, wall, ""))

    def unanswered(
        self, stream: int, why: str, wall: float, *, later: bool = False, vanished: bool = False
    ) -> None:
        """No answer will come to a request, and what became of it is not known.

        :param later: it is not sent again at once.
        :param vanished: as of `ended`.
        """
        in_flight = len(self._sent)
        sent = self._sent.pop(stream, None)
        if sent is None:
            return
        fate = lost(member(sent), in_flight, why, vanished=vanished)
        if isinstance(fate, Verdict):
            fate = replace(fate, reason=why)
        self._lost(fate, why, wall, later)

    def ended(
        self, is_unsent: Callable[[int], bool], why: str, wall: float, *, vanished: bool = False
    ) -> Findings:
        """The connection is gone; return all that follows.

        :param is_unsent: whether a part of a request was never sent.
        :param why: for the outcomes.
        :param vanished: no request is to blame: a PING was not answered, the peer broke a rule of HTTP/2, or
            the service is in doubt.
        """
        in_flight = len(self._sent)
        unsent, others = list[Sent](), list[Sent]()
        for stream, sent in self._sent.items():
            (unsent if is_unsent(stream) else others).append(sent)
        self._sent.clear()
        self._found.requeue += [self._noted(span, Event.DISCARDED, wall, "") for span in bare(unsent)]
        for span in bare(others):
            self._lost(lost(span, in_flight, why, vanished=vanished), why, wall)
        return self.findings()

    def findings(self) -> Findings:
        """What followed from what came since the last call."""
        found, self._found = self._found, Findings()
        if self._accepted:
            accepted, self._accepted, self._took = self._accepted, {}, False
            found.accepted += [
                Verdict(span, State.ACCEPTED, status, "", unique_id)
                for status, members in accepted.items()
                for span, unique_id in runs(members)
            ]
        return found

    # What follows.

    def _lost(self, fate: Fate, why: str, wall: float, later: bool = False) -> None:
        """Settle what has no answer, or have it sent again."""
        if isinstance(fate, Verdict):
            self._found.verdicts.append(fate)
            return
        noted = self._noted(fate, Event.LOST, wall, why)
        if later:
            self._found.later.append(Later(noted, device=False))
        else:
            self._found.requeue.append(noted)

    def _accept(self, sent: Sent, status: int, reply: Reply) -> None:
        """Note an acceptance; and that its device has another target by now, if so it is."""
        self._took = True
        if reply.handle and reply.handle != (span := member(sent)).tokens()[0]:
            replaced = Verdict(span, State.REPLACED, status, "", reply.unique_id, reply.handle)
            self._found.accepted.append(replaced)
        else:
            self._accepted.setdefault(status, []).append((sent, reply.unique_id))

    def _refused(self, sent: Sent, reply: Reply, wall: float) -> None:
        row, span, found = reply.row, member(sent), self._found
        if row.follows in _VALID:
            self.proven = True
            found.valid += 1
        if row.follows in {Follows.REJECTED, Follows.DEAD}:
            found.verdicts.append(Verdict(span, State.REJECTED, row.status, row.reason, reply.unique_id))
            if row.dead is not None and span.batch.terms.channel is None:
                self._dead(span, row.dead, reply.since)
        elif row.follows in {Follows.DEVICE_LATER, Follows.LATER}:
            self._later(span, reply, wall)
        else:
            found.requeue.append(self._noted(span, Event.REFUSED, wall, row.reason))
            self._of_the_connection(row, sent[3])

    def _of_the_connection(self, row: Answer, serial: int) -> None:
        """An answer that is not about the notification, but about the credential or the connection."""
        found = self._found
        if row.follows is not Follows.RENEW_TOKEN:
            found.leave = row
        if row.follows is Follows.HELD:
            found.held = row
        elif row.follows is Follows.RENEW_TOKEN:
            found.expired = serial if found.expired is None else max(serial, found.expired)
            found.expired_reason = row.reason
        elif row.follows is Follows.KEEP_TOKEN:
            found.renewed_too_often = True

    def _dead(self, span: BatchSlice, reason: DeadReason, since: int | None) -> None:
        """A token is dead, unless the device has registered it since."""
        if since is not None and not 0 <= since <= MAX_EXPIRATION:
            since = None  # no time
        registered_at = span.batch.terms.registered_at
        if since is None or registered_at is None or registered_at < since:
            self._found.deaths.append(Death(span.tokens()[0], reason, since, first=not self._took))
            self._took = False

    def _later(self, span: BatchSlice, reply: Reply, wall: float) -> None:
        row, device = reply.row, reply.row.follows is Follows.DEVICE_LATER
        after = row.wait if reply.retry_after is None else reply.retry_after
        if not device:
            self._found.trouble += 1
            self._found.rest = max(self._found.rest, after)
        if span.retries >= RETRIES:
            self._found.verdicts.append(Verdict(span, State.FAILED, row.status, row.reason))
            return
        noted = self._noted(span, Event.REFUSED, wall, row.reason)
        self._found.later.append(Later(replace(noted, retries=span.retries + 1), device, after))

    def _noted(self, span: BatchSlice, event: Event, wall: float, reason: str) -> BatchSlice:
        return span.noted(Step(event, wall, self.number, reason))
