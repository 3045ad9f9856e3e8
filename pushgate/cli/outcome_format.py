"""Outcomes in words."""

import time
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from pushgate.model.outcome import TAKEN, State

if TYPE_CHECKING:
    from pushgate.client import Record

MEANING: Final = {
    State.QUEUED: "waits in the gateway",
    State.WRITTEN: "written to the push service, nothing heard yet",
    State.ACCEPTED: "taken by the push service, which is proven",
    State.REPLACED: "taken by the push service, which says that the device has another token now",
    State.PRESUMED: "written, and the push service did not object; it can say no more",
    State.REJECTED: "refused by the push service",
    State.SUPPRESSED: "not sent: its token is known to be dead",
    State.EXPIRED: "given up: too old to be sent, or sent again",
    State.UNKNOWN: "written to a connection that was lost; at-most-once does not send it again",
    State.CANCELLED: "withdrawn before it was written",
    State.FAILED: "given up",
    State.DEAD_TOKEN: "the feedback service says that this token is dead",
}
"""What each state means, for people."""
ON_ITS_WAY: Final = (State.QUEUED, State.WRITTEN)
"""States that are no outcome."""
_WIDTH: Final = 24
"""Characters of a token that are shown on a terminal, where the id leads to the rest."""


def sentence(record: "Record") -> str:
    """What became of a notification, in a line."""
    meaning = MEANING.get(State(record.state)) if record.state in set(State) else None
    parts = [f"{record.state}: {meaning}" if meaning else record.state, _reason(record)]
    if record.replacement:
        parts.append(f"the new one: {record.replacement}")
    if record.attempts > 1:
        parts.append(f"written {record.attempts} times")
    return ", ".join(part for part in parts if part)


def row(record: "Record") -> str:
    """An outcome as a line of a list on a terminal."""
    at = time.strftime("%H:%M:%S", time.localtime(record.at))
    state = click.style(f"{record.state:<10}", fg=_colour(record))
    token = record.token or record.channel or ""
    notes = [_reason(record), "corrects an earlier outcome" if record.corrects else ""]
    if record.replacement:
        notes.append(f"the new one: {_cut(record.replacement)}")
    known = [record.id or "", record.app, _cut(token), *notes]
    return "  ".join([at, state, *(each for each in known if each)])


def fields(record: "Record") -> str:
    """An outcome as a line for other programs, its fields separated by tabs."""
    status = "" if record.status is None else str(record.status)
    token = record.token or record.channel or ""
    return "\t".join([
        f"{record.at:.3f}", record.state, status, record.reason, record.app, token, record.id or "",
    ])  # fmt: skip


def plain(record: "Record") -> dict[str, Any]:
    """An outcome as the contract has it in JSON."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    for name in ("dead_since", "channel", "replacement"):
        if fields[name] is None:
            del fields[name]
    return fields


def _cut(token: str) -> str:
    """The beginning and the end of a token that is too long for a list."""
    return token if len(token) <= _WIDTH else f"{token[: _WIDTH - 9]}…{token[-8:]}"


def _reason(record: "Record") -> str:
    """The push service's number and word; a word that only says the number again is left out."""
    known = (record.status, record.reason)
    return " ".join(str(part) for part in known if part not in {None, "", f"HTTP{record.status}"})


def _colour(record: "Record") -> str:
    if record.state in TAKEN:
        return "green"
    return "yellow" if record.state in {State.SUPPRESSED, State.CANCELLED, State.EXPIRED} else "red"
