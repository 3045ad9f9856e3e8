"""A notification's trace: its outcomes, and as JSON its record with everything that happened to it."""

from typing import Any

import msgspec

from pushgate.model.history import Step
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import Tokens, record

_ON_ITS_WAY = frozenset({State.QUEUED, State.WRITTEN})


class NotificationTrace(msgspec.Struct, frozen=True):
    """Everything known of one notification; at least one of its parts is there.

    :param outcomes: in the order in which they were reported, each over a slice of this one member.
    :param pending: where the notification is while it is on its way: an outcome that is queued or written.
    """

    outcomes: tuple[Outcome, ...]
    pending: Outcome | None = None

    @property
    def app(self) -> str:
        """The app of the notification."""
        return self._all()[0].app

    def json(self, tokens: Tokens = Tokens.FULL) -> str:
        """The outcome record with its `events`.

        :param tokens: how the record writes the token.
        """
        everything = self._all()
        last = self.outcomes[-1] if self.outcomes else everything[0]
        fields: dict[str, Any] = msgspec.json.decode(record(last, tokens))
        return msgspec.json.encode({**fields, "events": _events(everything)}).decode()

    def _all(self) -> tuple[Outcome, ...]:
        return self.outcomes if self.pending is None else (*self.outcomes, self.pending)


def _events(outcomes: tuple[Outcome, ...]) -> list[dict[str, Any]]:
    batch = outcomes[0].span.batch
    events: list[dict[str, Any]] = [
        {"event": "submitted", "at": _time(batch.accepted_at), "input": batch.origin or None},
        {"event": "queued", "at": _time(batch.accepted_at)},
    ]
    seen: set[Step] = set()
    for outcome in outcomes:
        new = [step for step in outcome.span.past if step not in seen]
        seen.update(new)
        events += map(_step, new)
        if outcome.state not in _ON_ITS_WAY:
            events.append(_end(outcome))
    return events


def _step(step: Step) -> dict[str, Any]:
    event: dict[str, Any] = {"event": step.event, "at": _time(step.at)}
    if step.connection:
        event["connection"] = step.connection
    if step.reason:
        event["reason"] = step.reason
    return event


def _end(outcome: Outcome) -> dict[str, Any]:
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
