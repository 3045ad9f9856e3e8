"""The lines of Momentum's ``apn_logger``: what became of notifications, by formats of macros."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pushgate.model.history import Event
from pushgate.model.outcome import TAKEN, Outcome, State
from pushgate.model.outcome_record import Tokens, hash_token, id_text
from pushgate.model.printable import printable
from pushgate.model.target import TargetForm
from pushgate.protocols.apns_binary.status import ErrorStatus, reason

DELIVERY: Final = '%t@D@%i@"%sa"@"%da"@%d@%g@%b@%H@%B@%ti'
PERMFAIL: Final = '%t@P@%i@"%sa"@"%da"@%d@%g@%b@%H@%S@%e'
"""Momentum's own has no quotes here, so that an @ in an address cannot be told from one between fields."""
TEMPFAIL: Final = '%t@T@%i@"%sa"@"%da"@%d@%g@%b@%H@%B@%ti@%S@%e'
HEARTBEAT: Final = "%t@M"

_MACRO: Final = re.compile(r"%(sa|da|dt|ti|[tidgbHBSe%])?")
_VALUES: Final = ["t", "i", "sa", "da", "dt", "d", "g", "b", "H", "B", "ti", "S", "e"]
_NUMBERS: Final = {reason(status): int(status) for status in ErrorStatus}
_UNKNOWN: Final = 255
"""The number of a temporary failure that has none in Apple's binary protocol."""


class LogFormat:
    """One format.

    :raises ValueError: it has a macro that is not known.
    """

    def __init__(self, text: str) -> None:
        self._template = _MACRO.sub(_python, text)

    def line(self, values: dict[str, object]) -> str:
        """A line without its end."""
        return self._template % values


def _python(match: "re.Match[str]") -> str:
    name = match[1]
    if name is None:
        known = ", ".join(f"%{each}" for each in _VALUES)
        raise ValueError(f"must have no % but in {known} and %%")
    return "%%" if name == "%" else f"%({name})s"


class LogFormats(NamedTuple):
    """The formats of the entries that are written; None: these are not."""

    delivery: LogFormat | None
    permfail: LogFormat | None
    tempfail: LogFormat | None


def heartbeat_line(form: LogFormat, now: float) -> str:
    """The line that says: the logger is alive.

    :param now: Unix seconds.
    """
    return form.line(dict.fromkeys(_VALUES, "") | {"t": int(now)})


def entry_lines(outcome: Outcome, formats: LogFormats, tokens: Tokens) -> Iterator[str]:
    """The lines of an outcome: for each notification its temporary failures, then how it ended.

    A correction of an outcome has one line more, and repeats no failure.
    """
    span = outcome.span
    form = formats.delivery if outcome.state in TAKEN else formats.permfail
    failures = [] if span.recalled or formats.tempfail is None else _failures(outcome)
    for index, target, payload in zip(
        range(span.start, span.stop), span.tokens(), span.payloads(), strict=True
    ):
        values = _values(outcome, index, _target(target, tokens, span.batch.form), len(payload))
        for failure in failures:
            assert formats.tempfail is not None
            yield formats.tempfail.line(values | failure)
        if form is not None:
            yield form.line(values)


def _failures(outcome: Outcome) -> list[dict[str, object]]:
    steps = [step for step in outcome.span.past if step.event is Event.REFUSED]
    return [
        {"t": int(step.at), "S": _NUMBERS.get(step.reason, _UNKNOWN), "e": _text(step.reason)}
        for step in steps
    ]


def _values(outcome: Outcome, index: int, target: str, size: int) -> dict[str, object]:
    batch, number = outcome.span.batch, id_text(outcome.span.batch.id + index)
    return {
        "t": int(outcome.at), "i": number, "sa": _text(batch.origin), "da": target, "dt": target,
        "d": _text(batch.app), "g": "default", "b": "default", "H": _text(outcome.upstream),
        "B": size, "ti": number,
        "S": outcome.status or 0, "e": _text(outcome.reason or _word(outcome.state)),
    }  # fmt: skip


def _word(state: State) -> str:
    return "" if state in TAKEN else str(state)


def _target(target: bytes, tokens: Tokens, form: TargetForm) -> str:
    if tokens is Tokens.NONE:
        return ""
    if tokens is Tokens.HASH:
        return hash_token(target)
    return _text(form.write(target))


def _text(words: str) -> str:
    """A text within a line: a quotation mark in it would end the field."""
    return printable(words, len(words)).replace('"', "%22")
