"""The last check of a slice before it is written: is it still worth sending?"""

from pushgate.gateway.dead_tokens.index import DeadTokenIndex
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import State, Verdict
from pushgate.model.target import TargetForm


class SendFilter:
    """Sorts out what expired, and what goes to a dead token.

    :param expiry: seconds a notification waits at most for a push service that cannot be reached.
    :param channels: whether the push service has channels. A batch for one may have been accepted when the
        app had another upstream.
    :ivar down_since: monotonic seconds when the push service became unreachable; None while it is reachable.
    """

    def __init__(self, expiry: float, dead: DeadTokenIndex, channels: bool = False) -> None:
        self.expiry, self._dead, self.channels = expiry, dead, channels
        self.down_since: float | None = None

    def has_expired(self, span: BatchSlice, wall: float) -> bool:
        """Return True if its expiration passed at `wall`, Unix seconds. Expiration 0 means: try once, now."""
        expiration = span.batch.terms.expiration
        return expiration is not None and 0 < expiration <= wall

    def has_waited(self, span: BatchSlice, now: float, down_since: float | None = None) -> bool:
        """Return True if it waited too long, at `now`, monotonic seconds, for an unreachable push service.

        Time spent waiting behind others while the service was reachable does not count.

        :param down_since: of the part of the service that it is for, where that is known.
        """
        since = self.down_since if down_since is None else down_since
        return since is not None and now - max(span.batch.waiting_since, since) >= self.expiry

    def screen(
        self, span: BatchSlice, wall: float, now: float, down_since: float | None = None
    ) -> tuple[list[BatchSlice], list[Verdict]]:
        """Return what of a slice may be written now, and the verdicts on the rest.

        :param down_since: as of `has_waited`.
        """
        if self.has_expired(span, wall):
            return [], [expired(span)]
        if self.has_waited(span, now, down_since):
            return [], [unreachable(span)]
        if span.batch.form is TargetForm.CHANNEL:
            return ([span], []) if self.channels else ([], [no_channels(span)])
        return suppress(span, self._dead)


def expired(span: BatchSlice) -> Verdict:
    """Return the verdict on a slice whose own expiration passed."""
    return Verdict(span, State.EXPIRED, reason="ExpirationPassed")


def unreachable(span: BatchSlice) -> Verdict:
    """Return the verdict on a slice that waited too long for its push service."""
    return Verdict(span, State.EXPIRED, reason="PushServiceUnreachable")


def no_channels(span: BatchSlice) -> Verdict:
    """Return the verdict on a broadcast that the app's upstream cannot send."""
    return Verdict(span, State.FAILED, reason="ChannelsNotSupported")


def suppress(span: BatchSlice, dead: DeadTokenIndex) -> tuple[list[BatchSlice], list[Verdict]]:
    """Split a slice into the runs that may be sent and verdicts on the members whose token is dead."""
    tokens = span.tokens()
    if not dead.any_of(tokens):
        return [span], []
    registered_at = span.batch.terms.registered_at
    live: list[BatchSlice] = []
    verdicts: list[Verdict] = []
    start = span.start
    for index, token in enumerate(tokens, span.start):
        if dead.suppresses(token, registered_at):
            if start < index:
                live.append(span.part(start, index))
            verdicts.append(Verdict(span.part(index, index + 1), State.SUPPRESSED, reason="DeadToken"))
            start = index + 1
    if start < span.stop:
        live.append(span.part(start, span.stop))
    return live, verdicts
