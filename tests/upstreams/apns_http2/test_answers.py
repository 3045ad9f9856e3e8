"""What follows from each of Apple's answers, for the notification, its token, the connection and the app."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import Outcome, State
from pushgate.protocols.apns_http2.exchange import RETRIES
from pushgate.protocols.apns_http2.reasons import ANSWERS, Follows
from tests.apns_http2_upstream_rig import Behaviour, HTTP2Rig, accepts, says
from tests.gateway_rig import EPOCH
from tests.samples import token

Make = Callable[..., HTTP2Rig]
Lines = Callable[[], list[str]]
ACCEPTED = (State.ACCEPTED, "")
HELD = [row for row in ANSWERS if row.follows is Follows.HELD]
ELSEWHERE = [row for row in ANSWERS if row.follows is Follows.NEW_CONNECTION]


def first(times: int, behaviour: Behaviour) -> Behaviour:
    """What `behaviour` does so many times, and then acceptance."""
    left = iter(range(times))

    def judge(request):  # type: ignore[no-untyped-def] # Behaviour says it
        (accepts if next(left, None) is None else behaviour)(request)

    return judge


class TestCredentials:
    """The credential is refused: nothing is lost, and nothing is tried but one notification now and then."""

    @pytest.mark.parametrize("row", HELD, ids=lambda row: row.reason)
    def test_the_circuit_opens_at_once(self, rig: HTTP2Rig, lines: Lines, row) -> None:  # type: ignore[no-untyped-def] # a row
        """The first such answer opens the circuit, with its cause and one line that names its configuration key."""
        rig.service.behaviour = says(row.status, row.reason)
        rig.submit(30)
        rig.run(0.5)
        assert rig.circuit == (True, row.cause)
        (line,) = lines()
        assert f"apps.news.key_file: {row.reason}: {row.words}" in line
        assert len(rig.service.received) == 1
        rig.service.behaviour = accepts
        rig.run(5)
        assert set(rig.outcomes().values()) == {ACCEPTED}
        assert len(rig.outcomes()) == 30
        assert not rig.circuit[0]

    def test_what_was_in_flight_waits(self, rig: HTTP2Rig, lines: Lines) -> None:
        """A key that is revoked in the middle: one failure, however many answers say so."""
        rig.prove()
        lines()
        rig.service.behaviour = says(403, "InvalidProviderToken")
        rig.submit(200)
        rig.run(0.3)
        assert len(lines()) == 1
        assert rig.outcomes() == {}
        assert rig.app()["queue"] == 200
        assert not rig.service.wires[0].connected

    def test_a_certificate_is_named(self, make_rig: Make, lines: Lines) -> None:
        """With a certificate the line names that key."""
        rig = make_rig(certificate="x.pem")
        rig.service.behaviour = says(403, "BadCertificateEnvironment")
        rig.submit(1)
        rig.run(0.5)
        assert "apps.news.certificate: BadCertificateEnvironment" in lines()[-1]

    def test_the_topic_of_a_caller(self, rig: HTTP2Rig) -> None:
        """One that the caller named is its own fault; the app's own stops the app."""
        rig.prove()
        rig.service.behaviour = says(400, "TopicDisallowed")
        rig.submit(2, topic="com.example.other")
        rig.run(1)
        assert set(rig.outcomes().values()) == {(State.REJECTED, "TopicDisallowed")}
        assert not rig.circuit[0]


class TestTrouble:
    """500 and 503: a notification waits; the app waits when nothing else is answered."""

    def test_now_and_then(self, rig: HTTP2Rig) -> None:
        """One notification waits for `retry_delay`, others do not."""
        rig.prove()
        rig.service.by_token[token(3)] = first(1, says(500, "InternalServerError"))
        rig.submit(20)
        rig.run(1)
        assert len(rig.outcomes()) == 19
        assert rig.app()["delayed"] == 1
        assert not rig.circuit[0]
        rig.run(890, step=1)
        assert len(rig.outcomes()) == 19
        rig.run(20, step=1)
        assert rig.outcomes()[token(3)] == ACCEPTED

    def test_once_too_often(self, make_rig: Make) -> None:
        """Twice as long each time; after so many times it has failed."""
        rig = make_rig(retry_delay="10s")
        rig.prove()
        rig.service.by_token[token(0)] = says(503, "ServiceUnavailable")
        for number in range(400):
            rig.submit([token(0), token(1)] if not number else [token(number + 1)])
            rig.run(1, step=0.5)
        assert rig.outcomes().pop(token(0)) == (State.FAILED, "ServiceUnavailable")
        times = [request.at for request in rig.service.received if request.token == token(0)]
        assert len(times) == RETRIES + 1
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert [round(gap, -1) for gap in gaps] == [10, 20, 40, 80, 160]

    def test_throughout(self, rig: HTTP2Rig, lines: Lines) -> None:
        """The circuit opens; then one notification at a time, on the connection that is there."""
        rig.prove()
        lines()
        rig.service.behaviour = says(503, "ServiceUnavailable")
        rig.submit(100)
        rig.run(30)
        assert rig.circuit == (True, "service-error")
        assert "the push service answers that it is in trouble" in lines()[-1]
        assert len(rig.service.wires) == 1
        before = len(rig.service.received)
        rig.service.behaviour = accepts
        rig.run(60)
        assert not rig.circuit[0]
        assert len(rig.service.received) > before
        rig.run(1000, step=1)
        assert len(rig.outcomes()) == 100
        assert set(rig.outcomes().values()) == {ACCEPTED}


