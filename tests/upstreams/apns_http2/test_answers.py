"""What the service answers, and what becomes of the notification, its device, the circuit and the connection."""

from collections import Counter
from collections.abc import Callable

import pytest

from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import Outcome, State
from pushgate.protocols.apns_http2.reasons import ANSWERS
from pushgate.protocols.http_push.answers import Answer, Follows
from pushgate.protocols.http_push.exchange import RETRIES
from pushgate.upstreams.common.http_push import delayed
from pushgate.upstreams.common.pooled_connection import RUN
from tests.apns_http2_upstream_rig import TOPIC, HTTP2Rig, Request, accepts, says, silence
from tests.gateway_rig import EPOCH
from tests.samples import token

ACCEPTED = (State.ACCEPTED, "")
Make = Callable[..., HTTP2Rig]
Lines = Callable[[], list[str]]
HELD = [row for row in ANSWERS if row.follows is Follows.HELD]
ELSEWHERE = [row for row in ANSWERS if row.follows is Follows.NEW_CONNECTION]
REFUSED = [row for row in ANSWERS if row.follows is Follows.REJECTED]


def tokens(count: int) -> list[bytes]:
    """Tokens of devices, in order."""
    return [token(number) for number in range(count)]


def name(row: Answer) -> str:
    """The name of a test case."""
    return row.reason


def at_first(times: int, status: int, reason: str) -> Callable[[Request], None]:
    """Answers a notification so until it has come more often, then accepts it."""

    def judge(request: Request) -> None:
        if request.wire.service.counts()[request.token] > times:
            request.answer()
        else:
            request.answer(status, reason)

    return judge


class TestHeld:
    @pytest.mark.parametrize("row", HELD, ids=name)
    def test_a_refused_key(self, rig: HTTP2Rig, lines: Lines, row: Answer) -> None:
        """The circuit opens at once, one line names the key file, one request is tried later, nothing is lost."""
        rig.prove()
        lines()
        rig.service.behaviour = says(row.status, row.reason)
        rig.submit(50)
        rig.run(0.2)
        assert rig.circuit == (True, row.cause)
        (line,) = lines()
        assert f"news: {row.cause}: " in line
        assert f"apps.news.key_file: {row.reason}: {row.words}; next attempt in " in line
        rig.service.received.clear()
        rig.service.behaviour = silence
        rig.run(5)
        (request,) = rig.service.received
        assert rig.outcomes() == {}
        request.answer()
        rig.service.behaviour = accepts
        rig.run(1)
        assert rig.outcomes() == dict.fromkeys(tokens(50), ACCEPTED)
        assert rig.circuit == (False, "")

    def test_a_refused_certificate(self, make_rig: Make, lines: Lines) -> None:
        """The line names the certificate of an app that has one."""
        rig = make_rig(certificate="x.pem")
        rig.service.behaviour = says(403, "BadCertificateEnvironment")
        rig.submit(3)
        rig.run(0.2)
        assert rig.circuit == (True, "wrong-environment")
        assert "apps.news.certificate: BadCertificateEnvironment: " in lines()[-1]

    def test_again_and_again(self, rig: HTTP2Rig) -> None:
        """Attempts grow rare, each is one request on a new connection, and the wait uses up no attempt."""
        rig.service.behaviour = says(403, "InvalidProviderToken")
        rig.submit(20)
        rig.run(600, step=0.25)
        assert 6 <= len(rig.service.received) <= 14
        assert len(rig.service.received) == len(rig.service.attempts)
        assert rig.outcomes() == {}
        assert rig.circuit == (True, "credential-rejected")
        rig.service.behaviour = accepts
        rig.run(1200, step=0.5)
        assert rig.outcomes() == dict.fromkeys(tokens(20), ACCEPTED)

    def test_an_unknown_reason(self, rig: HTTP2Rig, lines: Lines) -> None:
        """Any 403 is about the credential; what the service says reaches the log printable."""
        rig.prove()
        lines()
        rig.service.behaviour = says(403, "New\nReason")
        rig.submit(1)
        rig.run(0.2)
        assert rig.circuit == (True, "credential-rejected")
        assert "apps.news.key_file: New\\nReason: the credential is refused" in lines()[0]


