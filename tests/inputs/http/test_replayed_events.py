"""Event streams from a sink that keeps outcomes: who comes back misses none, and gets none twice."""

import json
from typing import Any, ClassVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pushgate.inputs.http.event_id import EventId
from pushgate.inputs.http.event_stream import HEARTBEAT
from pushgate.model.errors import Invalid
from pushgate.plugin.sink_interface import IReplays, ReplayPage
from pushgate.testing import outcome
from tests.http_rig import HTTPTestCase, request
from tests.inputs.http.test_login import BEARER, proven
from tests.samples import token

MEMBERS = 1 << 16


@implementer(IReplays)
class Kept:
    """A sink that keeps reports: the one with number *n* has the position *n* * 65,536.

    :ivar holding: while true, `replay` answers only when the test releases it.
    :ivar late: then it is read when it is released, not when it was asked for.
    """

    epoch = "e1"

    def __init__(self) -> None:
        self.reports: list[Any] = []
        self.removed, self.first = 0, 1
        self.holding = self.late = False
        self.held: list[Deferred[None]] = []
        self.asked: list[int | None] = []
        self.followers: list[Any] = []
        self.error: Exception | None = None

    @property
    def end(self) -> int:
        return (self.first + len(self.reports)) * MEMBERS - 1

    def keep(self, *reports: Any) -> None:
        """Keep reports, and tell those who follow."""
        after, number = self.end, self.first + len(self.reports)
        self.reports += reports
        page = ReplayPage(after, self.end, tuple((at * MEMBERS, x) for at, x in enumerate(reports, number)))
        for kept in list(self.followers):
            kept(page)

    def replay(self, after: int | None) -> "Deferred[ReplayPage]":
        """Two reports at a time; of the first only what comes behind `after`."""
        self.asked.append(after)
        if self.error is not None:
            return fail(self.error)
        answer = self.page(after)
        if not self.holding:
            return succeed(answer)
        self.held.append(Deferred())
        return self.held[-1].addCallback(lambda _: self.page(after) if self.late else answer)

    def page(self, after: int | None) -> ReplayPage:
        if after is None or after > self.end:
            return ReplayPage(self.end if after is None else after, self.end, (), after is not None)
        found = []
        for number, report in enumerate(self.reports, self.first):
            skipped = max(0, after + 1 - number * MEMBERS)
            if skipped < len(report.span):
                part = report.span.part(skipped, report.span.stop)
                found.append((number * MEMBERS + skipped, type(report)(part, *_rest(report))))
        end = self.end if len(found) <= 2 else (found[1][0] // MEMBERS + 1) * MEMBERS - 1
        return ReplayPage(after, end, tuple(found[:2]), self.removed > after)

    def follow(self, kept: Any) -> Any:
        self.followers.append(kept)
        return lambda: self.followers.remove(kept)


def _rest(report: Any) -> list[Any]:
    return [getattr(report, name) for name in ("state", "status", "reason", "at", "upstream")]


class ReplayCase(HTTPTestCase):
    options: ClassVar = {"watch_timeout": "20s"}

    def setUp(self):
        super().setUp()
        self.kept = self.gateway.replaying = Kept()

    def watch(self, last=None, query="", **headers):
        """Ask for events; return them as type, id and data."""
        if last is not None:
            headers["Last_Event_ID"] = last
        self.assertEqual(self.send(request("GET", f"/v1/outcomes{query}", **headers)), [])
        self.assertEqual(self.rest.status, 200)
        return parsed(self.rest.body)

    def come_back(self, last=None, query="", **headers):
        """The same on a new connection."""
        self.lose()
        self.connection = self.connect()
        return self.watch(last, query, **headers)

    def events(self):
        """What came since the last look."""
        _, rest = self.rest_of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        return parsed(rest)

    def rest_of(self, head):
        transport = self.connection.transport
        data, text = transport.value(), b""
        transport.clear()
        while data:
            size, _, data = data.partition(b"\r\n")
            text += data[: int(size, 16)]
            data = data[int(size, 16) + 2 :]
        return head, text

    def stopped_reading(self):
        """Whatever is written from now on, the peer takes none of it; returns what ends that."""
        producer = self.connection.transport.producer
        producer.pauseProducing()
        return producer.resumeProducing


def parsed(text):
    """Events with their types, ids and data; an id without data is one of type ''."""
    found = []
    for block in text.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            kind = fields.get("event", "outcome" if "data" in fields else "")
            found.append((kind, fields.get("id"), json.loads(fields.get("data", "null"))))
    return found


def ids(events):
    """The ids of outcomes."""
    return [event_id for kind, event_id, _ in events if kind == "outcome"]


def place(number, member=0):
    """The id of the event of a member of the report with this number."""
    return f"e1-{number * MEMBERS + member}"


class ResumeTests(ReplayCase):
    def test_interface(self):
        """What stands for the sink is as the ledger is."""
        verifyObject(IReplays, self.kept)

    def test_each_event_has_an_id(self):
        """A stream begins with the id of the last that is kept, and each outcome has its own."""
        self.kept.keep(outcome())
        self.assertEqual(self.watch(), [("", f"e1-{2 * MEMBERS - 1}", None)])
        self.kept.keep(outcome(tokens=[token(1), token(2)]), outcome(order=2))
        events = self.events()
        self.assertEqual(ids(events), [place(2), place(2, 1), place(3)])
        self.assertEqual([data["token"] for *_, data in events[:2]], [token(1).hex(), token(2).hex()])
        self.assertEqual(self.kept.asked, [None])

    def test_behind_the_last_one(self):
        """Everything behind the event that was read last comes once, in pages, then what happens from now on."""
        self.kept.keep(*[outcome(order=number, tokens=[token(1), token(2)]) for number in range(5)])
        events = self.watch(place(2))
        expected = [place(2, 1), *[place(number, at) for number in (3, 4, 5) for at in (0, 1)]]
        self.assertEqual(ids(events), expected)
        self.kept.keep(outcome(order=9))
        self.assertEqual(ids(self.events()), [place(6)])

    def test_all_that_is_kept(self):
        """0 is before everything."""
        self.kept.keep(outcome(), outcome(order=2))
        self.assertEqual(ids(self.watch("0")), [place(1), place(2)])

    def test_nothing_was_missed(self):
        """The id of the last event brings nothing twice."""
        self.kept.keep(outcome())
        self.assertEqual(ids(self.watch(place(1))), [])
        self.kept.keep(outcome(order=2))
        self.assertEqual(ids(self.events()), [place(2)])

    def test_while_it_is_read(self):
        """What is kept while a page is being read is neither left out nor repeated."""
        self.kept.holding = True
        self.kept.keep(outcome())
        self.watch("0")
        self.kept.keep(outcome(order=2))  # behind the page that is on its way
        while self.kept.held:
            self.kept.held.pop().callback(None)
        self.assertEqual(ids(self.events()), [place(1), place(2)])

    def test_what_comes_before_the_first_look(self):
        """A stream begins where it was asked for: what is kept until its thread reads the end is not left out."""
        for late in (False, True):
            with self.subTest(late=late):
                self.kept.holding, self.kept.late = True, late
                before = self.kept.end
                self.come_back()
                self.kept.keep(outcome())
                self.kept.keep(outcome(order=2))
                while self.kept.held:
                    self.kept.held.pop().callback(None)
                last = self.kept.end // MEMBERS
                events = self.events()
                self.assertEqual(ids(events), [place(last - 1), place(last)])
                self.assertGreater(EventId.parse(ids(events)[0]).position, before)

    def test_a_slow_reader(self):
        """It is given more when it has read, from where it was, and nothing waits for it in memory."""
        self.watch()
        resume = self.stopped_reading()
        self.kept.keep(outcome(order=1))
        for number in range(2, 7):
            self.kept.keep(outcome(order=number))
        self.assertEqual(self.kept.asked, [None])
        resume()
        self.assertEqual(ids(self.events()), [place(number) for number in range(1, 7)])
        self.kept.keep(outcome(order=9))
        self.assertEqual(ids(self.events()), [place(7)])

    def test_a_reader_that_does_not_read(self):
        """It is disconnected, and counted; nothing more is read for it."""
        self.watch()
        self.stopped_reading()
        self.kept.keep(outcome())
        self.pass_time(20)
        self.assertTrue(self.connection.transport.aborted)
        self.lose()
        self.assertEqual(self.kept.followers, [])
        self.assertEqual(self.counted("pushgate_watchers_dropped_total"), {("http", "unread"): 1})

    def test_a_page_that_leaves_out_some(self):
        """Where two sinks write one file, as in a reload, what the other one kept is read."""
        self.watch()
        self.kept.reports += [outcome()]
        self.kept.keep(outcome(order=2))
        self.assertEqual(ids(self.events()), [place(1), place(2)])

    def test_one_app(self):
        """What comes later is chosen as what comes now, and heartbeats name positions of others' outcomes."""
        self.kept.keep(outcome(app="news"), outcome(app="mail"), outcome(app="news"))
        self.assertEqual(ids(self.watch("0", "?app=mail")), [place(2)])
        self.kept.keep(outcome(app="news"))
        self.assertEqual(self.events(), [])
        self.pass_time(HEARTBEAT)
        self.assertEqual(self.events(), [("", f"e1-{5 * MEMBERS - 1}", None)])

    def test_what_was_removed(self):
        """A gap is an event of its own, before what is left."""
        self.kept.first, self.kept.removed = 4, 3 * MEMBERS
        self.kept.keep(outcome())
        gap, event, _ = self.watch(place(2))
        self.assertEqual((gap[0], gap[1], gap[2]["reason"]), ("gap", None, "removed"))
        self.assertEqual(event[1], place(4))
        self.assertEqual(ids(self.come_back(place(3))), [place(4)])

    def test_ids_of_others(self):
        """An id of another ledger, or none of this one, is a gap; then comes what happens from now on."""
        self.kept.keep(outcome())
        for last in ("e2-65536", "live", place(99)):
            gap, *rest = self.come_back(last)
            self.assertEqual((gap[0], gap[2]["reason"]), ("gap", "unknown"))
            self.assertEqual(ids(rest), [])
            self.assertEqual(rest[-1][1], f"e1-{2 * MEMBERS - 1}")

    def test_the_sink_stops(self):
        """The answer ends, so that the reader comes back to the next one; also one that is behind."""
        self.watch()
        self.kept.followers[0](None)
        self.assertTrue(self.connection.transport.value().endswith(b"0\r\n\r\n"))
        self.assertEqual(self.kept.followers, [])
        self.kept.keep(outcome())
        self.come_back(place(1))
        self.stopped_reading()
        self.kept.keep(outcome(), outcome())
        self.kept.followers[0](None)
        self.assertEqual(self.kept.asked, [None, MEMBERS])

    def test_who_goes_away(self):
        """Nothing is read for it any more, not even the page that is on its way."""
        self.kept.holding = True
        self.kept.keep(outcome())
        self.watch("0")
        self.lose()
        self.kept.held.pop().callback(None)
        self.assertEqual((self.kept.followers, self.kept.asked, self.kept.held), ([], [0], []))

    def test_it_cannot_be_read(self):
        """The stream ends, and the log says why."""
        self.kept.error = OSError("no such disk")
        self.assertEqual(self.ask("GET", "/v1/outcomes", Last_Event_ID="0").body, b": outcomes\n\n")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class PermissionTests(ReplayCase):
    grants: ClassVar = {"shop": proven(apps=frozenset({"mail"}))}

    def test_apps_of_others(self):
        """A principal that comes back is given the outcomes of its own apps only, as before."""
        self.kept.keep(outcome(app="news"), outcome(app="mail"))
        self.assertEqual(ids(self.watch("0", authorization=BEARER)), [place(2)])
        self.refusal(self.come_back_refused("?app=news"), 403, "FORBIDDEN")

    def come_back_refused(self, query):
        """The answer to a request on a new connection that is refused."""
        self.connection = self.connect()
        return self.ask("GET", f"/v1/outcomes{query}", Last_Event_ID="0", authorization=BEARER)


@given(st.text("0123456789abcdefXYZ", min_size=1, max_size=32), st.integers(0, 10**19 - 1))
def test_ids_return(epoch, position):
    """What an event had as its id is read as what it was."""
    whole = EventId(epoch, position)
    assert EventId.parse(str(whole)) == whole


@given(st.text(max_size=60))
def test_anything(text):
    """Whatever is sent is an id or is refused by name."""
    fields = []
    try:
        EventId.parse(text)
    except Invalid as error:
        fields.append(error.field)
    assert fields in ([], ["Last-Event-ID"])
