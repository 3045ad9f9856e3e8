"""``pushgate bench``, at a gateway in a process of its own."""

import json
import signal

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.cli.bench.result import BenchResult
from pushgate.cli.bench.run import BenchPlan, BenchRun
from pushgate.cli.bench.tally import OutcomeTally
from pushgate.cli.bench.tokens import HEAD, BenchTokens
from pushgate.cli.demo.directory import free_ports
from pushgate.client import FateUnknown, Overloaded, PushReceipt, Unreachable
from pushgate.client.receipt import ReceiptPart
from tests.cli.demo.test_audit import record
from tests.cli.programs import COMMAND, DOWN, LIMITED, RunningGateway, end, heard, pushgate, start

CHANCE = bytes(range(HEAD))


def bench(to, *options, app="demo"):
    """Measure; `to` is the gateway's address."""
    return pushgate("bench", "--app", app, "--to", to, *options)


def rows(done):
    """The table of a run without a terminal: the fields of each line by its first."""
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {name: fields for name, *fields in lines}


@pytest.fixture
def unreachable(certificates):
    """A gateway whose app `demo` has a push service of its own, which is not there."""
    running = RunningGateway(certificates, DOWN)
    yield running
    running.stop()


@pytest.fixture
def limited(tmp_path):
    """A gateway where a push needs a login."""
    (tmp_path / "shop.hash").write_text("")
    pushgate("secret", "shop", "--append", str(tmp_path / "shop.hash"))
    running = RunningGateway(tmp_path, LIMITED)
    yield running
    running.stop()


def test_a_table(gateway):
    """It has numbers, times and rates, and each outcome; all have one, so it ends with 0."""
    done = bench(gateway.to, "--count", "1200", "--batch", "100", "--dead-prefix", "dead", "--dead", "0.0025")
    table = rows(done)
    assert table.pop("notifications") == ["1,200", "", ""]
    for name in ("taken by the gateway", "settled"):
        count, seconds, rate = table.pop(name)
        assert (count, float(seconds) >= 0, int(rate.replace(",", "")) > 0) == ("1,200", True, True)
    assert table.pop("rejected 8 InvalidToken") == ["3", "", ""]
    assert table.keys() <= {"accepted", "presumed"}
    assert sum(int(count.replace(",", "")) for count, *_ in table.values()) == 1197
    assert done.stdout.splitlines()[-1].startswith("answer to a batch of 100: p50 ")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "pushed 1,200, settled 1,200 of 1,200"


def test_json(gateway):
    """Programs get the same as one object; tokens of a second run are others, so that none is suppressed."""
    options = ("--count", "20", "--dead-prefix", "dead", "--dead", "0.1", "--json")
    for _ in range(2):
        done = bench(gateway.to, *options)
        figures = json.loads(done.stdout)
        assert (figures["ok"], figures["missing"], figures["errors"]) == (True, 0, [])
        assert (figures["notifications"], figures["accepted"], figures["settled"]) == (20, 20, 20)
        rejected = {"state": "rejected", "status": 8, "reason": "InvalidToken", "count": 2}
        assert rejected in figures["outcomes"]
        assert 0 < figures["answer_ms"]["p50"] <= figures["answer_ms"]["p99"]
        assert figures["settled_in"] >= figures["pushed_in"] > 0
        assert done.returncode == 0


def test_refusals(gateway):
    """What the gateway refuses is counted and named; what would be a secret is in no line."""
    done = bench(gateway.to, "--count", "30", "--batch", "10", "--payload", '["hush"]')
    assert rows(done)["INVALID: payload: 8 bytes; a JSON object in UTF-8"] == ["30", "", ""]
    assert "without an outcome" not in rows(done)
    assert "hush" not in done.stdout + done.stderr
    assert done.returncode == 1


