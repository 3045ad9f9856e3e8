"""Sends in the database: accepted, claimed by a gateway, resolved a page at a time, ended."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from pushgate.hub.store.interface import Row, Session
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import ENDED, Send, SendDetails, SendRequest, SendState

MOST: Final = 1000
"""Rows of one purge at most, so that it is short."""
_SEND: Final = "id, request, state, accepted_at, started_at, ended_at"
_WORK: Final = f"{_SEND}, cursor, planned_end, planned_last, planned_by"
_read_request: Final = msgspec.json.Decoder(SendRequest).decode


class Plan(msgspec.Struct, frozen=True):
    """A page that was, or is being, submitted.

    :param end: its last device.
    :param last: no page follows.
    :param owner: the gateway that submits it.
    """

    end: int
    last: bool
    owner: str


class ActiveSend(msgspec.Struct, frozen=True):
    """A send that this gateway works on.

    :param after: the device behind which the next page begins.
    :param plan: of that page, when it was begun.
    """

    send: Send
    after: int
    plan: Plan | None = None


class BatchEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a submission.

    :param id: of the batch, or one of the hub's for what was not submitted.
    :param live: notifications that will have an outcome.
    :param outcomes: how many have one already, by name.
    """

    id: str
    platform: Platform
    live: int = 0
    outcomes: dict[str, int] = {}


def add(session: Session, send_id: str, request: SendRequest, resolved: bool = False) -> Send:
    """Keep a send.

    :param resolved: it is not to be worked on by `claim`.
    """
    now = session.now()
    due = now if request.scheduled_for is None else request.scheduled_for
    state = SendState.SCHEDULED if due > now else SendState.ENQUEUED
    send = Send(id=send_id, request=request, state=state, at=now)
    session.execute(
        "INSERT INTO send (id, request, state, accepted_at, due_at, resolved) VALUES (?, ?, ?, ?, ?, ?)",
        (send_id, msgspec.json.encode(request), str(state), now, due, int(resolved)),
    )
    return send


def begin(session: Session, send_id: str) -> None:
    """Note that a send that `claim` does not see is worked on now."""
    session.execute(
        "UPDATE send SET state = ?, started_at = ? WHERE id = ?",
        (str(SendState.PROCESSING), session.now(), send_id),
    )


def claim(session: Session, owner: str, lease: float, busy: Sequence[str]) -> ActiveSend | None:
    """Take the send that is due for longest and that no other gateway works on.

    :param lease: seconds until another gateway may take it over, unless that is renewed.
    :param busy: the ids of those that this gateway works on already.
    """
    now = session.now()
    apart = f" AND id NOT IN ({', '.join('?' * len(busy))})" if busy else ""
    found = session.execute(
        f"SELECT id FROM send WHERE resolved = 0 AND due_at <= ?{apart} AND (owner IN ('', ?)"
        " OR lease_until < ?) ORDER BY due_at, id LIMIT 1",
        (now, *busy, owner, now),
    )
    if not found:
        return None
    rows = session.execute(
        "UPDATE send SET owner = ?, lease_until = ?, state = ?, started_at = COALESCE(started_at, ?)"
        " WHERE id = ? AND resolved = 0 AND (owner IN ('', ?) OR lease_until < ?)"
        f" RETURNING {_WORK}",
        (owner, now + lease, str(SendState.PROCESSING), now, found[0][0], owner, now),
    )
    return _active(rows[0]) if rows else None


def next_due(session: Session) -> float | None:
    """Seconds until the next scheduled send is due; None when there is none."""
    rows = session.execute(
        "SELECT due_at FROM send WHERE resolved = 0 AND due_at > ? ORDER BY due_at LIMIT 1", (session.now(),)
    )
    return float(rows[0][0]) - session.now() if rows else None


def renew(session: Session, send_id: str, owner: str, lease: float) -> bool:
    """Keep a send for so many seconds more; False when another gateway has it."""
    return bool(
        session.execute(
            "UPDATE send SET lease_until = ? WHERE id = ? AND owner = ? AND resolved = 0 RETURNING id",
            (session.now() + lease, send_id, owner),
        )
    )


def plan(session: Session, active: ActiveSend, plan: Plan, lease: float) -> bool:
    """Put on record that a page is going to be submitted; False when another gateway has the send."""
    return bool(
        session.execute(
            "UPDATE send SET planned_end = ?, planned_last = ?, planned_by = ?, lease_until = ?"
            " WHERE id = ? AND owner = ? AND cursor = ? AND resolved = 0 RETURNING id",
            (
                *(plan.end, int(plan.last), plan.owner, session.now() + lease),
                *(active.send.id, plan.owner, active.after),
            ),
        )
    )


def advance(
    session: Session, active: ActiveSend, owner: str, plan: Plan, entries: Sequence[BatchEntry], lease: float
) -> bool:
    """Record what a page became, and go on behind it; False when another gateway has the send.

    A send with its last page ends here if all its notifications have their outcome.
    """
    moved = session.execute(
        "UPDATE send SET cursor = ?, planned_end = NULL, resolved = ?, lease_until = ?"
        " WHERE id = ? AND owner = ? AND cursor = ? AND resolved = 0 RETURNING id",
        (plan.end, int(plan.last), session.now() + lease, active.send.id, owner, active.after),
    )
    if moved:
        add_batches(session, active.send.id, entries)
    return bool(moved)


