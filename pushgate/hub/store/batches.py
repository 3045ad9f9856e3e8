"""Batches of sends in the database: what the pages of a send became, and when all of it has its outcome."""

from collections.abc import Iterable

import msgspec

from pushgate.database.interface import Session
from pushgate.hub.store.sends import end
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendState


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


def add(session: Session, send_id: str, entries: Iterable[BatchEntry]) -> None:
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
    return end(session, send_id, SendState.ABANDONED if rows[0][1] else state)


def abandon(session: Session, lane: int, send_id: str, owner: str) -> tuple[bool, list[int]]:
    """Resolve no more of a send that took too long, with all its lanes, by the lane of a gateway.

    :returns: whether that was this call's doing; and the batches of the send, which may be withdrawn.
    """
    mine = session.execute(
        "UPDATE lane SET resolved = 1 WHERE number = ? AND owner = ? AND resolved = 0 RETURNING send",
        (lane, owner),
    )
    if mine:
        session.execute("UPDATE lane SET resolved = 1, planned_end = NULL WHERE send = ?", (send_id,))
        session.execute("UPDATE send SET overdue = 1, resolved = 1 WHERE id = ?", (send_id,))
        finish(session, send_id)
    return bool(mine), unsettled(session, send_id)


def late(session: Session, patience: float, limit: int = 100) -> list[list[int]]:
    """Sends that began so many seconds ago and have no end: they are overdue. Return the batches of each.

    Of one that began twice as long ago nothing is waited for any more.

    :param limit: of them at a time, those first that began first.
    """
    now = session.now()
    rows = session.execute(
        "SELECT id, started_at FROM send WHERE ended_at IS NULL AND resolved = 1"
        " AND (started_at < ? AND overdue = 0 OR started_at < ?) ORDER BY started_at LIMIT ?",
        (now - patience, now - 2 * patience, limit),
    )
    for send_id, started_at in rows:
        session.execute("UPDATE send SET overdue = 1 WHERE id = ?", (send_id,))
        if started_at < now - 2 * patience:
            end(session, send_id, SendState.ABANDONED)
    return [unsettled(session, send_id) for send_id, _ in rows]


def unended(session: Session, limit: int = 1000) -> list[str]:
    """Sends that have all their outcomes, and no end.

    On PostgreSQL of two transactions at a time neither sees what the other one does: that of a last page that
    was empty does not see the last outcome, and the last outcomes of two gateways do not see each other.
    """
    rows = session.execute(
        "SELECT id FROM send WHERE ended_at IS NULL AND resolved = 1"
        " AND EXISTS (SELECT 1 FROM batch WHERE batch.send = send.id)"
        " AND NOT EXISTS (SELECT 1 FROM batch WHERE batch.send = send.id AND settled < live) LIMIT ?",
        (limit,),
    )
    return [send_id for (send_id,) in rows]


def unsettled(session: Session, send_id: str) -> list[int]:
    """The ids of batches of a send that have notifications without an outcome, as the gateway knows them."""
    rows = session.execute("SELECT id FROM batch WHERE send = ? AND settled < live", (send_id,))
    return [int(number, 16) for (number,) in rows]
