"""Sends in the database: accepted, cancelled, looked up, ended, forgotten."""

from typing import Final

import msgspec

from pushgate.database.interface import Row, Session
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import ENDED, Send, SendDetails, SendRequest, SendState

MOST: Final = 1000
"""Rows of one purge at most, so that it is short."""
COLUMNS: Final = "id, request, state, accepted_at, started_at, ended_at"
_read_request: Final = msgspec.json.Decoder(SendRequest).decode


def add(session: Session, send_id: str, request: SendRequest) -> Send:
    """Keep a send that is to be worked on when it is due."""
    now = session.now()
    due = now if request.scheduled_for is None else request.scheduled_for
    send = Send(
        id=send_id,
        request=request,
        state=SendState.SCHEDULED if due > now else SendState.ENQUEUED,
        at=now,
    )
    _insert(session, send, resolved=False)
    session.execute(
        "INSERT INTO lane (send, platform, due_at) VALUES (?, ?, ?)",
        (send_id, "" if request.platform is None else str(request.platform), due),
    )
    return send


def begin(session: Session, send_id: str, request: SendRequest) -> Send:
    """Keep a send that is worked on already: no gateway claims it."""
    now = session.now()
    send = Send(id=send_id, request=request, state=SendState.PROCESSING, at=now, started_at=now)
    _insert(session, send, resolved=True)
    return send


def _insert(session: Session, send: Send, resolved: bool) -> None:
    session.execute(
        "INSERT INTO send (id, request, state, accepted_at, started_at, resolved) VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(send.id, msgspec.json.encode(send.request), str(send.state), send.at, send.started_at),
            int(resolved),
        ),
    )


def cancel(session: Session, send_id: str) -> bool:
    """Cancel a scheduled send; False when it has begun or ended. Raises `UnknownResource`."""
    find(session, send_id)
    cancelled = session.execute(
        "UPDATE send SET state = ?, resolved = 1, ended_at = ? WHERE id = ? AND state = ? RETURNING id",
        (str(SendState.CANCELED), session.now(), send_id, str(SendState.SCHEDULED)),
    )
    session.executemany("UPDATE lane SET resolved = 1 WHERE send = ?", cancelled)
    return bool(cancelled)


def find(session: Session, send_id: str) -> Send:
    """The send with this id. Raises `UnknownResource`."""
    rows = session.execute(f"SELECT {COLUMNS} FROM send WHERE id = ?", (send_id,))
    if not rows:
        raise UnknownResource("notification")
    return send_of(rows[0])


def details(session: Session, send_id: str) -> SendDetails:
    """A send with the counts of its outcomes. Raises `UnknownResource`."""
    send = find(session, send_id)
    counted = session.execute(
        "SELECT platform, name, SUM(number) FROM batch JOIN batch_outcome ON batch_outcome.batch = batch.id"
        " WHERE send = ? GROUP BY platform, name",
        (send_id,),
    )
    outcomes: dict[Platform, dict[str, int]] = {}
    for platform, name, number in counted:
        if number:
            outcomes.setdefault(Platform(platform), {})[name] = int(number)
    errors = session.execute(
        "SELECT position FROM feedback WHERE batch IN (SELECT id FROM batch WHERE send = ?) LIMIT 1",
        (send_id,),
    )
    return SendDetails(send=send, outcomes=outcomes, has_errors=bool(errors))


def latest(session: Session, scheduled: bool, limit: int) -> list[Send]:
    """The sends that came last, or those that are scheduled next."""
    if scheduled:
        rows = session.execute(
            f"SELECT {COLUMNS} FROM send JOIN (SELECT send, due_at FROM lane WHERE resolved = 0) AS open"
            " ON open.send = send.id WHERE state = ? ORDER BY due_at, id LIMIT ?",
            (str(SendState.SCHEDULED), limit),
        )
    else:
        rows = session.execute(
            f"SELECT {COLUMNS} FROM send ORDER BY accepted_at DESC, id DESC LIMIT ?", (limit,)
        )
    return [send_of(row) for row in rows]


def purge(session: Session, keep: float) -> bool:
    """Forget sends that ended so many seconds ago, and outcomes of no send; True when there may be more."""
    before = session.now() - keep
    old = session.execute(
        "SELECT id FROM send WHERE accepted_at < ? AND ended_at < ? LIMIT ?", (before, before, 10)
    )
    batches = session.execute(
        "SELECT id FROM batch WHERE at < ? AND send NOT IN (SELECT id FROM send) LIMIT ?", (before, MOST)
    )
    session.executemany("DELETE FROM send WHERE id = ?", old)
    session.executemany("DELETE FROM lane WHERE send = ?", old)
    for table, column in (("batch", "id"), ("batch_outcome", "batch"), ("reported", "batch")):
        session.executemany(f"DELETE FROM {table} WHERE {column} = ?", batches)
    feedback = session.execute(
        "DELETE FROM feedback WHERE position IN (SELECT position FROM feedback WHERE at < ?"
        " ORDER BY at LIMIT ?) RETURNING position",
        (before, MOST),
    )
    return bool(old or batches or feedback)


def end(session: Session, send_id: str, state: SendState) -> SendState:
    """Note that a send has ended; return the state."""
    assert state in ENDED
    session.execute(
        "UPDATE send SET state = ?, ended_at = ? WHERE id = ?", (str(state), session.now(), send_id)
    )
    return state


def send_of(row: Row) -> Send:
    """The send in a row that begins with `COLUMNS`."""
    send_id, request, state, at, started_at, ended_at = row[:6]
    return Send(
        id=send_id,
        request=_read_request(request),
        state=SendState(state),
        at=at,
        started_at=started_at,
        ended_at=ended_at,
    )