def add_batches(session: Session, send_id: str, entries: Iterable[BatchEntry]) -> None:
    """Enter batches of a send, and end it if that was all."""
    now = session.now()
    for entry in entries:
        session.execute(
            "INSERT INTO batch (id, send, platform, live, settled, at) VALUES (?, ?, ?, ?, 0, ?)"
            " ON CONFLICT (id) DO UPDATE SET send = excluded.send, platform = excluded.platform,"
            " live = excluded.live",
            (entry.id, send_id, str(entry.platform), entry.live, now),
        )
        count(session, [(entry.id, name, number) for name, number in entry.outcomes.items()])
    finish(session, send_id)


def count(session: Session, counts: Iterable[tuple[str, str, int]]) -> None:
    """Add to the counts of outcomes: batch, name, number."""
    session.executemany(
        "INSERT INTO batch_outcome (batch, name, number) VALUES (?, ?, ?)"
        " ON CONFLICT (batch, name) DO UPDATE SET number = batch_outcome.number + excluded.number",
        counts,
    )


def finish(session: Session, send_id: str) -> SendState | None:
    """End a send if all its notifications have their outcome; return the state it ends in."""
    rows = session.execute(
        "SELECT resolved, overdue FROM send WHERE id = ? AND ended_at IS NULL AND resolved = 1", (send_id,)
    )
    if not rows:
        return None
    batches, live, settled = session.execute(
        "SELECT COUNT(*), COALESCE(SUM(live), 0), COALESCE(SUM(settled), 0) FROM batch WHERE send = ?",
        (send_id,),
    )[0]
    if settled < live:
        return None
    state = SendState.COMPLETED if batches else SendState.NO_TARGET_FOUND
    return _end(session, send_id, SendState.ABANDONED if rows[0][1] else state)


def abandon(session: Session, send_id: str, owner: str) -> list[str]:
    """Resolve no more of a send that took too long; return its batches, which may be withdrawn."""
    session.execute(
        "UPDATE send SET overdue = 1, resolved = 1, planned_end = NULL WHERE id = ? AND owner = ?",
        (send_id, owner),
    )
    finish(session, send_id)
    return _batches(session, send_id)


def late(session: Session, patience: float, limit: int = 100) -> list[tuple[str, list[str]]]:
    """Sends that began so many seconds ago and have no end: they are overdue. Return each with its batches.

    Of one that began twice as long ago nothing is waited for any more.
    """
    now = session.now()
    rows = session.execute(
        "SELECT id, started_at FROM send WHERE ended_at IS NULL AND resolved = 1 AND started_at < ? LIMIT ?",
        (now - patience, limit),
    )
    for send_id, started_at in rows:
        session.execute("UPDATE send SET overdue = 1 WHERE id = ?", (send_id,))
        if started_at < now - 2 * patience:
            _end(session, send_id, SendState.ABANDONED)
    return [(send_id, _batches(session, send_id)) for send_id, _ in rows]


def release(session: Session, owner: str) -> None:
    """Give up the sends of a gateway that stops: another one may go on at once."""
    session.execute("UPDATE send SET owner = '', lease_until = 0 WHERE owner = ? AND resolved = 0", (owner,))


def cancel(session: Session, send_id: str) -> bool:
    """Cancel a scheduled send; False when it has begun or ended. Raises `UnknownResource`."""
    find(session, send_id)
    return bool(
        session.execute(
            "UPDATE send SET state = ?, resolved = 1, ended_at = ? WHERE id = ? AND state = ? RETURNING id",
            (str(SendState.CANCELED), session.now(), send_id, str(SendState.SCHEDULED)),
        )
    )


def find(session: Session, send_id: str) -> Send:
    """The send with this id. Raises `UnknownResource`."""
    rows = session.execute(f"SELECT {_SEND} FROM send WHERE id = ?", (send_id,))
    if not rows:
        raise UnknownResource("notification")
    return _send(rows[0])


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
            f"SELECT {_SEND} FROM send WHERE resolved = 0 AND state = ? ORDER BY due_at, id LIMIT ?",
            (str(SendState.SCHEDULED), limit),
        )
    else:
        rows = session.execute(
            f"SELECT {_SEND} FROM send ORDER BY accepted_at DESC, id DESC LIMIT ?", (limit,)
        )
    return [_send(row) for row in rows]


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
    for table, column in (("batch", "id"), ("batch_outcome", "batch"), ("reported", "batch")):
        session.executemany(f"DELETE FROM {table} WHERE {column} = ?", batches)
    feedback = session.execute(
        "DELETE FROM feedback WHERE position IN (SELECT position FROM feedback WHERE at < ?"
        " ORDER BY position LIMIT ?) RETURNING position",
        (before, MOST),
    )
    return bool(old or batches or feedback)


def _end(session: Session, send_id: str, state: SendState) -> SendState:
    assert state in ENDED
    session.execute(
        "UPDATE send SET state = ?, ended_at = ? WHERE id = ?", (str(state), session.now(), send_id)
    )
    return state


def _batches(session: Session, send_id: str) -> list[str]:
    rows = session.execute("SELECT id FROM batch WHERE send = ? AND settled < live", (send_id,))
    return [number for (number,) in rows]


def _send(row: Row) -> Send:
    send_id, request, state, at, started_at, ended_at = row[:6]
    return Send(
        id=send_id,
        request=_read_request(request),
        state=SendState(state),
        at=at,
        started_at=started_at,
        ended_at=ended_at,
    )


def _active(row: Row) -> ActiveSend:
    after, end, last, owner = row[6:]
    return ActiveSend(_send(row), after, None if end is None else Plan(end, bool(last), owner))
