"""Outcome records: reports as the JSON that callers, files and brokers read.

One line a notification; the names and their meaning are fixed in docs/contract.md. The lines are put
together from parts that a whole range shares, because this runs once for every notification.
"""

import hashlib
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import DeadToken, Outcome, Report, State
from pushgate.model.target import TargetForm


class Tokens(StrEnum):
    """How a record writes a device token."""

    FULL = "full"
    """As the push service's users write it: APNs tokens in hex."""
    HASH = "hash"
    """The first 16 hex digits of its SHA-256: equal tokens stay equal, none can be pushed to."""
    NONE = "none"
    """null."""


_PAGE: Final = 256
"""Members of a batch whose last four hex digits are kept together."""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _writer(tokens: Tokens, form: TargetForm) -> Callable[[bytes], str]:
    """Return what writes a target as JSON: made once a report, called once a notification."""
    if tokens is Tokens.NONE or form is TargetForm.CHANNEL:
        return lambda _: "null"
    if tokens is Tokens.HASH:
        return lambda token: f'"{hash_token(token)}"'
    return lambda token: _json(form.write(token))


def lines(report: Report, tokens: Tokens = Tokens.FULL) -> list[str]:
    """The records of a report, one JSON object each, without line ends."""
    if isinstance(report, DeadToken):
        return [_dead_token_line(report, _writer(tokens, report.form))]
    span = report.span
    targets, quote = _targets(span, tokens)
    stem, app = id_stem(span.batch.id), _json(span.batch.app)
    middle = (
        f',"state":"{report.state}","status":{_json(report.status)},"reason":{_json(report.reason)}'
        f',"at":{report.at:.3f},"attempts":{span.attempts},"batch":"{stem}0000","index":'
    )
    more = f',"unique_id":{_json(report.unique_id)}' if report.unique_id else ""
    if report.replacement:
        more += f',"replacement":{_writer(tokens, span.batch.form)(report.replacement)}'
    if span.batch.form is TargetForm.CHANNEL:
        more += f',"channel":{_json(_channel(span))}'
    tail = f',"upstream":{_json(report.upstream)},"corrects":{_json(span.recalled)}{more}}}'
    head, before, behind = f'{{"id":"{stem}', f'","app":{app},"token":{quote}', f"{quote}{middle}"
    return [
        f"{head}{member}{before}{target}{behind}{index}{tail}"
        for index, member, target in zip(
            range(span.start, span.stop), _members(span.start, span.stop), targets, strict=True
        )
    ]


def _targets(span: BatchSlice, tokens: Tokens) -> tuple[list[str], str]:
    """How the targets of a slice are written, and what stands around each."""
    if tokens is Tokens.FULL and span.batch.form is TargetForm.HEX:
        return span.batch.tokens.hex(span.start, span.stop), '"'
    write = _writer(tokens, span.batch.form)
    return [write(target) for target in span.tokens()], ""


def _members(start: int, stop: int) -> list[str]:
    """The last four hex digits of the ids of members `start` to `stop` (excluded) of a batch."""
    pages = range(start // _PAGE, -(-stop // _PAGE))
    found = [member for page in pages for member in _page(page)]
    return found[start % _PAGE : start % _PAGE + stop - start]


@lru_cache(maxsize=256)
def _page(number: int) -> list[str]:
    """The four hex digits of each of `_PAGE` numbers: to format them anew is a third of a record's cost."""
    return [f"{each:04x}" for each in range(number * _PAGE, (number + 1) * _PAGE)]


def _channel(span: BatchSlice) -> str:
    """Return the id of the channel that a slice of broadcasts goes to: no secret, and of no device."""
    [target] = span.batch.tokens.slice(span.start, span.start + 1)
    return TargetForm.CHANNEL.write(target)


def kept_lines(report: Report, tokens: Tokens = Tokens.FULL) -> list[str]:
    """As `lines`, of a report that was kept, with or without its tokens: null where they are not known."""
    if isinstance(report, DeadToken):
        known = bool(report.token)
    else:
        first = report.span.start
        known = report.span.batch.tokens.slice(first, first + 1) != [b""]
    return lines(report, tokens if known else Tokens.NONE)


def record(outcome: Outcome, tokens: Tokens = Tokens.FULL) -> str:
    """The record of a single notification; its token is null when it is not known any more."""
    [line] = kept_lines(outcome, tokens)
    return line


def ndjson(reports: Iterable[Report], tokens: Tokens = Tokens.FULL) -> bytes:
    """The records of `reports`, each with its line end."""
    every = [line for report in reports for line in lines(report, tokens)]
    if every:
        every.append("")  # the end of the last line
    return "\n".join(every).encode()


def hash_token(token: bytes) -> str:
    """A device token as `Tokens.HASH` has it."""
    return hashlib.sha256(token).hexdigest()[:16]


def id_text(number: int) -> str:
    """An id as callers see it: a UUID."""
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def id_stem(batch: int) -> str:
    """The id of a batch without its last four hex digits, which count its members."""
    return id_text(batch)[:-4]


def _dead_token_line(report: DeadToken, write_token: Callable[[bytes], str]) -> str:
    return (
        f'{{"id":null,"app":{_json(report.app)},"token":{write_token(report.token)},"state":"{State.DEAD_TOKEN}"'
        f',"status":null,"reason":"","at":{report.at:.3f},"attempts":0,"batch":null,"index":null'
        f',"upstream":{_json(report.upstream)},"corrects":false,"dead_since":{report.since}}}'
    )
