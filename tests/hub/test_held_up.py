"""A queue without room holds up what is for its app, and nothing else."""

from collections import Counter
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pushgate.hub.sending import pages, sender
from pushgate.hub.store import send_work, sends
from pushgate.model.errors import Overloaded
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template
from pushgate.model.hub.send import SendRequest, SendState
from pushgate.testing import RecordingGateway
from tests.hub_sending_rig import PowerCut, Rig, alert

HI = b'{"message":"hi"}'
FCM = '{"message":{"notification":{"title":"$(message)"}}}'
PHONES = [b"a%02d" % number for number in range(25)]
DROIDS = [b"d%02d" % number for number in range(25)]


def register(rig: Rig, phones: Any = PHONES, droids: Any = DROIDS) -> None:
    """A phone and a droid in turn, with templates of three kinds of terms, and natively."""
    for number, (phone, droid) in enumerate(zip(phones, droids, strict=True)):
        headers = {"apns-collapse-id": str(number % 3)}
        rig.database.add_device(phone, template=Template(body=alert("$(message)"), headers=headers))
        rig.database.add_device(droid, platform=Platform.FCMV1, template=Template(body=FCM))
        rig.database.add_device(phone)
        rig.database.add_device(droid, platform=Platform.FCMV1)


def broadcast(rig: Rig, send_id: str = "s") -> None:
    rig.send(send_id, platform=None, body=HI)


def tokens(rig: Rig, app: str) -> list[bytes]:
    return [token for each in rig.gateway.submissions if each.app == app for token in each.tokens]


def is_resolved(rig: Rig, send_id: str = "s") -> bool:
    rows = rig.database.session.execute("SELECT resolved FROM send WHERE id = ?", (send_id,))
    return rows == [(1,)]


class Queue:
    """The queue of an app, with room for so many more notifications.

    :ivar is_pressed: it counts as nearly full when there was none for some.
    """

    def __init__(self, rig: Rig, app: str, room: int, limit: int = 0) -> None:
        self.rig, self.app, self.room, self.limit = rig, app, room, limit
        self.is_pressed = True
        self.submit = rig.gateway.submit
        rig.gateway.submit = self.offered  # type: ignore[method-assign]  # this one has a bound

    def offered(self, submission: Any, *rest: Any) -> Any:
        if submission.app == self.app:
            if len(submission.tokens) > self.room:
                if self.is_pressed:
                    self.rig.gateway.full.add(self.app)
                return fail(Overloaded("queue", 0, self.limit))
            self.room -= len(submission.tokens)
        return self.submit(submission, *rest)

    def drain(self, room: int) -> None:
        self.room = room
        self.rig.gateway.relieve(self.app)


class HeldUpTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(pages, "DEVICES", 10)
        self.patch(pages, "TEMPLATE_DEVICES", 10)
        self.rig = Rig()

    def test_another_platform_of_the_same_send_goes_on(self) -> None:
        """Of all pages; the one that waits goes on from its first device when there is room, each once."""
        register(self.rig)
        self.rig.gateway.full.add("droid")
        broadcast(self.rig)
        self.rig.sender.start()
        assert sorted(tokens(self.rig, "news")) == PHONES
        assert tokens(self.rig, "droid") == []
        assert not is_resolved(self.rig)
        self.rig.gateway.relieve("droid")
        assert sorted(tokens(self.rig, "droid")) == DROIDS
        assert sorted(tokens(self.rig, "news")) == PHONES
        assert is_resolved(self.rig)
        assert self.rig.database.session.execute("SELECT SUM(live) FROM batch") == [(50,)]

    def test_other_sends_go_on_behind_many_that_are_held_up(self) -> None:
        """Native ones and broadcasts: none of them has a worker while it waits."""
        register(self.rig)
        self.rig.gateway.full.add("droid")
        for number in range(2 * sender.WORKERS):
            self.rig.send(f"n{number}", platform=Platform.FCMV1, body=b'{"message":{}}')
            broadcast(self.rig, f"t{number}")
        self.rig.send("last")
        self.rig.sender.start()
        self.rig.clock.pump([0] * 9)
        assert is_resolved(self.rig, "last")
        assert Counter(tokens(self.rig, "news")) == dict.fromkeys(PHONES, 2 * sender.WORKERS + 1)
        assert self.rig.sender.active() == 0
        self.rig.gateway.relieve("droid")
        self.rig.clock.pump([0] * 9)
        assert Counter(tokens(self.rig, "droid")) == dict.fromkeys(DROIDS, 4 * sender.WORKERS)

    def test_nothing_is_read_for_a_send_that_is_held_up(self) -> None:
        """However long its queue is full, it costs no page."""
        register(self.rig)
        self.rig.gateway.full.add("droid")
        self.rig.send(platform=Platform.FCMV1, body=b'{"message":{}}')
        done = Counter[str]()
        self.rig.database.before = lambda what: done.update([what])
        self.rig.sender.start()
        self.rig.clock.pump([5] * 100)
        assert done["native_page"] == 0
        assert done["give_back"] == 1

    def test_very_many_that_are_held_up_cost_the_others_nothing(self) -> None:
        """What SQLite does to claim a send does not grow with those that wait for an app."""
        session, connection = self.rig.database.session, self.rig.database.connection
        steps = []
        for waiting in (10, 5000):
            for number in range(waiting):
                sends.add(session, f"{waiting}-{number}", SendRequest(body=b"{}", platform=Platform.FCMV1))
            session.execute("UPDATE lane SET waits_until = ?", (session.now() + 999,))
            self.rig.send(f"last-{waiting}")
            done: list[None] = []
            connection.set_progress_handler(lambda done=done: done.append(None), 100)
            found = send_work.claim(session, "one", 60, [], [Platform.FCMV1])
            connection.set_progress_handler(None, 0)
            assert found is not None
            assert found.send.id == f"last-{waiting}"
            send_work.advance(session, found, "one", send_work.DonePage(send_work.Plan(0, True, "one")), 60)
            steps.append(len(done))
        assert steps[1] < 2 * steps[0] + 10

    def test_a_lane_that_is_found_before_it_is_heard_of_is_worked_on_once(self) -> None:
        """The claim of another look overtakes the answer that a platform has left."""
        register(self.rig)
        queue = Queue(self.rig, "news", 3)

        def drained(what: str) -> None:
            if what == "advance" and self.rig.database.session.execute("SELECT 1 FROM lane LIMIT 1 OFFSET 1"):
                self.rig.database.after = lambda what: None
                self.rig.gateway.full.clear()
                queue.drain(100)
                self.rig.sender.look()

        self.rig.database.after = drained
        broadcast(self.rig)
        with capturedLogs() as logged:
            self.rig.sender.start()
            self.rig.clock.pump([0] * 9)
        assert sorted(tokens(self.rig, "news")) == PHONES
        assert is_resolved(self.rig)
        assert [each["log_format"] for each in logged if "another gateway" in each["log_format"]] == []

    def test_a_queue_that_fills_up_in_the_middle_of_a_page(self) -> None:
        """What was submitted of it is not again; all other platforms go on meanwhile, with all pages."""
        register(self.rig)
        queue = Queue(self.rig, "news", 3)
        broadcast(self.rig)
        self.rig.sender.start()
        begun = tokens(self.rig, "news")
        assert len(begun) in {2, 3}
        assert sorted(tokens(self.rig, "droid")) == DROIDS
        queue.drain(3)
        assert len(tokens(self.rig, "news")) > len(begun)
        for _ in range(20):
            queue.drain(5)
            self.rig.clock.advance(1)
        assert sorted(tokens(self.rig, "news")) == PHONES
        assert is_resolved(self.rig)
        assert self.rig.database.session.execute("SELECT SUM(live) FROM batch") == [(50,)]

    def test_what_was_read_before_is_what_is_submitted_later(self) -> None:
        """A device whose template changes while the rest of its page waits is not sent to twice."""
        register(self.rig)
        queue = Queue(self.rig, "news", 3)
        broadcast(self.rig)
        self.rig.sender.start()
        (first, *_) = tokens(self.rig, "news")
        self.rig.database.session.execute(
            "UPDATE registration SET document = json_set(document, '$.template.headers', json(?)) WHERE"
            " template = 1 AND device = (SELECT number FROM device WHERE handle = ?)",
            ('{"apns-collapse-id":"new"}', first),
        )
        queue.drain(100)
        self.rig.clock.pump([1] * 9)
        assert sorted(tokens(self.rig, "news")) == PHONES

    def test_sends_that_wait_in_the_middle_of_a_page_leave_their_workers(self) -> None:
        """To sends that need other apps; no more of them than are to be in memory."""
        self.patch(sender, "HELD", 10)
        register(self.rig)
        queue = Queue(self.rig, "news", 4)
        for number in range(30):
            broadcast(self.rig, f"t{number}")
            queue.room = 4
            self.rig.gateway.full.discard("news")
            self.rig.sender.start() if number == 0 else self.rig.sender.look()
            self.rig.clock.advance(0)
        assert self.rig.sender.active() <= sender.WORKERS + 10
        assert Counter(tokens(self.rig, "droid")) == dict.fromkeys(DROIDS, 30)
        for _ in range(600):
            queue.drain(20)
            self.rig.clock.advance(1)
        assert Counter(tokens(self.rig, "news")) == dict.fromkeys(PHONES, 30)

    def test_a_queue_smaller_than_a_group_of_one_platform(self) -> None:
        """That platform goes on in parts, the others do not wait."""
        register(self.rig)
        queue = Queue(self.rig, "droid", 2, limit=4)
        broadcast(self.rig)
        self.rig.sender.start()
        assert sorted(tokens(self.rig, "news")) == PHONES
        for _ in range(40):
            queue.drain(3)
            self.rig.clock.advance(1)
        assert sorted(tokens(self.rig, "droid")) == DROIDS
        assert is_resolved(self.rig)

    def test_sends_in_parts_to_one_app_leave_room_for_those_to_others(self) -> None:
        """However many there are: their queue is not nearly full, and has no room for a part."""
        register(self.rig)
        queue = Queue(self.rig, "droid", 0, limit=4)
        queue.is_pressed = False
        for number in range(60):
            self.rig.send(f"n{number}", platform=Platform.FCMV1, body=b'{"message":{}}')
        self.rig.sender.start()
        self.rig.clock.pump([0] * 60)
        self.rig.send("last")
        self.rig.sender.look()
        assert sorted(tokens(self.rig, "news")) == PHONES
        for _ in range(400):
            queue.drain(100)
            self.rig.clock.advance(1)
        assert Counter(tokens(self.rig, "droid")) == dict.fromkeys(DROIDS, 60)

    def test_one_that_is_held_up_for_too_long_is_abandoned(self) -> None:
        """After 30 minutes, begun or not: what waits elsewhere is withdrawn, and nothing is submitted later."""
        register(self.rig)
        self.rig.gateway.full.add("droid")
        broadcast(self.rig)
        self.rig.send("native", platform=Platform.FCMV1, body=b'{"message":{}}')
        self.rig.sender.start()
        self.rig.clock.pump([5] * 359)
        assert not is_resolved(self.rig)
        assert not is_resolved(self.rig, "native")
        self.rig.clock.pump([5] * 4)
        assert is_resolved(self.rig)
        assert self.rig.state("native") is SendState.ABANDONED
        assert len(self.rig.gateway.withdrawn) > 0
        self.rig.gateway.relieve("droid")
        self.rig.clock.pump([5] * 4)
        assert tokens(self.rig, "droid") == []

    def test_another_gateway_that_has_room_takes_it_over(self) -> None:
        """At once, and without a doubt: of what was given back nothing was submitted."""
        register(self.rig)
        self.rig.gateway.full.add("droid")
        broadcast(self.rig)
        self.rig.sender.start()
        other = Rig(self.rig.database, "two", self.rig.clock)
        other.sender.start()
        assert sorted(tokens(other, "droid")) == DROIDS
        assert tokens(other, "news") == []
        assert not any(each.doubtful for each in other.gateway.submissions)
        assert is_resolved(self.rig)

    def test_stopping_in_the_middle_of_a_page(self) -> None:
        """The same gateway goes on with the page after its next start, each device once."""
        register(self.rig)
        Queue(self.rig, "news", 3)
        broadcast(self.rig)
        self.rig.sender.start()
        self.successResultOf(Deferred.fromCoroutine(self.rig.sender.stop()))
        assert not is_resolved(self.rig)
        self.rig.gateway.submit = type(self.rig.gateway).submit.__get__(self.rig.gateway)  # type: ignore[method-assign]  # it has room now
        self.rig.gateway.full.clear()
        self.rig.sender = self.rig.make()
        self.rig.sender.start()
        self.rig.clock.advance(0)
        assert sorted(tokens(self.rig, "news")) == PHONES
        assert sorted(tokens(self.rig, "droid")) == DROIDS


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    ("step", "times"), [(s, t) for s in ("advance", "plan", "submit") for t in (1, 2, 4)]
)
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("heir", ["one", "two"])
def test_a_crash_while_a_platform_is_behind(full, step, times, done, heir, monkeypatch):
    """Nothing is left out of either platform, and nothing comes twice but what is marked as doubtful."""
    monkeypatch.setattr(pages, "TEMPLATE_DEVICES", 10)
    rig = Rig()
    register(rig)
    queue = Queue(rig, "news", 3)
    if full:
        rig.gateway.full.add("droid")
    cut = PowerCut(rig, step, times, done=done)
    broadcast(rig)
    rig.sender.start()
    for _ in range(20):
        queue.drain(9)
        rig.clock.advance(1)
    cut.over()

    first = rig.gateway
    first.submit = queue.submit
    first.full.clear()
    if heir == "two":
        rig.clock.advance(61)
        rig.owner, rig.gateway = "two", RecordingGateway("news", "droid")
    rig.sender = rig.make()
    rig.sender.start()
    rig.clock.pump([1] * 9)
    submissions = {id(each): each for each in (*first.submissions, *rig.gateway.submissions)}.values()
    found = Counter(token for each in submissions for token in each.tokens)
    assert sorted(found) == PHONES + DROIDS
    doubtful = {token for each in rig.gateway.submissions if each.doubtful for token in each.tokens}
    twice = {token for token, count in found.items() if count > 1}
    assert twice <= doubtful
    assert twice == set() or heir == "two"
    assert is_resolved(rig)


def test_a_page_that_ends_behind_its_send_counts_for_it() -> None:
    """Another lane had the send abandoned meanwhile: what was submitted is kept all the same."""
    rig = Rig()
    rig.send()
    active = send_work.claim(rig.database.session, "one", 60, [])
    assert active is not None
    rig.database.session.execute("UPDATE lane SET resolved = 1")
    rig.database.session.execute("UPDATE send SET resolved = 1, overdue = 1")
    entry = send_work.BatchEntry(id="b", platform=Platform.APNS, live=3)
    page = send_work.DonePage(send_work.Plan(1, True, "one"), [entry])
    assert send_work.advance(rig.database.session, active, "one", page, 60) is None
    assert rig.database.session.execute("SELECT send, live FROM batch") == [("s", 3)]
