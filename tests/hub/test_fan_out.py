"""A send on its way: what the gateway is given, and that a crash at any step loses nothing and sends nothing twice."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from pushgate.hub.sending import pages
from pushgate.hub.settings import HubTable
from pushgate.hub.store import feedback, send_work, sends
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import Conflict, Invalid, Overloaded, ShuttingDown
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template
from pushgate.model.hub.send import SendState
from pushgate.model.outcome import Outcome, State
from pushgate.testing import RecordingGateway
from pushgate.testing.batch import batch
from pushgate.testing.context import EPOCH
from tests.hub_sending_rig import BODY, PowerCut, PowerCutError, Rig, alert


class FanOutTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(pages, "DEVICES", 10)
        self.patch(pages, "TEMPLATE_DEVICES", 10)
        self.rig = Rig()

    def test_a_native_send_reaches_the_devices_of_its_tags_once_each(self) -> None:
        """Those of the expression get the body; a second registration of the same device is skipped."""
        database = self.rig.database
        for number in range(25):
            database.add_device(b"%02d" % number, "a" if number % 2 else "b")
        database.add_device(b"01", "a", "c")
        database.add_device(b"x", "a", platform=Platform.FCMV1)
        self.rig.send(expression="a && !z")
        self.rig.sender.start()
        assert sorted(self.rig.tokens()) == [b"%02d" % number for number in range(1, 25, 2)]
        assert {payload for _, payload in self.rig.sent()} == {BODY}
        assert self.rig.counts() == {"apns": {"Skipped": 1}}
        assert set(self.rig.gateway.inputs) == {"hubs.main"}
        assert self.rig.state() is SendState.PROCESSING

    def test_a_broadcast_and_one_that_finds_no_one(self) -> None:
        """Without an expression all devices of the platform are reached; without a target it says so."""
        for number in range(25):
            self.rig.database.add_device(b"%02d" % number)
        self.rig.send("all")
        self.rig.send("none", expression="nowhere")
        self.rig.sender.start()
        self.rig.clock.advance(0)
        assert sorted(self.rig.tokens()) == [b"%02d" % number for number in range(25)]
        assert self.rig.state("none") is SendState.NO_TARGET_FOUND

    def test_templates_are_rendered_for_each_device(self) -> None:
        """Each template of a device is a notification; those of equal terms go together; a wrong one is counted."""
        database = self.rig.database
        database.add_device(b"1", template=Template(body=alert("{'A ' + $(message)}")))
        database.add_device(b"1", template=Template(body=alert("{'B ' + $(message)}")))
        database.add_device(b"2", template=Template(body=alert("{'A ' + $(message)}")))
        database.add_device(b"3", template=Template(body=alert("$(me)")), variables={"me": "Jon"})
        database.add_device(b"4", template=Template(body=alert("$(wrong")))
        database.add_device(
            b"5", template=Template(body=alert("{'A ' + $(message)}"), headers={"apns-collapse-id": "c"})
        )
        database.add_device(b"6")
        self.rig.send(platform=None, body=b'{"message":"hi"}')
        self.rig.sender.start()
        found = {(token, msgspec.json.decode(payload)["aps"]["alert"]) for token, payload in self.rig.sent()}
        assert found == {(b"1", "A hi"), (b"1", "B hi"), (b"2", "A hi"), (b"3", "Jon"), (b"5", "A hi")}
        assert [each.terms.collapse_id for each in self.rig.gateway.submissions] == [None, "c"]
        assert self.rig.counts() == {"apns": {"InvalidNotificationFormat": 1}}

    def test_templates_are_rendered_where_they_are_read(self) -> None:
        """In a thread of the database: the reactor does not wait for thousands of templates that all differ."""
        self.rig.database.add_device(b"1", template=Template(body=alert("$(message)")))
        self.rig.send(platform=None, body=b'{"message":"hi"}')
        at_work: list[bool] = []
        made = pages.template_groups

        def noted(*arguments: Any) -> Any:
            at_work.append(self.rig.database.connection.in_transaction)
            return made(*arguments)

        self.patch(pages, "template_groups", noted)
        self.rig.sender.start()
        assert at_work == [True]

    def test_templates_that_cannot_be_rendered_take_one_row_a_page(self) -> None:
        """However many devices have them; and no handle stands in its id."""
        for number in range(10):
            self.rig.database.add_device(b"%d" % number, template=Template(body=alert("$(wrong")))
        self.rig.send(platform=None, body=b'{"message":"hi"}')
        self.rig.sender.start()
        assert self.rig.counts() == {"apns": {"InvalidNotificationFormat": 10}}
        assert self.rig.database.session.execute("SELECT id FROM batch") == [("hub/s/0/apns/faults",)]

    def test_a_direct_send_looks_for_no_registrations(self) -> None:
        """It goes to its handles, each once."""
        self.rig.database.add_device(b"other")
        self.rig.send(handles=("aabb", "AABB", "cc"))
        self.rig.sender.start()
        assert self.rig.tokens() == [b"\xaa\xbb", b"\xcc"]

    def test_a_full_queue_is_waited_for(self) -> None:
        """A queue that is nearly full stops the fan-out until it has room; one that refuses is tried again."""
        for number in range(25):
            self.rig.database.add_device(b"%02d" % number)
        self.rig.gateway.full.add("news")
        self.rig.send()
        self.rig.sender.start()
        assert self.rig.tokens() == []
        self.rig.gateway.relieve("news")
        assert len(self.rig.tokens()) == 25

        self.rig.gateway.error = Overloaded("queue", 1, 1)
        self.rig.send("t", expression=None)
        self.rig.sender.look()
        self.rig.gateway.error = None
        self.rig.clock.advance(1)
        assert len(self.rig.tokens()) == 50

    def test_a_queue_smaller_than_a_page_gets_it_in_parts(self) -> None:
        """What never finds room as a whole is submitted in parts, each with its payloads."""
        self.patch(pages, "DEVICES", 50)
        self.patch(pages, "TEMPLATE_DEVICES", 50)
        for number in range(35):
            self.rig.database.add_device(b"%02d" % number)
            self.rig.database.add_device(
                b"%02d" % number, template=Template(body=alert("$(me)")), variables={"me": str(number)}
            )
        submit = self.rig.gateway.submit

        def small(submission: Any, *rest: Any) -> Any:
            return (
                submit(submission, *rest)
                if len(submission.tokens) <= 30
                else fail(Overloaded("queue", 0, 30))
            )

        self.patch(self.rig.gateway, "submit", small)
        self.rig.send()
        self.rig.send("t", platform=None, body=b'{"message":"hi"}')
        self.rig.sender.start()
        self.rig.clock.advance(0)
        assert sorted(self.rig.tokens()) == sorted([b"%02d" % number for number in range(35)] * 2)
        alerts = {token: payload for token, payload in self.rig.sent() if payload != BODY}
        assert alerts[b"34"] == b'{"aps":{"alert":"34"}}'
        assert self.rig.database.session.execute("SELECT SUM(live) FROM batch") == [(70,)]

    def test_a_send_that_takes_too_long_is_abandoned(self) -> None:
        """After 30 minutes nothing more is submitted, and what waits is withdrawn."""
        for number in range(25):
            self.rig.database.add_device(b"%02d" % number)
        self.rig.send()
        self.patch(
            self.rig.gateway,
            "pressed",
            lambda app, relieved: (lambda: None) if self.rig.gateway.submissions else None,
        )
        self.rig.sender.start()
        assert len(self.rig.tokens()) == 10
        for _ in range(400):
            self.rig.clock.advance(5)
        assert len(self.rig.tokens()) == 10
        assert len(self.rig.gateway.withdrawn) == 1

    def test_a_send_that_takes_too_long_in_the_middle_of_a_page(self) -> None:
        """What was submitted of the page is withdrawn, and its outcomes count for the send."""
        for number in range(6):
            self.rig.database.add_device(b"%02d" % number)
        submit = self.rig.gateway.submit

        def small(submission: Any, *rest: Any) -> Any:
            if len(submission.tokens) <= 1:
                self.rig.gateway.full.add("news")
                return submit(submission, *rest)
            return fail(Overloaded("queue", 0, 5))

        self.patch(self.rig.gateway, "submit", small)
        self.rig.send()
        self.rig.sender.start()
        self.rig.clock.pump([5] * 400)
        assert len(self.rig.tokens()) == 1
        assert len(self.rig.gateway.withdrawn) == 1
        assert self.rig.database.session.execute("SELECT send, live FROM batch") == [("s", 1)]

    def test_a_scheduled_send_waits_for_its_time_and_can_be_cancelled(self) -> None:
        """It begins when it is due; cancelled before that, it never does."""
        self.rig.database.add_device(b"1")
        self.rig.send("later", scheduled_for=EPOCH + 3)
        self.rig.send("never", scheduled_for=EPOCH + 4)
        self.rig.sender.start()
        assert self.rig.state("later") is SendState.SCHEDULED
        assert sends.cancel(self.rig.database.session, "never")
        self.rig.clock.advance(2)
        assert self.rig.tokens() == []
        self.rig.clock.advance(1)
        assert self.rig.tokens() == [b"1"]
        self.rig.clock.advance(5)
        assert self.rig.state("never") is SendState.CANCELED
        assert not sends.cancel(self.rig.database.session, "later")
        assert len(self.rig.tokens()) == 1

    def test_a_database_out_of_reach_only_delays(self) -> None:
        """The send goes on when the database is back."""
        self.rig.database.add_device(b"1")
        self.rig.send()
        self.rig.database.down = True
        self.rig.sender.start()
        self.rig.clock.advance(5)
        self.rig.database.down = False
        self.rig.clock.advance(5)
        assert self.rig.tokens() == [b"1"]

    def test_stopping_leaves_the_send_to_another_gateway(self) -> None:
        """One that stops gives its sends up, so another need not wait for the lease to end."""
        for number in range(25):
            self.rig.database.add_device(b"%02d" % number)
        self.rig.send()
        self.patch(
            self.rig.gateway,
            "pressed",
            lambda app, relieved: (lambda: None) if self.rig.gateway.submissions else None,
        )
        self.rig.sender.start()
        self.successResultOf(Deferred.fromCoroutine(self.rig.sender.stop()))
        other = Rig(self.rig.database, "two", self.rig.clock)
        other.sender.start()
        assert sorted(self.rig.tokens() + other.tokens()) == [b"%02d" % number for number in range(25)]


STEPS = ["claim", "native_page", "plan", "advance", "submit"]


@pytest.mark.parametrize(
    ("step", "times"),
    [(step, times) for step in STEPS for times in (1, 2, 3) if (step, times) != ("claim", 3)],
)
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("heir", ["one", "two"])
def test_a_crash_loses_nothing_and_sends_nothing_twice(step, times, done, heir, monkeypatch):
    """Whatever step the process ends before or behind, the same gateway goes on without a gap or a repeat.

    Another one, which cannot ask what was submitted, marks what it may repeat as doubtful.
    """
    monkeypatch.setattr(pages, "DEVICES", 10)
    rig = Rig()
    for number in range(35):
        rig.database.add_device(b"%02d" % number)
    rig.send()
    cut = PowerCut(rig, step, times, done=done)
    rig.sender.start()
    cut.over()

    first = rig.gateway
    if heir == "two":
        rig.clock.advance(61)  # its lease ends
        rig.owner, rig.gateway = "two", RecordingGateway("news", "droid")
    second = rig.gateway
    rig.sender = rig.make()
    rig.sender.start()
    doubtful = [token for each in second.submissions if each.doubtful for token in each.tokens]
    everything = {id(each): each for each in (*first.submissions, *second.submissions)}.values()
    tokens = Counter(token for each in everything for token in each.tokens)
    assert sorted(tokens) == [b"%02d" % number for number in range(35)]
    twice = {token for token, count in tokens.items() if count > 1}
    assert twice <= set(doubtful)
    assert twice == set() or heir == "two"


def test_a_page_that_two_gateways_worked_on_is_doubtful_for_both() -> None:
    """The one that planned it does not know what the other one submitted meanwhile."""
    rig = Rig()
    rig.database.add_device(b"1")
    rig.send()
    begun = send_work.claim(rig.database.session, "one", 60, [])
    assert begun is not None
    assert send_work.plan(rig.database.session, begun, send_work.Plan(1, True, "one"), 60)
    rig.clock.advance(61)
    assert send_work.claim(rig.database.session, "two", 60, []) is not None
    rig.clock.advance(61)
    rig.sender.start()
    assert [each.doubtful for each in rig.gateway.submissions] == [True]


def test_outcomes_end_a_send_and_are_counted_once() -> None:
    """The send is completed with its last outcome, in whatever order outcomes and records come."""
    rig = Rig()
    for number in range(3):
        rig.database.add_device(b"%032d" % number)
    rig.send()
    rig.sender.start()
    (submission,) = rig.gateway.submissions
    number = int(rig.database.session.execute("SELECT id FROM batch")[0][0], 16)
    whole = msgspec.structs.replace(
        batch(tuple(submission.tokens), app="news"), id=number, origin="hubs.main"
    )

    def outcome(
        start: int, stop: int, state: State, status: int | None = None, recalled: bool = False
    ) -> Outcome:
        return Outcome(
            BatchSlice(whole, start, stop, recalled=recalled), state, status, "", EPOCH, "apns-stream"
        )

    rig.sink.emit([outcome(0, 2, State.PRESUMED)])
    assert rig.state() is SendState.PROCESSING
    rig.sink.emit([outcome(0, 2, State.PRESUMED), outcome(2, 3, State.REJECTED, 8)])
    assert rig.state() is SendState.COMPLETED
    assert rig.counts() == {"apns": {"Success": 2, "BadChannel": 1}}
    rig.sink.emit([outcome(1, 2, State.REJECTED, 7, recalled=True)])
    rig.sink.emit([outcome(1, 2, State.REJECTED, 7, recalled=True)])
    assert rig.counts() == {"apns": {"Success": 1, "BadChannel": 1, "InvalidNotificationSize": 1}}
    assert sends.details(rig.database.session, "s").has_errors
    assert rig.context.metrics.counts["pushgate_hub_outgoing_total"] == {
        ("main", "apns", "Success"): 2,
        ("main", "apns", "BadChannel"): 1,
        ("main", "apns", "InvalidNotificationSize"): 1,
    }


def test_two_platforms_of_one_app() -> None:
    """Outcomes, error details and metrics name the platform of the devices, not another one of the app."""
    rig = Rig()
    rig.hub.use(HubTable(fcmv1="droid", gcm="droid"))
    for platform in (Platform.FCMV1, Platform.GCM):
        rig.database.add_device(b"phone", platform=platform)
    rig.send(platform=Platform.GCM, body=b'{"data":{}}')
    rig.sender.start()
    number = int(rig.database.session.execute("SELECT id FROM batch")[0][0], 16)
    whole = msgspec.structs.replace(batch((b"phone",), app="droid"), id=number, origin="hubs.main")
    rig.sink.emit([Outcome(BatchSlice(whole, 0, 1), State.REJECTED, 404, "UNREGISTERED", EPOCH, "fcm")])
    assert rig.counts() == {"gcm": {"ExpiredChannel": 1}}
    assert rig.context.metrics.counts["pushgate_hub_outgoing_total"] == {("main", "gcm", "ExpiredChannel"): 1}
    (entry,) = feedback.read(rig.database.session, "s", None, 0, 10)
    assert entry.platform is Platform.GCM
    assert entry.registration_id == rig.database.session.execute(
        "SELECT registration.id FROM registration JOIN device ON device.number = registration.device"
        " WHERE device.platform = 'gcm'"
    )[0][0]  # fmt: skip


def test_a_page_that_takes_longer_than_its_lease_keeps_the_send() -> None:
    """Each submission renews it in time, so that no other gateway takes over what is being submitted."""
    rig = Rig()
    for number in range(4):
        template = Template(body=alert("x"), headers={"apns-collapse-id": str(number)})
        rig.database.add_device(b"%d" % number, template=template)
    submit, left = rig.gateway.submit, []

    def slow(*arguments: Any) -> Any:
        rig.clock.advance(40)  # of 60 s
        [(until,)] = rig.database.session.execute("SELECT lease_until FROM lane")
        left.append(until - EPOCH - rig.clock.seconds())
        return submit(*arguments)

    rig.gateway.submit = slow  # type: ignore[method-assign]  # this one takes its time
    rig.send(platform=None, body=b"{}")
    rig.sender.start()
    assert len(rig.tokens()) == 4
    assert min(left) > 0


class RefusedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = Rig()

    def test_members_that_the_gateway_refuses_are_counted(self) -> None:
        """A handle that its rules do not take is a bad channel; the others are sent."""
        self.rig.database.add_device(b"1")
        self.rig.database.add_device(b"x" * 101)
        self.rig.send()
        self.rig.sender.start()
        assert self.rig.counts() == {"apns": {"BadChannel": 1}}
        assert self.rig.database.session.execute("SELECT live FROM batch") == [(1,)]

    def test_a_submission_that_is_refused_as_a_whole(self) -> None:
        """All of it is counted, and the send ends."""
        self.rig.database.add_device(b"1")
        self.rig.send()
        self.rig.gateway.error = Invalid("payload", "wrong", "right")
        self.rig.sender.start()
        assert self.rig.counts() == {"apns": {"InvalidNotificationFormat": 1}}
        assert self.rig.state() is SendState.COMPLETED

    def test_a_page_that_changed_since_it_was_submitted(self) -> None:
        """It was submitted as it was then, and is not again."""
        self.rig.database.add_device(b"1")
        self.rig.send()
        self.rig.gateway.error = Conflict()
        self.rig.sender.start()
        self.rig.gateway.error = None
        self.rig.clock.advance(10)
        assert self.rig.tokens() == []

    def test_the_outcomes_of_a_page_that_changed_since_count_for_its_send(self) -> None:
        """What became of the batch as it was then is in the telemetry."""
        self.rig.database.add_device(b"1" * 32)
        self.rig.send()
        self.rig.database.before = lambda what: self.cut() if what == "advance" else None
        self.rig.sender._failed = lambda *arguments: None
        self.rig.sender.start()
        self.rig.sender._stopping = True
        self.rig.database.before, self.rig.database.down = lambda what: None, False
        run = self.rig.database.session.execute
        run("UPDATE device SET handle = ?", (b"2" * 32,))
        self.rig.sender = self.rig.make()
        self.rig.sender.start()
        assert self.rig.tokens() == [b"1" * 32]
        number = int(run("SELECT id FROM batch WHERE send = 's'")[0][0], 16)
        whole = msgspec.structs.replace(batch((b"1" * 32,), app="news"), id=number, origin="hubs.main")
        self.rig.sink.emit([
            Outcome(BatchSlice(whole, 0, 1), State.PRESUMED, None, "", EPOCH, "apns-stream")
        ])  # fmt: skip
        assert self.rig.counts() == {"apns": {"Success": 1}}
        assert self.rig.state() is SendState.COMPLETED

    def cut(self) -> None:
        self.rig.database.down = True
        raise PowerCutError

    def test_templates_of_a_platform_without_an_app_are_skipped(self) -> None:
        """They are counted, whatever their terms are."""
        for number in range(2):
            self.rig.database.add_device(
                b"%d" % number, platform=Platform.WNS,
                template=Template(body="$(message)", headers={"x-wns-tag": str(number)}),
            )  # fmt: skip
        self.rig.send(platform=None, body=b'{"message":"hi"}')
        self.rig.sender.start()
        assert self.rig.counts() == {"wns": {"Skipped": 2}}

    def test_a_gateway_that_stops_leaves_the_send_open(self) -> None:
        """It goes on after the next start."""
        self.rig.database.add_device(b"1")
        self.rig.send()
        self.rig.gateway.error = ShuttingDown()
        self.rig.sender.start()
        assert self.rig.state() is SendState.PROCESSING
        self.successResultOf(Deferred.fromCoroutine(self.rig.sender.stop()))
        self.rig.gateway.error = None
        self.rig.sender = self.rig.make()
        self.rig.sender.start()
        assert self.rig.tokens() == [b"1"]
