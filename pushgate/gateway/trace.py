"""A notification's story: its record, and what happened to it step by step, as JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pushgate.model.history import Step
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import Tokens, lines

_ON_ITS_WAY = frozenset({State.QUEUED, State.WRITTEN})


def record(outcome: Outcome) -> str:
    """The outcome record of a single notification; its token is null when it is not known any more."""
    [line] = lines(outcome, Tokens.FULL if outcome.span.tokens()[0] else Tokens.NONE)
    return line


def story(told: Sequence[Outcome], way: Outcome | None) -> str:
    """The record of one notification with its `events`.

    :param told: its outcomes in the order in which they were told, each over a span of this one member.
    :param way: where it is, if it is on its way, as an outcome that is queued or written.
    """
    chapters = [*told, way] if way is not None else list(told)
    fields: dict[str, Any] = msgspec.json.decode(record(chapters[len(told) - 1]))
    batch = chapters[0].span.batch
    events: list[dict[str, Any]] = [
        {"event": "submitted", "at": _time(batch.accepted_at), "door": batch.door or None},
        {"event": "queued", "at": _time(batch.accepted_at)},
    ]
    seen: set[Step] = set()
    for chapter in chapters:
        new = [step for step in chapter.span.past if step not in seen]
        seen.update(new)
        events += map(_happened, new)
        if chapter.state not in _ON_ITS_WAY:
            events.append(_ended(chapter))
    return msgspec.json.encode({**fields, "events": events}).decode()


def _happened(step: Step) -> dict[str, Any]:
    event: dict[str, Any] = {"event": step.event, "at": _time(step.at)}
    if step.connection:
        event["connection"] = step.connection
    if step.reason:
        event["reason"] = step.reason
    return event


def _ended(outcome: Outcome) -> dict[str, Any]:
    return {
        "event": "correction" if outcome.span.recalled else "outcome",
        "at": _time(outcome.at),
        "state": outcome.state,
        "status": outcome.status,
        "reason": outcome.reason,
        "upstream": outcome.upstream,
    }


def _time(seconds: float) -> float:
    """As precise as records are."""
    return round(seconds, 3)
