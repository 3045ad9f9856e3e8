"""The last look at a span before it is written: is it still worth sending?"""

from pushgate.gateway.dead_tokens.index import DeadTokenIndex
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import State, Verdict


def has_expired(span: BatchSlice, wall: float) -> bool:
    """Whether its own expiration passed at `wall`, Unix seconds. Expiration 0 means: try once, now."""
    expiration = span.batch.terms.expiration
    return expiration is not None and 0 < expiration <= wall


def has_waited(span: BatchSlice, down_since: float | None, now: float, expiry: float) -> bool:
    """Whether it waited `expiry` seconds for a push service that cannot be reached since `down_since`.

    Time spent waiting behind others while the service was reachable does not count. All times are
    monotonic seconds.
    """
    return down_since is not None and now - max(span.batch.waiting_since, down_since) >= expiry


def expired(span: BatchSlice) -> Verdict:
    """The verdict on a span whose own expiration passed."""
    return Verdict(span, State.EXPIRED, reason="ExpirationPassed")


def unreachable(span: BatchSlice) -> Verdict:
    """The verdict on a span that waited too long for its push service."""
    return Verdict(span, State.EXPIRED, reason="PushServiceUnreachable")


def suppress(span: BatchSlice, dead: DeadTokenIndex) -> tuple[list[BatchSlice], list[Verdict]]:
    """Split a span into the runs that may be sent and verdicts on the members whose token is dead."""
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
