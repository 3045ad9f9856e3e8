"""One connection of the binary stream, without I/O: spans, bytes and times in; frames and verdicts out.

The service says nothing on success, at most one error on failure, and then discards everything after the
failing notification and closes. So a connection ends once, with an `Ending`, and everything that can be
known is derived there:

============================================  ==========================================================
what came                                     what it proves
============================================  ==========================================================
error about x in flight                       before x accepted, x refused, after x discarded: sent again
shutdown (10), x the last one accepted        up to and including x accepted, after x sent again
shutdown naming 0                             nothing in flight was accepted: all sent again
error about x, presumed before                all in flight discarded; what was presumed after x was wrong
error about something else, or no sense       nothing: the outcome of all in flight is unknown
the end without an answer                     the same
our own sentinel's error                      everything before it accepted, what was presumed too
============================================  ==========================================================

Unknown means what the batch's delivery says: sent again (at least once), or reported (at most once).
Silence for the response timeout makes a notification `presumed`; it stays correctable in the recall ring. The
silence counts from when the peer's TCP has acknowledged the frame: before that, the peer may not have it.
"""

from collections.abc import Iterable
from typing import Final

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Step
from pushgate.model.notification import MAX_EXPIRATION, Batch, Priority
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.apns_binary import outcome_rules
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.error_response import ErrorResponse, MalformedReply, ReplyDecoder
from pushgate.protocols.apns_binary.frames import encode_run, encode_sentinel
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_binary.window import Window, identifier
from pushgate.protocols.mdm_push import MDM, MDM_TTL

RECALL: Final = 60.0
"""Seconds that a presumed notification stays correctable."""
FIRST_RUN: Final = 16
"""Notifications a fresh connection writes before it has been quiet for a beat. A peer that closes with
unread data just after a TLS 1.3 handshake can destroy its own error response; so few it reads at once."""
BEAT: Final = 0.1
"""Seconds. The danger lasts until the peer's session tickets are acknowledged; Linux delays that by 40 ms,
and a busy peer sends them late. Against a naive peer (bench/audit.py) 0.05 lost 8 to 16 of 545 errors, and
0.1 none."""
CALM: Final = 0.5
"""Seconds that a connection must have stood before a suspect is written to it: what closes it then is the
suspect. A service that turns us away does not wait for a notification."""


