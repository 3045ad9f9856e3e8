"""Sends in work: each is claimed by one gateway at a time, and gone through a page at a time.

A send by templates may come apart: a platform whose app has no room goes on in a lane of its own, see
`lane_tables`. So what is claimed is a lane.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from pushgate.database.interface import Row, Session
from pushgate.hub.store import batches, many_rows
from pushgate.hub.store.batches import BatchEntry
from pushgate.hub.store.sends import COLUMNS, send_of
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import Send, SendState

_LATE: Final = 5.0
"""Seconds for which clocks may differ."""
_LANE: Final = "number, send, platform, cursor, planned_end, planned_last, planned_by"


class Plan(msgspec.Struct, frozen=True):
    """A page that was, or is being, submitted.

    :param end: its last device.
    :param last: no page follows.
    :param owner: the gateway that submits it; "" when several may have submitted parts of it.
    """

    end: int
    last: bool
    owner: str


class ActiveSend(msgspec.Struct, frozen=True, kw_only=True):
    """A lane of a send, which this gateway works on.

    :param lane: its number.
    :param platform: its only one; None: all but those that are `apart`.
    :param after: the device behind which the next page begins.
    :param plan: of that page, when it was begun.
    :param apart: the platforms that have lanes of their own.
    """

    lane: int
    send: Send
    platform: Platform | None
    after: int
    plan: Plan | None = None
    apart: frozenset[Platform] = frozenset()


class NewLane(msgspec.Struct, frozen=True):
    """A platform that goes on by itself, from the page that found no room for it.

    :param plan: of that page, when some of this platform's part of it may have been submitted.
    :param owner: the gateway that has the rest of that page; "" when it is for any to claim.
    :param expiry: as of `give_back`.
    """

    platform: Platform
    plan: Plan | None
    owner: str
    expiry: float


class DonePage(msgspec.Struct, frozen=True):
    """What a page became.

    :param entries: its batches, but for the platforms that part here.
    :param parting: the platforms that get lanes of their own.
    """

    plan: Plan
    entries: Sequence[BatchEntry] = ()
    parting: Sequence[NewLane] = ()


def claim(
    session: Session, owner: str, lease: float, busy: Sequence[int], full: Sequence[Platform] = ()
) -> ActiveSend | None:
    """Take the lane that is due for longest and that no other gateway works on.

    :param lease: seconds until another gateway may take it over, unless that is renewed.
    :param busy: the numbers of those that this gateway works on already.
    :param full: platforms whose apps have no room: lanes that are known to wait for them are left alone.
    """
    now = session.now()
    found = _claimable(session, owner, busy, full)
    if not found:
        return None
    rows = session.execute(
        "UPDATE lane SET owner = ?, lease_until = ?,"
        " planned_by = CASE WHEN planned_by = ? THEN planned_by ELSE '' END"
        " WHERE number = ? AND resolved = 0 AND (owner IN ('', ?) OR lease_until < ?)"
        f" RETURNING {_LANE}",
        (owner, now + lease, owner, found[0][0], owner, now),
    )
    return _begun(session, rows[0]) if rows else None


def _claimable(session: Session, owner: str, busy: Sequence[int], full: Sequence[Platform]) -> list[Row]:
    """The number of the lane to take.

    While apps are full, each kind of lane is looked for by an index of its own: of an app that is away very
    many may wait, and are not to be passed over one by one.
    """
    now = session.now()
    apart = f" AND number NOT IN ({many_rows.marks(len(busy))})" if busy else ""
    free = f"resolved = 0 AND due_at <= ?{apart} AND (owner IN ('', ?) OR lease_until < ?)"
    values = [now, *busy, owner, now]
    kinds: list[tuple[str, Sequence[float | str], str]] = [("", (), "due_at")]
    if full:
        kinds = [("waits_until = 0 AND ", (), "due_at")]
        kinds.append(("waits_until > 0 AND waits_until <= ? AND ", [now], "waits_until"))
        others = [each for each in Platform if each not in full]
        kinds += [("waits_until > 0 AND platform = ? AND ", [str(each)], "due_at") for each in others]
    every = " UNION ALL ".join(
        "SELECT number, due_at FROM (SELECT number, due_at FROM lane"
        f" WHERE {which}{free} ORDER BY {order}, number LIMIT 1) AS kind{index}"
        for index, (which, _, order) in enumerate(kinds)
    )
    return session.execute(
        f"SELECT number FROM ({every}) AS every ORDER BY due_at, number LIMIT 1",
        [value for _, own, _ in kinds for value in (*own, *values)],
    )


def _begun(session: Session, row: Row) -> ActiveSend:
    """Note that a send is worked on; return it with its lane."""
    number, send_id, platform, after, end, last, owner = row
    sends = session.execute(
        f"UPDATE send SET state = ?, started_at = COALESCE(started_at, ?) WHERE id = ? RETURNING {COLUMNS}",
        (str(SendState.PROCESSING), session.now(), send_id),
    )
    others = session.execute(
        "SELECT platform FROM lane WHERE send = ? AND number <> ? AND platform <> ''", (send_id, number)
    )
    send = send_of(sends[0])
    return ActiveSend(
        lane=number,
        send=send,
        platform=Platform(platform) if platform else send.request.platform,
        after=after,
        plan=None if end is None else Plan(end, bool(last), owner),
        apart=frozenset(Platform(other) for (other,) in others),
    )


def next_due(session: Session) -> float | None:
    """Seconds until the next scheduled send is due; None when there is none."""
    rows = session.execute(
        "SELECT due_at FROM lane WHERE resolved = 0 AND due_at > ? ORDER BY due_at LIMIT 1", (session.now(),)
    )
    return float(rows[0][0]) - session.now() if rows else None


def renew(session: Session, lane: int, owner: str, lease: float) -> bool:
    """Keep a lane for so many seconds more; False when another gateway has it."""
    return bool(
        session.execute(
            "UPDATE lane SET lease_until = ?"
            " WHERE number = ? AND owner = ? AND resolved = 0 RETURNING number",
            (session.now() + lease, lane, owner),
        )
    )


def plan(session: Session, active: ActiveSend, plan: Plan, lease: float) -> bool:
    """Put on record that a page is going to be submitted; False when another gateway has the lane."""
    return bool(
        session.execute(
            "UPDATE lane SET planned_end = ?, planned_last = ?, planned_by = ?, lease_until = ?"
            " WHERE number = ? AND owner = ? AND cursor = ? AND resolved = 0 RETURNING number",
            (
                *(plan.end, int(plan.last), plan.owner, session.now() + lease),
                *(active.lane, plan.owner, active.after),
            ),
        )
    )


def advance(
    session: Session, active: ActiveSend, owner: str, page: DonePage, lease: float
) -> dict[Platform, int] | None:
    """Record what a page became, and go on behind it; None when another gateway has the lane.

    A send ends here with the last page of its last lane if all its notifications have their outcome.

    :returns: the numbers of the new lanes.
    """
    plan, send_id = page.plan, active.send.id
    moved = session.execute(
        "UPDATE lane SET cursor = ?, planned_end = NULL, resolved = ?, lease_until = ?"
        " WHERE number = ? AND owner = ? AND cursor = ? AND resolved = 0 RETURNING number",
        (plan.end, int(plan.last), session.now() + lease, active.lane, owner, active.after),
    )
    if not moved:
        if session.execute("SELECT id FROM send WHERE id = ? AND overdue = 1", (send_id,)):
            batches.add(session, send_id, page.entries)  # it was abandoned meanwhile
        return None
    numbers = {each.platform: _part(session, active, each, lease) for each in page.parting}
    if plan.last:
        _resolve(session, send_id)
    batches.add(session, send_id, page.entries)
    return numbers


def _resolve(session: Session, send_id: str) -> None:
    """Note whether all lanes of a send are resolved.

    The row is written in any case: of two lanes that end at a time PostgreSQL has one wait for the other.
    """
    session.execute(
        "UPDATE send SET resolved = CASE WHEN EXISTS"
        " (SELECT 1 FROM lane WHERE send = ? AND resolved = 0) THEN 0 ELSE 1 END WHERE id = ?",
        (send_id, send_id),
    )


def _part(session: Session, active: ActiveSend, new: NewLane, lease: float) -> int:
    """Make a lane for a platform; return its number."""
    plan = new.plan
    planned = (None, 0, "") if plan is None else (plan.end, int(plan.last), plan.owner)
    (due,) = session.execute("SELECT due_at FROM lane WHERE number = ?", (active.lane,))[0]
    rows = session.execute(
        "INSERT INTO lane (send, platform, due_at, owner, lease_until, waits_until, cursor,"
        " planned_end, planned_last, planned_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
        (
            *(active.send.id, str(new.platform), due),
            *(new.owner, session.now() + lease if new.owner else 0.0),
            *(_waits_until(session, active, new.expiry), active.after, *planned),
        ),
    )
    return int(rows[0][0])


def give_back(session: Session, active: ActiveSend, platform: Platform, owner: str, expiry: float) -> None:
    """Leave a lane until the app of its platform has room; nothing of its page was submitted by this gateway.

    A plan that was there when it was claimed stays: some may have been submitted by then.

    :param expiry: seconds from the beginning of the send after which it is claimed all the same, and found
        to have taken too long.
    """
    unplanned = "planned_end = NULL, " if active.plan is None else ""
    session.execute(
        f"UPDATE lane SET {unplanned}platform = ?, waits_until = ?, owner = '', lease_until = 0"
        " WHERE number = ? AND owner = ?",
        (str(platform), _waits_until(session, active, expiry), active.lane, owner),
    )


def _waits_until(session: Session, active: ActiveSend, expiry: float) -> float:
    """When a lane that finds no room is claimed at the latest: not at once again, however late it is."""
    now = session.now()
    began = now if active.send.started_at is None else active.send.started_at
    return max(began + expiry, now) + _LATE


def release(session: Session, owner: str) -> None:
    """Give up the lanes of a gateway that stops: another one may go on at once."""
    session.execute("UPDATE lane SET owner = '', lease_until = 0 WHERE owner = ? AND resolved = 0", (owner,))
