"""Enrolments in the database: each function is run in one transaction."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pushgate.database.interface import Row, Session
from pushgate.mdm.schedule import next_push
from pushgate.model.enrolment import Enrolment, EnrolmentRequest
from pushgate.model.outcome import State

MOST_FOUND: Final = 20
"""Enrolments of one answer at most."""
_COLUMNS: Final = (
    "id", "app", "token", "push_magic", "topic", "device", "keep_awake", "enrolled_at", "superseded_at",
    "pushes", "pushed_at", "waiting", "outcome", "status", "reason", "outcome_at", "checked_in_at",
    "checked_out_at",
)  # fmt: skip
_ALL: Final = ", ".join(_COLUMNS)
_CHANGING: Final = _COLUMNS[6:]
_INSERT: Final = (
    f"INSERT INTO enrolments ({', '.join(_COLUMNS[1:])}, sha256, due_at) "
    f"VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})"
)
_UPDATE: Final = f"UPDATE enrolments SET {' = ?, '.join(_CHANGING)} = ?, due_at = ? WHERE id = ?"
_OF_TOKEN: Final = (
    f"SELECT {_ALL} FROM enrolments WHERE sha256 = ? AND app = ? ORDER BY id DESC LIMIT {MOST_FOUND}"
)
_OF_DEVICE: Final = (
    f"SELECT {_ALL} FROM enrolments WHERE device = ? AND app = ? ORDER BY id DESC LIMIT {MOST_FOUND}"
)


class PushOutcome(msgspec.Struct, frozen=True):
    """What became of one MDM push, by the schedule or by a caller.

    :param id: of the notification.
    :param pushed_at: when it was submitted, Unix seconds; `at` is when it had its outcome.
    :param own: it was one of the schedule.
    """

    id: int
    app: str
    token: bytes
    pushed_at: float
    own: bool
    state: State
    status: int | None
    reason: str
    at: float


def enrol(session: Session, app: str, topic: str, request: EnrolmentRequest, now: float) -> list[str]:
    """Keep an enrolment; return what it takes the place of, in words. The newest one wins.

    The same again, as a device that got no answer sends it, begins anew in its own place. One that takes the
    place of a device's that left management is no surprise, and has no warning.
    """
    warnings: list[str] = []
    for earlier in _earlier(session, app, request):
        if _is_same(earlier, topic, request):
            session.execute("DELETE FROM enrolments WHERE id = ?", (earlier.id,))
        elif earlier.superseded_at is None:
            _write(session, replace(earlier, superseded_at=now, waiting=False))
            if not earlier.has_left:
                warnings.append(_warning(earlier, topic, request))
        else:  # one earlier enrolment is kept, to see what a device may still have
            session.execute("DELETE FROM enrolments WHERE id = ?", (earlier.id,))
    made = Enrolment(
        id=0, app=app, token=request.token, push_magic=request.push_magic, topic=topic,
        device=request.device, keep_awake=request.keep_awake, enrolled_at=now,
    )  # fmt: skip
    session.execute(_INSERT, (*_values(made)[1:], sha256_of(request.token), next_push(made)))
    session.execute(
        "INSERT INTO topics (app, topic) VALUES (?, ?) "
        "ON CONFLICT (app) DO UPDATE SET topic = excluded.topic",
        (app, topic),
    )
    return warnings


def check_in(session: Session, app: str, token: bytes, now: float) -> bool:
    """Note that a device called; return False when no enrolment of this token counts."""
    found = current(session, app, token)
    if found is None:
        return False
    _write(session, replace(found, checked_in_at=now, waiting=False))
    return True


def check_out(
    session: Session, app: str, token: bytes, push_magic: str | None, now: float
) -> Enrolment | None:
    """Note that a device left management; return the enrolment that this ended, None when none is kept.

    With a push magic it is the enrolment of that, which may be superseded; without one it is the one that
    counts. The time of the first report stays. A push of the schedule that waits is not submitted again at a
    restart.
    """
    kept = of_token(session, app, token)
    found = next((each for each in kept if _is_meant(each, push_magic)), None)
    if found is not None and found.checked_out_at is None:
        _write(session, replace(found, checked_out_at=now, waiting=False))
    return found


def begin_push(session: Session, numbers: Sequence[int], now: float) -> list[Enrolment]:
    """Note that pushes are about to be submitted; return the enrolments that are still to be pushed to."""
    begun: list[Enrolment] = []
    for number in numbers:
        for row in session.execute(f"SELECT {_ALL} FROM enrolments WHERE id = ?", (number,)):
            found = _read(row)
            due = next_push(found)
            if due is not None and due <= now:
                changed = replace(found, pushes=found.pushes + 1, pushed_at=now, waiting=True)
                _write(session, changed)
                begun.append(changed)
    return begun


def put_off(session: Session, number: int, until: float) -> None:
    """Note that a push was not taken: it is due again at `until`."""
    session.execute(
        "UPDATE enrolments SET waiting = 0, pushes = pushes - 1, due_at = ? WHERE id = ? AND waiting = 1",
        (until, number),
    )


def settle(session: Session, outcomes: Sequence[PushOutcome]) -> None:
    """Note what became of pushes, on the enrolments that count; an earlier one's says nothing of them."""
    for each in outcomes:
        found = current(session, each.app, each.token)
        if found is None or each.pushed_at < found.enrolled_at:
            continue
        changed = replace(
            found,
            waiting=found.waiting and not each.own,
            pushed_at=max(each.pushed_at, found.pushed_at or 0.0),
            outcome=each.state, status=each.status, reason=each.reason, outcome_at=each.at,
        )  # fmt: skip
        _write(session, changed)


