"""What is left to be done of sends, on both databases: who may claim what, and when."""

import pytest

from pushgate.hub.store import batches, purging, send_work, sends
from pushgate.hub.store.send_work import DonePage, NewLane, Plan
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest, SendState

APNS, ADM = Platform.APNS, Platform.ADM


@pytest.fixture
def store(session):
    """The session, without sends."""
    for table in ("send", "lane", "batch"):
        session.execute(f"DELETE FROM {table}")
    return session


def claim(session, owner="one", busy=(), full=()):
    return send_work.claim(session, owner, 60, busy, full)


def test_a_lane_without_room_waits_for_it(store):
    """A native send is begun once, and then left alone until its app has room, or it took too long."""
    sends.add(store, "s", SendRequest(body=b"{}", platform=ADM))
    lane = claim(store, full=[ADM])
    assert (lane.platform, lane.send.state) == (ADM, SendState.PROCESSING)
    assert send_work.plan(store, lane, Plan(5, False, "one"), 60)
    send_work.give_back(store, lane, ADM, "one", 1800)
    assert claim(store, full=[APNS, ADM]) is None
    assert claim(store, "two", full=[APNS]).plan is None
    send_work.release(store, "two")
    store.execute("UPDATE lane SET waits_until = ?", (store.now() - 1,))
    assert claim(store, full=[ADM]) is not None
    send_work.give_back(store, lane, ADM, "one", 0)  # too late already, and yet not at once again
    assert claim(store, full=[ADM]) is None


def test_of_all_that_may_be_claimed_the_lane_that_is_due_for_longest_is(store):
    """Whether it never waited, its platform has room, or it has waited for too long."""
    for number, platform in enumerate((ADM, ADM, None, APNS, ADM)):
        sends.add(store, f"{number}", SendRequest(body=b"{}", platform=platform))
        store.execute("UPDATE lane SET due_at = ? WHERE send = ?", (number, f"{number}"))
    for send_id, waits_until in (("0", store.now() + 99), ("1", store.now() - 1), ("3", store.now() + 99)):
        store.execute("UPDATE lane SET waits_until = ? WHERE send = ?", (waits_until, send_id))
    found = []
    while (lane := claim(store, busy=[each.lane for each in found], full=[ADM])) is not None:
        found.append(lane)
    assert [each.send.id for each in found] == ["1", "2", "3", "4"]
    assert claim(store, "two", full=[ADM]) is None
    assert claim(store, "two").send.id == "0"


def test_a_platform_parts(store):
    """Both lanes know of each other; the send is resolved when both are, and is no device purged before."""
    sends.add(store, "s", SendRequest(body=b"{}"))
    lane = claim(store)
    assert (lane.platform, lane.apart) == (None, frozenset())
    parting = [NewLane(ADM, None, "", 1800), NewLane(APNS, Plan(9, True, "one"), "one", 1800)]
    numbers = send_work.advance(store, lane, "one", DonePage(Plan(9, True, "one"), (), parting), 60)
    assert send_work.advance(store, lane, "one", DonePage(Plan(9, True, "one")), 60) is None
    assert claim(store, "two", full=[ADM]) is None
    adm, apns = claim(store, "two"), claim(store)
    assert (adm.lane, adm.platform, adm.plan, adm.after) == (numbers[ADM], ADM, None, 0)
    assert (apns.lane, apns.plan, apns.apart) == (numbers[APNS], Plan(9, True, "one"), {ADM})
    assert send_work.renew(store, adm.lane, "two", 60)
    assert not send_work.renew(store, adm.lane, "one", 60)
    send_work.advance(store, adm, "two", DonePage(Plan(0, True, "two")), 60)
    assert not purging.purge_devices(store, [])
    send_work.advance(store, apns, "one", DonePage(Plan(9, True, "one")), 60)
    assert purging.purge_devices(store, [])
    assert sends.find(store, "s").state is SendState.NO_TARGET_FOUND


def test_a_send_is_abandoned_with_all_its_lanes(store):
    """Once; a second lane that finds out has nothing left to do."""
    sends.add(store, "s", SendRequest(body=b"{}"))
    lane = claim(store)
    page = DonePage(Plan(9, False, "one"), (), [NewLane(ADM, None, "", 1800)])
    send_work.advance(store, lane, "one", page, 60)
    adm = claim(store, busy=[lane.lane])
    assert batches.abandon(store, adm.lane, "s", "one") == (True, [])
    assert batches.abandon(store, lane.lane, "s", "one") == (False, [])
    assert claim(store) is None
    assert sends.find(store, "s").state is SendState.ABANDONED


def test_a_send_that_nobody_ended_is_found(store):
    """All its notifications have their outcome; others wait for some, are not resolved, or have ended."""
    for send_id in ("missed", "waits", "open", "ended"):
        sends.add(store, send_id, SendRequest(body=b"{}", platform=APNS))
        store.execute(
            "INSERT INTO batch (id, send, platform, live, settled, at) VALUES (?, ?, 'apns', 2, ?, 0)",
            (f"batch of {send_id}", send_id, 1 if send_id == "waits" else 2),
        )
    store.execute("UPDATE send SET resolved = 1 WHERE id <> 'open'")
    sends.end(store, "ended", SendState.COMPLETED)
    sends.begin(store, "test", SendRequest(body=b"{}", platform=APNS))  # which has no batches yet
    assert batches.unended(store) == ["missed"]
    assert batches.finish(store, "missed") is SendState.COMPLETED
    assert batches.unended(store) == []


def test_scheduled_sends_are_listed_until_they_are_cancelled(store):
    """Those that are due next come first."""
    for number, at in enumerate((300, 100, 200)):
        request = SendRequest(body=b"{}", platform=APNS, scheduled_for=store.now() + at)
        sends.add(store, str(number), request)
    assert 90 < send_work.next_due(store) <= 100
    assert [each.id for each in sends.latest(store, True, 9)] == ["1", "2", "0"]
    assert sends.cancel(store, "1")
    assert [each.id for each in sends.latest(store, True, 9)] == ["2", "0"]
    assert send_work.next_due(store) > 190