class Stream:
    """The state of one connection, from ready to its end.

    :param capacity: notifications in flight at most.
    :param response_timeout: seconds of silence that make a written notification presumed.
    :param ready_at: monotonic seconds when the handshake was complete.
    :ivar ending: how it ended, None while it has not.
    :ivar size: bytes written, in all.
    """

    def __init__(self, capacity: int, response_timeout: float, ready_at: float, first_place: int = 0) -> None:
        self._capacity, self.response_timeout, self._ready_at = capacity, response_timeout, ready_at
        self._window = Window(ring=capacity, first=first_place)
        self._first_place = first_place
        self._replies = ReplyDecoder()
        self._alone = False
        self._written = self.size = 0
        self._sentinel: int | None = None
        self.ending: Ending | None = None

    @property
    def in_flight(self) -> int:
        """Notifications written and not settled."""
        return self._window.size

    @property
    def provable(self) -> int:
        """Notifications that a probe may prove to be accepted: in flight, or presumed within `RECALL`."""
        return 0 if self.ending or self.probed else self._window.size + self._window.presumed

    @property
    def probed(self) -> bool:
        """Whether a probe was written, so that nothing may follow."""
        return self._sentinel is not None

    def is_calm(self, now: float) -> bool:
        """Whether a suspect may be written to it."""
        return not self._window.size and now >= self._ready_at + CALM

    def room(self, now: float) -> int:
        """How many notifications may be written at `now`."""
        if self.ending or self._sentinel is not None or (self._alone and self._window.size):
            return 0
        if now < self._ready_at + BEAT:
            return max(0, FIRST_RUN - self._written)
        return self._capacity - self._window.size

    def write(self, spans: Iterable[BatchSlice], now: float | None, step: Step | None = None) -> list[bytes]:
        """Enter spans into the window; return their frames.

        :param now: monotonic seconds; None until `acknowledged` says that they have arrived.
        :param step: what is noted on the spans.
        """
        frames: list[bytes] = []
        self._alone = False
        for span in spans:
            places = range(self._window.next, self._window.next + len(span))
            run = encode_run(
                span.tokens(),
                span.payloads(),
                map(identifier, places),
                _expiration(span.batch),
                max(span.batch.priority, Priority.BULK),  # this protocol has no lower one
            )
            self.size += sum(map(len, run))
            self._window.add(span.written(step), now, self.size)
            frames += run
            self._alone = self._alone or bool(span.alone)
        self._written += len(frames)
        return frames

    def find(self, order: int, index: int) -> BatchSlice | None:
        """The span in flight that holds member `index` of the batch of this order."""
        return self._window.find(order, index)

    @property
    def is_acknowledged(self) -> bool:
        """Whether the service's TCP has every notification that was written."""
        return self._window.is_acknowledged

    def acknowledged(self, position: int, now: float) -> None:
        """The first `position` bytes have arrived: the response timeout of what is in them begins."""
        self._window.acknowledged(position, now)

    def probe(self) -> bytes:
        """A frame that is known to be refused: its error proves all before it. Nothing may follow it."""
        self._sentinel = identifier(self._window.skip())
        frame = encode_sentinel(self._sentinel)
        self.size += len(frame)
        return frame

    def quiet(self, now: float) -> list[Verdict]:
        """Presume what was written long enough ago; call it from time to time on a live connection."""
        self._window.forget(now - self.response_timeout - RECALL)
        spans = self._window.presume(now - self.response_timeout)
        return [Verdict(span, State.PRESUMED) for span in spans]

    def received(self, data: bytes) -> Ending | None:
        """Take bytes from the service; return the ending when they bring it."""
        if self.ending:
            return None
        reply = self._replies.feed(data)
        if reply is None:
            return None
        if isinstance(reply, MalformedReply):
            return self._end(self._untold(None))
        return self._end(self._answered(reply))

    def lost(self, unheard: bool = False, vanished: bool = False) -> Ending | None:
        """The connection is gone; return the ending unless it came before.

        :param unheard: the service rejected the handshake, so that nothing written was ever looked at.
        :param vanished: we gave it up for want of acknowledgement: no notification is to blame.
        """
        if self.ending:
            return None
        if unheard:
            return self._end(Ending(End.UNTOLD, requeue=tuple(self._window.spans())))
        return self._end(self._untold(None, vanished))

    def _end(self, ending: Ending) -> Ending:
        self._window.clear()
        self.ending = ending
        return ending

    def _answered(self, error: ErrorResponse) -> Ending:
        if self._is_of_sentinel(error):
            presumed = map(outcome_rules.recalled, self._window.presumed_spans())
            accepted = outcome_rules.accepted((*presumed, *self._window.spans()))
            return Ending(End.PROVEN, error.status, accepted, before=self._written)
        if error.status == ErrorStatus.SHUTDOWN and error.identifier == 0:
            return Ending(End.SHUTDOWN, error.status, requeue=tuple(self._window.spans()))
        place = self._window.locate(error.identifier)
        if place is None:
            return self._untold(error.status)
        if error.status == ErrorStatus.SHUTDOWN:
            return self._split(End.SHUTDOWN, error.status, place + 1, place + 1)
        return self._split(End.ANSWERED, error.status, place, place + 1)

    def _split(self, end: End, status: int, refused: int, discarded: int) -> Ending:
        """All before place `refused` was accepted, nothing from `discarded` on; what is between was refused.

        What of this was presumed before had its outcome: it needs another only if that was wrong.
        """
        window = self._window
        recalled = [outcome_rules.recalled(span) for span in window.presumed_spans(discarded)]
        late = [outcome_rules.recalled(span) for span in window.presumed_spans(refused, discarded)]
        verdicts, again = outcome_rules.sort(
            outcome_rules.refused(span, status) for span in (*late, *window.spans(refused, discarded))
        )
        return Ending(
            end,
            status,
            (*outcome_rules.accepted(window.spans(stop=refused)), *verdicts),
            (*again, *recalled, *window.spans(discarded)),
            refused=len(again),
            before=refused - self._first_place,
            late=sum(map(len, (*late, *recalled))),
        )

    def _untold(self, status: int | None, vanished: bool = False) -> Ending:
        spans = self._window.spans()
        if not spans:
            return Ending(End.IDLE if status is None else End.UNTOLD, status)
        verdicts, again = outcome_rules.sort(
            outcome_rules.untold(span, self._window.size, status, vanished) for span in spans
        )
        return Ending(End.UNTOLD, status, verdicts, again, cornered=self._alone and not vanished)

    def _is_of_sentinel(self, error: ErrorResponse) -> bool:
        """The service names the sentinel, or 0: a zero-length token is always reported so."""
        if self._sentinel is None:
            return False
        return error.identifier == self._sentinel or (
            error.identifier == 0 and error.status in {ErrorStatus.MISSING_TOKEN, ErrorStatus.PROTOCOL_ERROR}
        )


def _expiration(batch: Batch) -> int | None:
    """The expiration to write. An MDM push always has one: without it a device that sleeps may miss it."""
    given = batch.terms.expiration
    if given is None and batch.terms.push_type == MDM:
        return min(MAX_EXPIRATION, int(batch.accepted_at + MDM_TTL))
    return given