class TestDevices:
    def test_too_many_for_one_device(self, rig: HTTP2Rig) -> None:
        """That device waits, with what else is for it; others do not."""
        rig.prove()
        rig.service.by_token[token(3)] = first(1, says(429, "TooManyRequests"))
        rig.submit(10)
        rig.run(1)
        assert rig.app()["delayed"] == 1
        rig.submit([token(20), token(3), token(21)], collapse_id="x")
        rig.run(1)
        assert rig.app()["delayed"] == 2
        assert rig.service.counts()[token(3)] == 1
        assert Counter(map(str, (state for state, _ in rig.outcomes().values()))) == {"accepted": 11}
        assert not rig.circuit[0]
        rig.run(40)
        assert rig.service.counts()[token(3)] == 3
        assert rig.app()["delayed"] == 0


class TestDeadTokens:
    def test_since_when(self, rig: HTTP2Rig) -> None:
        """Apple's milliseconds are the date of the death; a device that registered later is sent to."""
        rig.prove()
        died = EPOCH - 1000
        rig.service.by_token[token(0)] = says(410, "Unregistered", timestamp=died * 1000 + 999)
        rig.submit(2)
        rig.run(1)
        assert rig.outcomes()[token(0)] == (State.REJECTED, "Unregistered")
        (entry,) = rig.gateway.dead_tokens("news", b"", 10)
        assert (entry.token, entry.since, entry.reason) == (token(0), died, DeadReason.UNREGISTERED)

    def test_a_device_that_came_back(self, rig: HTTP2Rig) -> None:
        """Registered after its death, as the caller knows: the refusal is old news, and no death."""
        rig.prove()
        died = EPOCH - 1000
        rig.service.by_token[token(0)] = says(410, "Unregistered", timestamp=died * 1000)
        rig.submit([token(0)], registered_at=EPOCH - 10)
        rig.run(1)
        assert rig.outcomes()[token(0)] == (State.REJECTED, "Unregistered")
        assert rig.dead() == []

    def test_without_a_date(self, rig: HTTP2Rig) -> None:
        """A death without a timestamp is of now."""
        rig.prove()
        rig.service.by_token[token(0)] = says(410, "ExpiredToken")
        rig.submit(2)
        rig.run(1)
        (entry,) = rig.gateway.dead_tokens("news", b"", 10)
        assert entry.since >= EPOCH

    def test_a_few_bad_ones(self, rig: HTTP2Rig) -> None:
        """Among others that are accepted, BadDeviceToken is true."""
        rig.prove()
        for number in (3, 7):
            rig.service.by_token[token(number)] = says(400, "BadDeviceToken")
        rig.submit(20)
        rig.run(1)
        assert sorted(rig.dead()) == [token(3), token(7)]
        assert not rig.circuit[0]

    def test_all_of_them(self, rig: HTTP2Rig) -> None:
        """Too many in a row are a wrong environment, not dead tokens."""
        rig.service.behaviour = says(400, "BadDeviceToken")
        rig.submit(100)
        rig.run(2)
        assert rig.circuit == (True, "wrong-environment")
        assert rig.dead() == []


class TestConnections:
    @pytest.mark.parametrize("row", ELSEWHERE, ids=lambda row: row.reason)
    def test_sent_again_on_another(self, rig: HTTP2Rig, row) -> None:  # type: ignore[no-untyped-def] # a row
        """An answer about the connection costs the notification nothing but another one."""
        rig.prove()
        rig.service.by_token[token(3)] = first(1, says(row.status, row.reason))
        rig.submit(20)
        rig.run(3)
        assert len(rig.service.wires) == 2
        assert set(rig.outcomes().values()) == {ACCEPTED}
        assert len(rig.outcomes()) == 20


class TestRecords:
    def test_the_services_own_id(self, rig: HTTP2Rig) -> None:
        """In Apple's development environment an answer has an id of its own: it is in the outcome."""
        rig.prove()
        rig.service.behaviour = lambda request: request.answer(200, apns_unique_id=f"u-{request.token[-1]}")
        rig.submit(3)
        rig.run(1)
        outcomes = [each for each in rig.sink.reports if isinstance(each, Outcome) and each.unique_id]
        found = {each.span.tokens()[0]: each.unique_id for each in outcomes}
        assert found == {token(number): f"u-{number}" for number in range(3)}

    def test_a_reason_of_tomorrow(self, rig: HTTP2Rig) -> None:
        """A reason that is not known is reported as it came."""
        rig.prove()
        rig.service.by_token[token(0)] = says(400, "Tired")
        rig.submit(2)
        rig.run(1)
        assert rig.outcomes()[token(0)] == (State.REJECTED, "Tired")
