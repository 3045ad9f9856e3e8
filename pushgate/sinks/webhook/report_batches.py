"""Reports cut to the size of requests."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pushgate.model.outcome import DeadToken, Report, State

Post = list[Report]
"""What one request tells."""


def about(report: Report) -> tuple[str, State]:
    """Its app and state."""
    if isinstance(report, DeadToken):
        return report.app, State.DEAD_TOKEN
    return report.span.batch.app, report.state


def count_of(reports: Iterable[Report]) -> int:
    """How many records reports make."""
    return sum(1 if isinstance(report, DeadToken) else len(report.span) for report in reports)


def cut(reports: Iterable[Report], limit: int) -> Iterator[Post]:
    """Reports as requests of at most `limit` records."""
    post: Post = []
    room = limit
    for report in reports:
        for part in _parts(report, room, limit):
            post.append(part)
            room -= count_of((part,))
            if not room:
                yield post
                post, room = [], limit
    if post:
        yield post


def _parts(report: Report, first: int, limit: int) -> Iterator[Report]:
    """A report in parts of at most `limit` records, the first of them of at most `first`."""
    if isinstance(report, DeadToken):
        yield report
        return
    span, at = report.span, report.span.start
    while at < span.stop:
        stop = min(span.stop, at + first)
        yield replace(report, span=span.part(at, stop))
        at, first = stop, limit