class TestTopics:
    def test_the_callers_own(self, rig: HTTP2Rig) -> None:
        """A topic that the credential does not have is the caller's fault when the caller gave it."""
        rig.service.behaviour = says(400, "TopicDisallowed")
        rig.submit(3, topic="com.example.other")
        rig.run(1)
        assert rig.outcomes() == dict.fromkeys(tokens(3), (State.REJECTED, "TopicDisallowed"))
        assert rig.circuit == (False, "")

    @pytest.mark.parametrize("terms", [{}, {"topic": TOPIC}], ids=["by default", "given"])
    def test_the_apps(self, rig: HTTP2Rig, terms: dict[str, str]) -> None:
        """The app's own topic is the operator's: nothing is lost."""
        rig.service.behaviour = says(400, "TopicDisallowed")
        rig.submit(3, **terms)
        rig.run(0.2)
        assert rig.circuit == (True, "wrong-topic")
        rig.service.behaviour = accepts
        rig.run(5)
        assert rig.outcomes() == dict.fromkeys(tokens(3), ACCEPTED)


class TestTrouble:
    @pytest.mark.parametrize("row", [(500, "InternalServerError"), (503, "ServiceUnavailable"), (502, "")])
    def test_one_among_others(self, make_rig: Make, row: tuple[int, str]) -> None:
        """It waits `retry_delay`, twice as long each time, and fails in the end; others are not held up."""
        rig = make_rig(retry_delay="4s")
        rig.prove()
        rig.service.by_token[token(0)] = says(*row)
        begun = rig.clock.seconds()
        for number in range(130):
            rig.submit([token(number)])
            rig.run(1)
        times = [round(each.at - begun) for each in rig.service.received if each.token == token(0)]
        assert times == [0, 4, 12, 28, 60, 124]
        assert len(times) == 1 + RETRIES
        outcomes = rig.outcomes()
        assert outcomes.pop(token(0)) == (State.FAILED, row[1] or "HTTP502")
        assert outcomes == dict.fromkeys(tokens(130)[1:], ACCEPTED)
        assert rig.circuit == (False, "")
        assert len(rig.service.wires) == 1

    def test_by_chance_longer(self, make_rig: Make) -> None:
        """What was refused together does not come back together; by default it waits for 15 minutes at least."""
        rig = make_rig(chance=0.4)
        rig.prove()
        rig.service.by_token[token(0)] = at_first(1, 500, "InternalServerError")
        rig.submit(2)
        rig.run(989, step=0.5)
        assert rig.app()["delayed"] == 1
        rig.run(2, step=0.5)
        assert rig.outcomes() == dict.fromkeys(tokens(2), ACCEPTED)
        assert rig.app()["delayed"] == 0

    def test_three_in_a_row(self, make_rig: Make, lines: Lines) -> None:
        """The service is given a rest, on the same connection, then tried with one; what waited goes then."""
        rig = make_rig(retry_delay="1h")
        rig.prove()
        lines()
        rig.service.behaviour = says(503, "ServiceUnavailable")
        rig.submit(100)
        rig.run(0.4)
        assert rig.app()["circuit"]["cause"] == "service-error"
        (line,) = lines()
        assert "the push service answers that it is in trouble; next attempt in " in line
        rig.service.received.clear()
        rig.service.behaviour = silence
        rig.run(5)
        (request,) = rig.service.received
        request.answer()
        rig.service.behaviour = accepts
        rig.run(1)
        assert len(rig.service.wires) == 1
        assert rig.service.wires[0].connected
        assert rig.circuit == (False, "")
        waiting = rig.app()["delayed"]
        assert waiting <= 3
        rig.run(3600 * 1.1, step=1)
        assert rig.outcomes() == dict.fromkeys(tokens(100), ACCEPTED)

    def test_a_short_outage(self, rig: HTTP2Rig) -> None:
        """Only those that the service was tried with, and the two before, wait for `retry_delay` afterwards."""
        rig.prove()
        rig.service.behaviour = says(503, "ServiceUnavailable")
        rig.submit(100)
        rig.run(30)
        assert rig.circuit == (True, "service-error")
        tries = len(rig.service.received) - 100
        rig.service.behaviour = accepts
        rig.run(60)
        assert rig.app()["delayed"] == 2 + tries <= 10
        assert len(rig.outcomes()) == 100 - 2 - tries
        rig.run(1000, step=1)
        assert rig.outcomes() == dict.fromkeys(tokens(100), ACCEPTED)

    def test_a_long_outage(self, rig: HTTP2Rig) -> None:
        """While the service is in trouble with all, one at a time is tried, ever more rarely; none fails."""
        rig.prove()
        rig.service.behaviour = says(503, "ServiceUnavailable")
        rig.submit(300)
        rig.run(1500, step=0.5)
        assert rig.circuit == (True, "service-error")
        assert RUN + 30 <= len(rig.service.received) <= RUN + 70
        assert len(rig.service.wires) == 1
        rig.service.behaviour = accepts
        rig.run(60, step=0.5)
        assert len(rig.outcomes()) >= 240
        rig.run(7200, step=2)
        assert rig.outcomes() == dict.fromkeys(tokens(300), ACCEPTED)

    def test_a_notification_at_fault(self, rig: HTTP2Rig) -> None:
        """One that the service always fails at does not hold up others when it is the one that is tried."""
        rig.prove()
        rig.service.behaviour = says(503, "ServiceUnavailable")
        rig.submit(10)
        rig.run(0.2)
        rig.service.behaviour = accepts
        rig.service.by_token = dict.fromkeys(tokens(4), says(500, "InternalServerError"))
        rig.run(60)
        assert rig.circuit == (False, "")
        assert rig.outcomes() == dict.fromkeys(tokens(10)[4:], ACCEPTED)

    def test_too_many_wait(self, make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """When most of what is sent comes back, nothing new is sent until some of it is due."""
        monkeypatch.setattr(delayed, "FULL", 5)
        rig = make_rig(device_delay="60s")
        rig.prove()
        rig.service.behaviour = says(429, "TooManyRequests")
        rig.submit(5)
        rig.run(1)
        rig.service.behaviour = accepts
        rig.submit([token(9)])
        rig.run(55)
        assert rig.outcomes() == {}
        rig.run(10)
        assert rig.outcomes() == dict.fromkeys([*tokens(5), token(9)], ACCEPTED)


class TestDevices:
    @pytest.mark.parametrize("reason", ["TooManyRequests", "AnotherLimit"])
    def test_too_many(self, make_rig: Make, reason: str) -> None:
        """What is for that device waits for `device_delay`, in its order; others and the circuit do not care."""
        rig = make_rig(device_delay="10s")
        rig.prove()
        rig.service.by_token[token(1)] = at_first(1, 429, reason)
        begun = rig.clock.seconds()
        rig.submit(3)
        rig.run(1)
        rig.submit(3, payload=b'{"aps":{"badge":2}}')
        rig.run(20)
        late = [
            (round(each.at - begun), each.body) for each in rig.service.received if each.token == token(1)
        ]
        assert [at for at, _ in late] == [0, 10, 10]
        assert b"badge" in late[2][1]
        assert [round(each.at - begun) for each in rig.service.received if each.token == token(2)] == [0, 1]
        assert Counter(rig.reported()) >= Counter([(each, *ACCEPTED) for each in tokens(3) * 2])
        assert rig.circuit == (False, "")
        assert len(rig.service.wires) == 1

    def test_again_and_again(self, make_rig: Make) -> None:
        """The delay doubles, and after five more tries the notification fails."""
        rig = make_rig(device_delay="1s")
        rig.prove()
        rig.service.behaviour = says(429, "TooManyRequests")
        begun = rig.clock.seconds()
        rig.submit(1)
        rig.run(40)
        assert [round(each.at - begun) for each in rig.service.received] == [0, 1, 3, 7, 15, 31]
        assert rig.outcomes() == {token(0): (State.FAILED, "TooManyRequests")}


class TestDeadTokens:
    def test_a_wrong_environment(self, rig: HTTP2Rig, lines: Lines) -> None:
        """When nothing but refusals comes, none of the tokens counts as dead, and the circuit says why."""
        rig.service.behaviour = says(400, "BadDeviceToken")
        rig.submit(25)
        rig.run(0.4)
        assert rig.circuit == (True, "wrong-environment")
        assert rig.dead() == []
        assert any("apps.news.key_file: the credential seems to be of the other" in line for line in lines())
        assert set(rig.outcomes().values()) == {(State.REJECTED, "BadDeviceToken")}
        rig.service.behaviour = accepts
        rig.submit([token(100)])
        rig.run(10)
        assert rig.outcomes()[token(100)] == ACCEPTED
        assert rig.circuit == (False, "")

    @pytest.mark.parametrize(("status", "reason", "dead"), [
        (400, "BadDeviceToken", DeadReason.BAD_DEVICE_TOKEN),
        (400, "DeviceTokenNotForTopic", DeadReason.DEVICE_TOKEN_NOT_FOR_TOPIC),
        (410, "ExpiredToken", DeadReason.EXPIRED_TOKEN),
        (410, "Unregistered", DeadReason.UNREGISTERED),
        (410, "SomethingNew", DeadReason.UNREGISTERED),
    ])  # fmt: skip
    def test_a_few(self, rig: HTTP2Rig, status: int, reason: str, dead: DeadReason) -> None:
        """Among accepted ones they are dead, and what is for them from then on is not sent."""
        rig.prove()
        gone = tokens(4)[1::2]
        rig.service.by_token = dict.fromkeys(gone, says(status, reason))
        rig.submit(4)
        rig.run(0.5)
        entries = rig.gateway.dead_tokens("news", b"", 10)
        assert [(each.token, each.reason, each.doubted) for each in entries] == [
            (each, dead, False) for each in gone
        ]
        assert {each: rig.outcomes()[each] for each in gone} == dict.fromkeys(gone, (State.REJECTED, reason))
        rig.submit([gone[0]], payload=b'{"aps":{"badge":1}}')
        rig.run(0.5)
        assert rig.reported()[-1] == (gone[0], State.SUPPRESSED, "DeadToken")
        assert rig.service.counts()[gone[0]] == 1

    def test_since_when(self, rig: HTTP2Rig) -> None:
        """The service's date, in milliseconds, is entered: a registration before it is suppressed, none after."""
        rig.prove()
        since = EPOCH - 1000
        rig.service.by_token[token(0)] = says(410, "Unregistered", timestamp=since * 1000 + 999)
        rig.submit(1)
        rig.run(0.5)
        assert [each.since for each in rig.gateway.dead_tokens("news", b"", 10)] == [since]
        rig.service.by_token.clear()
        rig.submit(1, registered_at=since - 1)
        rig.run(0.5)
        assert rig.reported()[-1] == (token(0), State.SUPPRESSED, "DeadToken")
        rig.submit(1, registered_at=since + 1)
        rig.run(0.5)
        assert rig.reported()[-1] == (token(0), *ACCEPTED)

    def test_registered_since(self, rig: HTTP2Rig) -> None:
        """A device that has registered after the death that the service tells of is not dead."""
        rig.prove()
        rig.service.behaviour = says(410, "Unregistered", timestamp=(EPOCH - 1000) * 1000)
        rig.submit(1, registered_at=EPOCH - 500)
        rig.run(0.5)
        assert rig.outcomes() == {token(0): (State.REJECTED, "Unregistered")}
        assert rig.dead() == []

    @pytest.mark.parametrize("timestamp", [-5000, 1e30])
    def test_a_date_that_is_none(self, rig: HTTP2Rig, timestamp: float) -> None:
        """Then the token is dead since now."""
        rig.prove()
        rig.service.behaviour = says(410, "Unregistered", timestamp=timestamp)
        rig.submit(1)
        rig.run(0.5)
        assert [each.since for each in rig.gateway.dead_tokens("news", b"", 10)] == [EPOCH]


class TestOthers:
    @pytest.mark.parametrize("row", REFUSED, ids=name)
    def test_refused(self, rig: HTTP2Rig, row: Answer) -> None:
        """A refusal is the notification's outcome and nothing else."""
        rig.service.behaviour = says(row.status, row.reason)
        rig.submit(3)
        rig.run(1)
        assert rig.outcomes() == dict.fromkeys(tokens(3), (State.REJECTED, row.reason))
        assert rig.dead() == []
        assert rig.circuit == (False, "")
        assert len(rig.service.received) == 3

    @pytest.mark.parametrize(("status", "reason", "shown"), [
        (400, "SomethingNew", "SomethingNew"), (418, "", "HTTP418"), (302, "", "HTTP302"),
        (400, "x\ny" + "z" * 100, "x\\ny" + "z" * 60),
    ])  # fmt: skip
    def test_unknown_reasons(self, rig: HTTP2Rig, status: int, reason: str, shown: str) -> None:
        """They follow their class, are short and printable; without one the status says it."""
        rig.service.behaviour = says(status, reason)
        rig.submit(1)
        rig.run(1)
        assert rig.outcomes() == {token(0): (State.REJECTED, shown)}

    @pytest.mark.parametrize("row", ELSEWHERE, ids=name)
    def test_another_connection(self, rig: HTTP2Rig, row: Answer) -> None:
        """What was not looked at goes again on another connection; this one is left. It is no failure."""
        rig.prove()
        (first,) = rig.service.wires

        def judge(request: Request) -> None:
            request.answer(*((row.status, row.reason) if request.wire is first else (200,)))

        rig.service.behaviour = judge
        rig.submit(20, delivery="at-most-once")
        rig.run(7)
        assert rig.outcomes() == dict.fromkeys(tokens(20), ACCEPTED)
        assert not first.connected
        assert len(rig.service.up()) == 1
        assert rig.circuit == (False, "")

    def test_the_services_name_for_it(self, rig: HTTP2Rig) -> None:
        """`apns-unique-id` is in the outcome, printable; "" when there was none."""
        rig.service.by_token[token(0)] = lambda request: request.answer(apns_unique_id="1-\u00fcber")
        rig.service.by_token[token(1)] = lambda request: request.answer(apns_unique_id="2")
        rig.submit(3)
        rig.run(1)
        named = {
            report.span.tokens()[0]: report.unique_id
            for report in rig.sink.reports
            if isinstance(report, Outcome)
        }
        assert named == {token(0): "1-\ufffd\ufffdber", token(1): "2", token(2): ""}


class TestOneRead:
    """Answers that come in one piece mean what they would mean one by one."""

    REFUSED = 30

    def answered(self, make_rig: Make, accepted: int) -> HTTP2Rig:
        """A rig in which one of many is accepted, the others are refused as of another environment.

        :param accepted: the place of the one.
        """
        rig = make_rig(certificate="x.pem")
        rig.service.behaviour = silence
        rig.submit([token(number) for number in range(self.REFUSED + 1)])
        rig.run(1)
        (wire,) = rig.service.up()
        wire.held = b""
        for index, request in enumerate(list(wire.requests)):
            request.answer() if index == accepted else request.answer(400, "BadDeviceToken")
        together, wire.held = wire.held, None
        wire.deliver(together)
        rig.run(1)
        return rig

    def test_refusals_before_anything_was_accepted(self, make_rig: Make) -> None:
        """They speak against the environment, whatever comes behind them: none of the tokens is dead."""
        rig = self.answered(make_rig, self.REFUSED)
        assert rig.dead() == []

    def test_refusals_behind_an_acceptance(self, make_rig: Make) -> None:
        """The environment is right: all of them are dead."""
        rig = self.answered(make_rig, 0)
        assert len(rig.dead()) == self.REFUSED

    def test_an_acceptance_between_refusals(self, make_rig: Make) -> None:
        """It shows the environment to be right before the row is long enough to be suspect."""
        rig = self.answered(make_rig, 15)
        assert len(rig.dead()) == self.REFUSED