def due(session: Session, now: float, limit: int) -> tuple[list[int], float | None]:
    """The enrolments that are due, the earliest first; and when the next one will be."""
    rows = session.execute(
        "SELECT id FROM enrolments WHERE due_at <= ? ORDER BY due_at LIMIT ?", (now, limit)
    )
    [(later,)] = session.execute("SELECT min(due_at) FROM enrolments WHERE due_at > ?", (now,))
    return [number for (number,) in rows], later


def waiting(session: Session, after: int, limit: int) -> list[Enrolment]:
    """Enrolments with a push that has no outcome yet, in their order behind one."""
    rows = session.execute(
        f"SELECT {_ALL} FROM enrolments WHERE waiting = 1 AND id > ? ORDER BY id LIMIT ?", (after, limit)
    )
    return list(map(_read, rows))


def current(session: Session, app: str, token: bytes) -> Enrolment | None:
    """The enrolment of a token that counts."""
    return next((each for each in of_token(session, app, token) if each.superseded_at is None), None)


def of_token(session: Session, app: str, token: bytes) -> list[Enrolment]:
    """Every enrolment of a token that is kept, the newest first."""
    return list(map(_read, session.execute(_OF_TOKEN, (sha256_of(token), app))))


def of_device(session: Session, app: str, device: str) -> list[Enrolment]:
    """Every enrolment of a device that is kept, the newest first."""
    return list(map(_read, session.execute(_OF_DEVICE, (device, app))))


def find(session: Session, app: str, beginning: bytes) -> list[Enrolment]:
    """The enrolments, `MOST_FOUND` at most, of tokens whose SHA-256 begins so."""
    above = beginning + b"\xff" * (33 - len(beginning))
    rows = session.execute(
        f"SELECT {_ALL} FROM enrolments WHERE sha256 >= ? AND sha256 < ? AND app = ? ORDER BY sha256, id "
        f"LIMIT {MOST_FOUND}",
        (beginning, above, app),
    )
    return list(map(_read, rows))


def _earlier(session: Session, app: str, request: EnrolmentRequest) -> list[Enrolment]:
    found = {each.id: each for each in of_token(session, app, request.token)}
    if request.device is not None:
        found |= {each.id: each for each in of_device(session, app, request.device)}
    return list(found.values())


def _is_same(earlier: Enrolment, topic: str, request: EnrolmentRequest) -> bool:
    given = request.token, request.push_magic, request.device, topic
    kept = earlier.token, earlier.push_magic, earlier.device, earlier.topic
    return earlier.superseded_at is None and given == kept


def _is_meant(kept: Enrolment, push_magic: str | None) -> bool:
    return kept.superseded_at is None if push_magic is None else kept.push_magic == push_magic


def _warning(earlier: Enrolment, topic: str, request: EnrolmentRequest) -> str:
    whose = "token" if earlier.token == request.token else "device"
    differing = [
        word
        for word, kept, given in (
            ("token", earlier.token, request.token),
            ("push magic", earlier.push_magic, request.push_magic),
            ("topic", earlier.topic, topic),
        )
        if kept != given
    ]
    had = " and another ".join(differing) or "device"
    return f"an earlier enrolment of this {whose} is superseded: it had another {had}"


def _write(session: Session, changed: Enrolment) -> None:
    session.execute(_UPDATE, (*_values(changed)[6:], next_push(changed), changed.id))


def _values(enrolment: Enrolment) -> tuple[Any, ...]:
    return tuple(getattr(enrolment, name) for name in _COLUMNS)


def _read(row: Row) -> Enrolment:
    fields = dict(zip(_COLUMNS, row, strict=True))
    outcome = fields["outcome"]
    return Enrolment(
        **fields
        | {
            "keep_awake": bool(fields["keep_awake"]),
            "waiting": bool(fields["waiting"]),
            "outcome": None if outcome is None else State(outcome),
        }
    )


def sha256_of(token: bytes) -> bytes:
    """What a token is looked up by."""
    return hashlib.sha256(token).digest()