def test_no_simulator(unreachable):
    """Where devices may be, nothing is sent unless one says so; the gateway knows which app has a simulator."""
    done = bench(unreachable.to)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("nothing was sent: the upstream of demo is apns-stream, which may lead to")
    assert "--yes-send" in done.stderr
    assert bench(unreachable.to, "--count", "1", app="other").returncode == 0


def test_missing_outcomes(unreachable):
    """When no outcome comes for the time of --wait, it ends, and says how many are missing."""
    done = bench(unreachable.to, "--yes-send", "--count", "30", "--wait", "5")
    assert rows(done)["taken by the gateway"][0] == "30"
    assert rows(done)["without an outcome"] == ["30", "", ""]
    assert done.returncode == 1


def test_interrupted(unreachable):
    """Ctrl-C ends it, as it ends every command."""
    process = start(*COMMAND, "bench", "--app", "demo", "--to", unreachable.to, "--yes-send", "--count", "30")
    assert heard(process, "pushed ")
    code, out, _ = end(process, signal.SIGINT)
    assert (code, out) == (130, "")


def test_errors_are_those_of_send(gateway, limited):
    """No gateway, an unknown app and no login: the lines are those of `send`."""
    [port] = free_ports(1)
    for to, app in ((f"127.0.0.1:{port}", "demo"), (gateway.to, "nope"), (limited.to, "demo")):
        sent = pushgate("send", "--app", app, "--token", "0a", "--alert", "x", "--to", to)
        for options in ((), ("--yes-send",)):
            done = bench(to, *options, app=app)
            assert (done.stdout, done.stderr, done.returncode) == ("", sent.stderr, 1)


@pytest.mark.parametrize(
    "options",
    [
        ("--count", "0"),
        ("--batch", "1001"),
        ("--dead", "0.1"),
        ("--dead-prefix", "dead"),
        ("--dead-prefix", "dea", "--dead", "0.1"),
        ("--dead-prefix", "", "--dead", "0.1"),
        ("--dead-prefix", "de" * 9, "--dead", "0.1"),
    ],
)
def test_options(options):
    """Bounds, and options that go together, are a matter of use."""
    assert bench("127.0.0.1:1", *options).returncode == 2


class TokensTests(SynchronousTestCase):
    def test_batches(self) -> None:
        """All tokens are different, and known by their place; the last batch may be smaller."""
        tokens = BenchTokens(25, CHANCE)
        batches = list(tokens.batches(10))
        self.assertEqual([len(each) for each in batches], [10, 10, 5])
        indices = [tokens.index(token.hex()) for batch in batches for token in batch]
        self.assertEqual(indices, list(range(25)))

    def test_others(self) -> None:
        """Tokens of others, and what is none, are not taken for one of these."""
        tokens = BenchTokens(1, CHANCE)
        self.assertEqual([tokens.index(each) for each in (None, "", "0a", "11" * 32)], [None] * 4)

    def test_dead(self) -> None:
        """The share that is asked for begins with the prefix, whatever it is, and no other token does."""
        for prefix in (b"\xde\xad", b"\x11", b"\x22", b"12345678"):
            [batch] = BenchTokens(100, CHANCE, prefix, 0.25).batches(100)
            self.assertEqual(sum(token.startswith(prefix) for token in batch), 25)


class TallyTests(SynchronousTestCase):
    def setUp(self) -> None:
        tokens = BenchTokens(2, CHANCE)
        [[first, second]] = tokens.batches(2)
        self.first, self.second = first.hex(), second.hex()
        self.tally = OutcomeTally(tokens)

    def test_corrections(self) -> None:
        """A correction takes the place of what it corrects; the notification is settled once."""
        self.assertTrue(self.tally.record(record(self.first, "presumed")))
        self.assertFalse(self.tally.record(record(self.first, "rejected", 8, corrects=True)))
        self.assertEqual(+self.tally.kinds, {("rejected", 8, "InvalidToken"): 1})
        self.assertEqual(self.tally.settled, 1)

    def test_a_correction_alone(self) -> None:
        """A correction whose first record was missed is an outcome."""
        self.assertTrue(self.tally.record(record(self.second, "accepted", corrects=True)))
        self.assertEqual((+self.tally.kinds, self.tally.settled), ({("accepted", None, ""): 1}, 1))

    def test_not_ours(self) -> None:
        """Outcomes of other senders count for nothing, nor does what the feedback service says."""
        self.assertFalse(self.tally.record(record("0a", "presumed")))
        self.assertFalse(self.tally.record(record(self.first, "dead-token", id=None)))
        self.assertEqual((self.tally.kinds, self.tally.settled), ({}, 0))


