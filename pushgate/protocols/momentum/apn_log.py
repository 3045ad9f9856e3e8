"""The lines of Momentum's ``apn_logger``: outcomes of notifications in formats with macros."""

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
"""Momentum's default has no quotes here, which makes an @ in an address ambiguous."""
TEMPFAIL: Final = '%t@T@%i@"%sa"@"%da"@%d@%g@%b@%H@%B@%ti@%S@%e'
HEARTBEAT: Final = "%t@M"

_MACRO: Final = re.compile(r"%(sa|da|dt|ti|[tidgbHBSe%])?")
_VALUES: Final = ["t", "i", "sa", "da", "dt", "d", "g", "b", "H", "B", "ti", "S", "e"]
_NUMBERS: Final = {reason(status): int(status) for status in ErrorStatus}
_UNKNOWN: Final = 255
"""The status of temporary failures without a number in Apple's binary protocol."""


class LogFormat:
    """A format of lines.

    :raises ValueError: it has an unknown macro.
    """

    def __init__(self, text: str) -> None:
        self._template = _MACRO.sub(_python, text)

    def line(self, values: dict[str, object]) -> str:
        """Return a line without its end."""
        return self._template % values


def _python(match: "re.Match[str]") -> str:
    name = match[1]
    if name is None:
        known = ", ".join(f"%{each}" for each in _VALUES)
        raise ValueError(f"must have no % but in {known} and %%")
    return "%%" if name == "%" else f"%({name})s"


class LogFormats(NamedTuple):
    """The formats of the three kinds of entries; None: they are not written."""

    delivery: LogFormat | None
    permfail: LogFormat | None
    tempfail: LogFormat | None


def heartbeat_line(form: LogFormat, now: float) -> str:
    """Return a heartbeat line.

    :param now: Unix seconds.
    """
    return form.line(dict.fromkeys(_VALUES, "") | {"t": int(now)})


def entry_lines(outcome: Outcome, formats: LogFormats, tokens: Tokens) -> Iterator[str]:
    """Return the lines of an outcome: for each notification its temporary failures, then its outcome.

    The correction of an earlier outcome is one line, without the temporary failures.
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
    """Escape a text for a field: a quotation mark would end it."""
    return printable(words, len(words)).replace('"', "%22")
