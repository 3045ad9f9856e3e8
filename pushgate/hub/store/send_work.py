"""Sends in work: each is claimed by one gateway at a time, and gone through a page at a time."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pushgate.database.interface import Row, Session
from pushgate.hub.store import batches
from pushgate.hub.store.batches import BatchEntry
from pushgate.hub.store.sends import COLUMNS, send_of
from pushgate.model.hub.send import Send, SendState

_WORK: Final = f"{COLUMNS}, cursor, planned_end, planned_last, planned_by"


class Plan(msgspec.Struct, frozen=True):
    """A page that was, or is being, submitted.

    :param end: its last device.
    :param last: no page follows.
    :param owner: the gateway that submits it; "" when several may have submitted parts of it.
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
        "UPDATE send SET owner = ?, lease_until = ?, state = ?, started_at = COALESCE(started_at, ?),"
        " planned_by = CASE WHEN planned_by = ? THEN planned_by ELSE '' END"
        " WHERE id = ? AND resolved = 0 AND (owner IN ('', ?) OR lease_until < ?)"
        f" RETURNING {_WORK}",
        (owner, now + lease, str(SendState.PROCESSING), now, owner, found[0][0], owner, now),
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
        batches.add(session, active.send.id, entries)
    return bool(moved)


def release(session: Session, owner: str) -> None:
    """Give up the sends of a gateway that stops: another one may go on at once."""
    session.execute("UPDATE send SET owner = '', lease_until = 0 WHERE owner = ? AND resolved = 0", (owner,))


def _active(row: Row) -> ActiveSend:
    after, end, last, owner = row[6:]
    return ActiveSend(send_of(row), after, None if end is None else Plan(end, bool(last), owner))
