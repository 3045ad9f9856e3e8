"""Looking again and again, on a clock that the tests move."""

import json

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.cli.status.asking import NoStats
from pushgate.cli.top.display import JSONLines, Pages
from pushgate.cli.top.loop import refresh
from pushgate.model.errors import Forbidden, Unreachable

ANSWER = {"uptime": 1.0, "apps": {"news": {}}, "outcomes": {"news": {"accepted": 1}}}


class FakeGateway:
    """Answers when a test says so.

    :ivar asked: the questions that wait.
    """

    def __init__(self):
        self.asked = []

    def stats(self):
        self.asked.append(Deferred())
        return self.asked[-1]

    def answer(self, value):
        self.asked.pop(0).callback(value)


class FakeDisplay:
    def __init__(self):
        self.looks, self.reasons = [], []

    def show(self, look):
        self.looks.append(look)

    def lost(self, why):
        self.reasons.append(why)


class LoopTests(SynchronousTestCase):
    def setUp(self):
        self.clock, self.gateway, self.display = Clock(), FakeGateway(), FakeDisplay()

    def start(self, interval=1.0, count=None):
        self.running = Deferred.fromCoroutine(
            refresh(self.gateway, self.display, self.clock, interval, count)
        )
        self.addCleanup(lambda: self.running.addErrback(lambda _: None).cancel())

    def test_a_look_each_interval(self):
        """Requests are an interval apart, independently of the time of the answers."""
        self.start()
        self.clock.advance(0.3)
        self.gateway.answer(ANSWER)
        self.clock.advance(0.69)
        self.assertEqual(self.gateway.asked, [])
        self.clock.advance(0.02)
        self.assertEqual(len(self.gateway.asked), 1)
        self.assertEqual([look.stats.outcomes for look in self.display.looks], [{"news": {"accepted": 1}}])

    def test_a_slow_gateway_is_not_pressed(self):
        """There is one request at a time, and a pause after a slow answer."""
        self.start()
        self.clock.advance(30)
        self.assertEqual(len(self.gateway.asked), 1)
        self.gateway.answer(ANSWER)
        self.assertEqual(self.gateway.asked, [])
        self.clock.advance(0.5)
        self.assertEqual(len(self.gateway.asked), 1)

    def test_count(self):
        """It ends after the given number of looks."""
        self.start(count=2)
        self.gateway.answer(ANSWER)
        self.clock.advance(1)
        self.gateway.answer(ANSWER)
        self.assertIsNone(self.successResultOf(self.running))
        self.assertEqual(self.display.looks[1].samples.history("news"), [0.0])

    def test_a_restart_is_waited_for(self):
        """An unreachable gateway is asked again; a refusal ends the loop."""
        self.start()
        self.gateway.asked.pop().errback(Unreachable("no route"))
        self.clock.advance(1)
        self.gateway.answer(ANSWER)
        self.assertEqual(self.display.reasons, ["no route"])
        self.assertEqual(len(self.display.looks), 1)
        self.clock.advance(1)
        self.gateway.asked.pop().errback(Forbidden("read"))
        self.failureResultOf(self.running, Forbidden)

    def test_an_invalid_answer(self):
        """An invalid answer is an error of one line that names the field."""
        self.start()
        self.gateway.answer({"apps": {"news": {"queue": "many"}}})
        error = self.failureResultOf(self.running, NoStats).value
        self.assertIn("$.apps[...].queue", str(error))


def look(capsys, kind):
    """The output of a display for two looks."""
    gateway, clock = FakeGateway(), Clock()
    display = kind("there", {}, lambda: 0.0)
    with display:
        running = Deferred.fromCoroutine(refresh(gateway, display, clock, 1.0, 2))
        gateway.answer(ANSWER)
        clock.advance(1)
        gateway.answer(ANSWER | {"outcomes": {"news": {"accepted": 6}}})
        display.lost("gone\x1b[2J")
    assert running.called
    return capsys.readouterr()


def test_json_lines(capsys):
    """An object on a line for each look, with the rates; other lines are on stderr."""
    out, err = look(capsys, JSONLines)
    first, second = map(json.loads, out.splitlines())
    assert first == ANSWER | {"rates": {"news": {"submitted": 0.0, "settled": 0.0}}}
    assert second["rates"] == {"news": {"submitted": 0.0, "settled": 5.0}}
    assert err == "no answer: gone\\x1b[2J\n"


def test_pages(capsys):
    """In a pipe looks are separated by blank lines, without colours and cursor codes."""
    out, _ = look(capsys, Pages)
    assert out.count("the gateway at there") == 2
    assert "\x1b" not in out
    assert "5.0" in out