class ResultTests(SynchronousTestCase):
    def result(self, **facts: object) -> BenchResult:
        known = {
            "count": 10, "accepted": 0, "refused": 0, "settled": 0, "pushing": 0.0, "settling": 0.0,
            "answers": (), "outcomes": (), "errors": (),
        }  # fmt: skip
        return BenchResult(**(known | facts))

    def test_answer_times(self) -> None:
        """So many per cent of the answers took no longer."""
        result = self.result(answers=[number / 1000 for number in range(1, 201)])
        self.assertEqual([result.answer_time(percent) for percent in (50, 99, 100)], [100.0, 198.0, 200.0])
        self.assertEqual(self.result(answers=[0.5]).answer_time(50), 500.0)

    def test_nothing(self) -> None:
        """Without any answer there is neither a time nor a rate."""
        result = self.result()
        self.assertEqual((result.answer_time(50), result.pushed_rate, result.settled_rate), (None, 0.0, 0.0))

    def test_missing(self) -> None:
        """Missing is what was not refused and has no outcome; a refusal is no success either."""
        self.assertEqual(self.result(refused=3, settled=5).missing, 2)
        self.assertEqual([self.result(settled=9, refused=1).ok, self.result(settled=10).ok], [False, True])


class FakeGateway:
    """Answers each batch with the next of `answers`: an error, or None, which takes it."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)

    def watch(self, callback, app, connection):
        self.outcome = callback
        return succeed(None)

    def push_batch(self, app, tokens, payload):
        error = self._answers.pop(0)
        if error is not None:
            return fail(error)
        for token in tokens:
            self.outcome(record(token.hex(), "accepted"))
        return succeed(PushReceipt([ReceiptPart(0, len(tokens), 1)]))


class RunTests(SynchronousTestCase):
    def run_against(self, *answers: Exception | None) -> "Deferred[BenchResult]":
        """Push a batch of 10 for each answer; the clock goes on until no outcome can come any more."""
        clock = Clock()
        plan = BenchPlan(app="demo", payload="{}", batch=10, in_flight=2, wait=5.0)
        run = BenchRun(plan, BenchTokens(10 * len(answers), CHANCE), lambda *_: None, clock)
        running = Deferred.fromCoroutine(run.run(FakeGateway(*answers)))
        clock.pump([0.1] * 60)
        self.assertEqual(clock.getDelayedCalls(), [])
        return running

    def test_an_overload(self) -> None:
        """Refused batches are counted under their code, and do not end the others."""
        error = Overloaded("app demo", 9, 9)
        result = self.successResultOf(self.run_against(None, error, None, error))
        self.assertEqual((result.accepted, result.refused, result.settled, result.missing), (20, 20, 20, 0))
        self.assertEqual(result.errors, (("OVERLOADED", str(error), 20),))

    def test_no_answer(self) -> None:
        """A batch without an answer may have been taken: its outcomes are waited for, then missing."""
        result = self.successResultOf(self.run_against(None, FateUnknown("no answer")))
        self.assertEqual((result.refused, result.settled, result.missing), (0, 10, 10))
        self.assertEqual(result.errors, (("FateUnknown", "no answer", 10),))

    def test_no_gateway(self) -> None:
        """A gateway that is gone ends it at once."""
        self.failureResultOf(self.run_against(None, Unreachable("gone"), None), Unreachable)
