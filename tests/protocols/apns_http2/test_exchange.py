"""What answers, and answers that do not come, prove of the requests of one connection."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.history import Event
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.apns_http2.reasons import ANSWERS
from pushgate.protocols.apns_http2.requests import RequestRules
from pushgate.protocols.apns_http2.service import AppleService
from pushgate.protocols.http_push.answers import LONGEST_REASON, Follows
from pushgate.protocols.http_push.exchange import RETRIES, UNLIMITED, Exchange
from pushgate.protocols.http_push.findings import Death, Findings
from tests.samples import span, token

TOPIC = "com.example.app"
TIMEOUT = 30.0
WALL = 1_700_000_000.0
UNIQUE = b"0f9b2d6c-1111-2222-3333-444455556666"
ONCE = Delivery.AT_MOST_ONCE


def exchange(limit: int = 0, peer: int | None = 1000, cautious: bool = False) -> Exchange:
    """A connection that is ready, to a service that has announced its limit."""
    made = Exchange(AppleService(RequestRules("localhost", TOPIC, 0)), limit, TIMEOUT, cautious)
    made.number = 7
    if peer is not None:
        made.limited(peer)
    return made


def opened(*spans: BatchSlice, at: float = 0.0, serial: int = 1, **arguments: Any) -> Exchange:
    """A connection on which slices were written: their members on streams 1, 3, 5, …"""
    made = exchange(**arguments)
    stream = 1
    for each in spans:
        for index in range(each.start, each.stop):
            made.opened(stream, each, index, at, serial)
            stream += 2
    return made


def once(count: int = 1, **batch_arguments: Any) -> BatchSlice:
    """A slice that must not be sent twice."""
    whole = span(count, **batch_arguments)
    return replace(whole, batch=replace(whole.batch, delivery=ONCE))


def answer(
    made: Exchange, stream: int, status: int = 200, reason: str = "", unique: bytes = b"", **more: Any
) -> None:
    """Have an answer come."""
    body = b"" if not reason else b'{"reason":"%s"}' % reason.encode()
    headers = [(b"apns-id", b"x"), *([(b"apns-unique-id", unique)] if unique else [])]
    made.answered(stream, status, headers, more.get("body", body), WALL, more.get("now", 1.0))


def members(spans: list[BatchSlice]) -> list[tuple[int, int]]:
    """First and last of each slice."""
    return [(each.start, each.stop) for each in spans]


def outcomes_of(found: Findings) -> list[Verdict]:
    """Every outcome."""
    return [*found.accepted, *found.verdicts]


def sent_all(stream: int) -> bool:
    """Nothing of any request is still here."""
    return False


class TestTable:
    """A row each of the table in the module's docstring."""

    def test_accepted(self) -> None:
        """200 proves that the service has the notification."""
        made = opened(span())
        answer(made, 1)
        (verdict,) = outcomes_of(made.findings())
        assert (verdict.state, verdict.status, verdict.reason) == (State.ACCEPTED, 200, "")
        assert made.in_flight == 0

    def test_accepted_with_another_status(self) -> None:
        """The outcome has the status that the service gave: 201 is what it is in Web Push."""
        made = opened(span(4))
        for stream, status in ((1, 201), (3, 200), (5, 201), (7, 201)):
            answer(made, stream, status)
        verdicts = outcomes_of(made.findings())
        found = {(each.status, each.span.start, each.span.stop) for each in verdicts}
        assert found == {(201, 0, 1), (200, 1, 2), (201, 2, 4)}
        assert {each.state for each in verdicts} == {State.ACCEPTED}

    @pytest.mark.parametrize("row", [each for each in ANSWERS if each.reason], ids=lambda row: row.reason)
    def test_what_the_reasons_say(self, row: Any) -> None:
        """Each answer has its one consequence for the notification, and those for the rest besides."""
        made = opened(once())
        answer(made, 1, row.status, row.reason)
        found, follows = made.findings(), row.follows
        settled = follows in {Follows.REJECTED, Follows.DEAD}
        later = follows in {Follows.LATER, Follows.DEVICE_LATER}
        assert [(each.state, each.status, each.reason) for each in outcomes_of(found)] == (
            [(State.REJECTED, row.status, row.reason)] if settled else []
        )
        assert [each.device for each in found.later] == ([follows is Follows.DEVICE_LATER] if later else [])
        assert len(found.requeue) == (not settled and not later)
        assert [each.reason for each in found.deaths] == ([row.dead] if row.dead else [])
        assert found.held is (row if follows is Follows.HELD else None)
        assert found.expired == (1 if follows is Follows.RENEW_TOKEN else None)
        assert found.renewed_too_often is (follows is Follows.KEEP_TOKEN)
        assert found.leave is (
            row if follows in {Follows.HELD, Follows.KEEP_TOKEN, Follows.NEW_CONNECTION} else None
        )
        assert found.trouble == (follows is Follows.LATER)
        assert found.valid == (settled or follows is Follows.DEVICE_LATER)
        assert made.proven is bool(found.valid)

    @pytest.mark.parametrize("make", [span, once])
    def test_not_looked_at(self, make: Any) -> None:
        """REFUSED_STREAM, and GOAWAY for what is above its last stream: sent again, whatever the delivery."""
        made = opened(make(2))
        made.unprocessed(3, WALL)
        (again,) = made.findings().requeue
        assert members([again]) == [(1, 2)]
        assert [(step.event, step.connection) for step in again.past] == [(Event.DISCARDED, 7)]
        assert made.in_flight == 1

    @pytest.mark.parametrize("make", [span, once])
    def test_a_part_of_it_unsent(self, make: Any) -> None:
        """Nothing acts on half a request: at the end of the connection it is sent again, whatever the delivery."""
        found = opened(make(3)).ended(lambda stream: stream > 1, "ConnectionLost", WALL)
        assert (1, 3) in members(found.requeue)
        assert [verdict.span.start for verdict in outcomes_of(found)] == ([] if make is span else [0])

    def test_reset_or_no_answer(self) -> None:
        """Either proves nothing: at-least-once sends it again, at-most-once reports that it is not known."""
        made = opened(span(), once(order=1))
        made.unanswered(1, "NoAnswer", WALL)
        made.unanswered(3, "StreamReset: cancel", WALL)
        found = made.findings()
        (again,), (verdict,) = found.requeue, outcomes_of(found)
        assert [(step.event, step.reason) for step in again.past] == [(Event.LOST, "NoAnswer")]
        assert (verdict.state, verdict.reason) == (State.UNKNOWN, "StreamReset: cancel")

    def test_the_end(self) -> None:
        """The same for all that is in flight then."""
        found = opened(span(3), once(2, order=1)).ended(sent_all, "ConnectionLost", WALL)
        assert members(found.requeue) == [(0, 3)]
        assert [(each.state, each.span.start, each.span.stop) for each in outcomes_of(found)] == [
            (State.UNKNOWN, 0, 2)
        ]


class TestRoom:
    """How many requests may be made."""

    def test_one_before_the_service_has_said(self) -> None:
        """Before its SETTINGS the service is asked for one thing at a time."""
        assert exchange(peer=None).room() == 1

    def test_a_service_that_sets_no_limit(self) -> None:
        """Once it has answered, its SETTINGS have come: they set none."""
        made = opened(span(), peer=None)
        answer(made, 1)
        assert made.room() == UNLIMITED

    def test_the_lower_limit_holds(self) -> None:
        """The service's, or the one that is configured."""
        assert exchange(limit=10).room() == 10
        assert exchange(limit=10, peer=4).room() == 4
        assert opened(span(3), peer=4).room() == 1

    def test_a_limit_that_shrinks(self) -> None:
        """With more in flight than the limit of now, nothing is written until there are fewer."""
        made = opened(span(5))
        made.limited(2)
        assert made.room() == 0
        for stream in (1, 3, 5, 7):
            answer(made, stream)
        assert made.room() == 1
        made.limited(0)
        assert made.room() == 0

    def test_one_until_the_credential_is_shown_to_be_good(self) -> None:
        """With a provider token the service takes one stream before the first valid answer."""
        made = opened(span(), cautious=True)
        assert made.room() == 0
        answer(made, 1, 403, "ExpiredProviderToken")
        assert made.room() == 1
        made.opened(3, span(), 0, 0.0, 2)
        answer(made, 3)
        assert made.room() == 1000

    def test_after_a_request_was_refused(self) -> None:
        """Nothing is written until another is answered, or for a while; then one at a time until one is."""
        made = opened(span(2))
        made.unprocessed(1, WALL)
        assert made.room() == 0
        answer(made, 3)
        assert made.room() == 1000
        made.opened(5, span(), 0, 0.0, 1)
        made.unprocessed(5, WALL)
        assert made.room() == 0
        made.resume()
        assert made.room() == 1

    def test_suspects_are_alone(self) -> None:
        """With a suspect in flight nothing else is written; when it has its answer, everything is."""
        made = opened(replace(span(2), alone=2))
        assert made.room() == 0
        answer(made, 1)
        assert made.room() == 0
        answer(made, 3)
        assert made.room() == 1000
        made.opened(5, span(), 0, 0.0, 1)
        assert made.room() == 999


class TestSilence:
    """Answers that take too long."""

    def test_the_oldest_are_overdue(self) -> None:
        """A request is overdue after the timeout, its successors are not yet."""
        made = opened(span(2))
        made.opened(5, span(), 0, 10.0, 1)
        assert made.overdue(TIMEOUT - 0.1) == []
        assert made.overdue(TIMEOUT) == [1, 3]
        assert made.overdue(TIMEOUT + 10) == [1, 3, 5]

    def test_whether_anything_was_answered(self) -> None:
        """A connection is silent when the timeout passed without any answer."""
        made = opened(span(2))
        assert made.is_silent(TIMEOUT)
        answer(made, 3, now=20.0)
        assert not made.is_silent(TIMEOUT)
        assert made.is_silent(20.0 + TIMEOUT)

    def test_late_words_change_nothing(self) -> None:
        """An answer to what has its fate already is dropped, whatever it is."""
        made = opened(span(1))
        made.unanswered(1, "NoAnswer", WALL)
        made.findings()
        answer(made, 1)
        made.unprocessed(1, WALL)
        made.unanswered(1, "NoAnswer", WALL)
        assert made.findings() == Findings()

    def test_a_peer_that_is_gone_is_no_fault_of_what_was_sent(self) -> None:
        """A connection given up for want of an answer to PING makes nothing a suspect."""
        lone = replace(span(), alone=1, closes=4)
        for vanished, fate in ((True, "again"), (False, "failed")):
            found = opened(lone).ended(sent_all, "ConnectionLost", WALL, vanished=vanished)
            assert ([each.closes for each in found.requeue], [each.state for each in outcomes_of(found)]) == (
                ([4], []) if fate == "again" else ([], [State.FAILED])
            )

    def test_what_is_never_answered(self) -> None:
        """A suspect that was alone and had no answer has failed for that, not for ending connections."""
        made = opened(replace(span(), alone=1, closes=4))
        made.unanswered(1, "NoAnswer", WALL)
        (verdict,) = outcomes_of(made.findings())
        assert (verdict.state, verdict.reason) == (State.FAILED, "NoAnswer")


class TestRuns:
    """Members travel back together."""

    def test_neighbours_make_one_verdict(self) -> None:
        """In whatever order the answers come, neighbours of a slice that were accepted are one verdict."""
        made = opened(span(6), span(2, order=1))
        for stream in (11, 3, 1, 15, 5, 13):
            answer(made, stream)
        verdicts = outcomes_of(made.findings())
        assert [(each.span.batch.order, each.span.start, each.span.stop) for each in verdicts] == [
            (0, 0, 3), (0, 5, 6), (1, 0, 2),
        ]  # fmt: skip

    def test_slices_with_another_history_stay_apart(self) -> None:
        """Neighbours that were written a different number of times have verdicts of their own."""
        whole = span(2)
        made = opened(replace(whole.part(0, 1), attempts=1), replace(whole.part(1, 2), attempts=2))
        answer(made, 1)
        answer(made, 3)
        assert [(each.span.start, each.span.attempts) for each in outcomes_of(made.findings())] == [
            (0, 1),
            (1, 2),
        ]

    def test_unique_ids_are_kept(self) -> None:
        """In the sandbox each answer has an id of its own, for Apple's console; refusals too."""
        made = opened(span(5))
        answer(made, 1)
        answer(made, 3, unique=UNIQUE)
        answer(made, 5, unique=b"\xff\n")
        answer(made, 7, 400, "BadPriority", unique=UNIQUE)
        answer(made, 9)
        verdicts = outcomes_of(made.findings())
        assert {each.span.start: (len(each.span), each.unique_id) for each in verdicts} == {
            0: (1, ""), 1: (1, UNIQUE.decode()), 2: (1, "�\\n"), 3: (1, UNIQUE.decode()), 4: (1, ""),
        }  # fmt: skip

    def test_members_in_flight_are_found(self) -> None:
        """A member is found by its batch and index as long as it has no answer."""
        made = opened(span(2), span(2, order=1))
        found = made.find(1, 1)
        assert found is not None
        assert (found.batch.order, found.start, found.stop) == (1, 1, 2)
        answer(made, 7)
        assert made.find(1, 1) is None
        assert made.find(2, 0) is None


class TestDeaths:
    """Which tokens are declared dead."""

    def dead(self, body: bytes, status: int = 410, **terms: Any) -> list[Death]:
        made = opened(span(**terms))
        answer(made, 1, status, body=body)
        return made.findings().deaths

    def test_the_time_is_in_milliseconds(self) -> None:
        """Feedback had seconds; this has not."""
        body = b'{"reason":"Unregistered","timestamp":1437179036123}'
        assert self.dead(body) == [Death(token(0), DeadReason.UNREGISTERED, 1437179036)]

    def test_registered_again_since(self) -> None:
        """A device that registered after the death has a living token: the notification is refused all the same."""
        body = b'{"reason":"Unregistered","timestamp":1700000000000}'
        assert self.dead(body, registered_at=1_700_000_000) == []
        assert self.dead(body, registered_at=1_700_000_001) == []
        assert len(self.dead(body, registered_at=1_699_999_999)) == 1

    def test_no_time(self) -> None:
        """Without a timestamp the death is of now, whatever was registered."""
        body = b'{"reason":"ExpiredToken"}'
        assert self.dead(body, registered_at=5) == [Death(token(0), DeadReason.EXPIRED_TOKEN, None)]

    @pytest.mark.parametrize("number", [b"1" * 400, b"9" * 5000, b"1e308", b"-1e308", b"-7000", b"1e400"])
    def test_times_that_are_none(self, number: bytes) -> None:
        """A number that is no time, however long it is, means now."""
        body = b'{"reason":"Unregistered","timestamp":%s}' % number
        assert self.dead(body) == [Death(token(0), DeadReason.UNREGISTERED, None)]

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b'{"reason":5}', b"\xff" * 9, b"[" * 5000, b'{"reason":"\xff"}']
    )
    def test_a_body_that_is_not_apples(self, body: bytes) -> None:
        """Then the status alone says what happened."""
        made = opened(span(2))
        answer(made, 1, 400, body=body)
        answer(made, 3, 410, body=body)
        verdicts = outcomes_of(made.findings())
        assert [(each.state, each.reason) for each in verdicts] == [
            (State.REJECTED, "HTTP400"), (State.REJECTED, "HTTP410"),
        ]  # fmt: skip

    def test_long_reasons_with_control_characters(self) -> None:
        """A reason is kept within bounds and on one line."""
        made = opened(span())
        answer(made, 1, 400, body=b'{"reason":"a\\nb%s"}' % (b"x" * 500))
        (verdict,) = outcomes_of(made.findings())
        assert verdict.reason.startswith("a\\nb")
        assert len(verdict.reason) <= LONGEST_REASON


class TestLater:
    """What is sent again after a while."""

    def test_attempts_are_counted(self) -> None:
        """Each refusal counts, and is a step of the notification's history."""
        made = opened(span())
        answer(made, 1, 503, "ServiceUnavailable")
        (later,) = made.findings().later
        assert later.span.retries == 1
        assert [(step.event, step.reason) for step in later.span.past] == [
            (Event.REFUSED, "ServiceUnavailable")
        ]

    @pytest.mark.parametrize(
        ("status", "reason"), [(500, "InternalServerError"), (429, "TooManyRequests"), (599, "X")]
    )
    def test_given_up_in_the_end(self, status: int, reason: str) -> None:
        """After so many refusals the notification has failed."""
        made = opened(replace(span(), retries=RETRIES))
        answer(made, 1, status, reason)
        found = made.findings()
        assert [(each.state, each.status, each.reason) for each in outcomes_of(found)] == [
            (State.FAILED, status, reason)
        ]
        assert found.later == []


class TestCredential:
    """What answers say of the credential."""

    @pytest.mark.parametrize(
        ("topic", "held"), [(None, True), (TOPIC, True), ("com.example.app.voip", False)]
    )
    def test_a_topic_of_the_callers(self, topic: str | None, held: bool) -> None:
        """A caller's own topic that is not allowed is the caller's fault; the app's stops the credential."""
        made = opened(span(topic=topic))
        answer(made, 1, 400, "TopicDisallowed")
        found = made.findings()
        assert (found.held is not None, found.leave is not None, len(found.requeue)) == (held, held, held)
        assert [each.state for each in outcomes_of(found)] == ([] if held else [State.REJECTED])
        assert found.deaths == []

    def test_the_youngest_token_that_expired(self) -> None:
        """Of several tokens called too old the youngest counts; older requests say nothing of it."""
        made = exchange()
        for stream, serial in ((1, 2), (3, 3), (5, 2)):
            made.opened(stream, span(order=stream), 0, 0.0, serial)
        for stream in (1, 3, 5):
            answer(made, stream, 403, "ExpiredProviderToken")
        found = made.findings()
        assert (found.expired, found.leave, len(found.requeue)) == (3, None, 3)


ACTIONS = st.sampled_from(["accepted", "named", "rejected", "later", "held", "unprocessed", "unanswered"])


class Model:
    """Does to a connection what hypothesis says, and knows what may become of each member."""

    def __init__(self, spans: list[BatchSlice]) -> None:
        self.exchange = exchange()
        self.open: dict[int, tuple[int, int]] = {}
        self.members = [(each.batch.order, index) for each in spans for index in range(each.start, each.stop)]
        self.at_most_once = {each.batch.order for each in spans if each.batch.delivery is ONCE}
        self.doubtful: set[tuple[int, int]] = set()
        self.safe: set[tuple[int, int]] = set()
        self.named: set[tuple[int, int]] = set()
        self.found: list[Findings] = []
        stream = 1
        for each in spans:
            for index in range(each.start, each.stop):
                self.exchange.opened(stream, each, index, 0.0, 1)
                self.open[stream] = each.batch.order, index
                stream += 2

    def act(self, action: str, stream: int) -> None:
        member = self.open.pop(stream)
        if action == "unprocessed":
            self.safe.add(member)
            self.exchange.unprocessed(stream, WALL)
        elif action == "unanswered":
            self.doubtful.add(member)
            self.exchange.unanswered(stream, "NoAnswer", WALL)
        elif action == "named":
            self.named.add(member)
            answer(self.exchange, stream, unique=b"%d-%d" % member)
        else:
            status, reason = {
                "accepted": (200, ""),
                "rejected": (400, "BadPriority"),
                "later": (500, "InternalServerError"),
                "held": (403, "InvalidProviderToken"),
            }[action]
            answer(self.exchange, stream, status, reason)

    def end(self, unsent: set[int]) -> None:
        for stream, member in self.open.items():
            (self.safe if stream in unsent else self.doubtful).add(member)
        self.found.append(self.exchange.ended(unsent.__contains__, "ConnectionLost", WALL))

    def fates(self) -> dict[str, list[tuple[int, int]]]:
        """The members by what became of them."""
        spans = {
            "verdict": [each.span for found in self.found for each in outcomes_of(found)],
            "requeue": [each for found in self.found for each in found.requeue],
            "later": [each.span for found in self.found for each in found.later],
        }
        return {
            fate: [(each.batch.order, index) for each in those for index in range(each.start, each.stop)]
            for fate, those in spans.items()
        }


@st.composite
def histories(draw: st.DrawFn) -> Model:
    """A connection to its end."""
    spans = [
        draw(st.sampled_from([span, once]))(draw(st.integers(1, 6)), order=order)
        for order in range(draw(st.integers(1, 3)))
    ]
    model = Model(spans)
    while model.open and draw(st.integers(0, 9)):
        model.act(draw(ACTIONS), draw(st.sampled_from(sorted(model.open))))
        if draw(st.booleans()):
            model.found.append(model.exchange.findings())
    model.end(draw(st.sets(st.sampled_from(sorted(model.open)))) if model.open else set())
    return model


@settings(max_examples=300)
@given(histories())
def test_every_member_has_one_fate(model: Model) -> None:
    """Whatever happens, each member is reported or sent again, once; and nothing is handed out twice.

    At-most-once never sends again what may have been processed, and always what was not.
    """
    fates = model.fates()
    everything = [member for those in fates.values() for member in those]
    assert sorted(everything) == model.members
    assert (model.exchange.in_flight, model.exchange.findings()) == (0, Findings())
    for member in model.safe:
        assert member in fates["requeue"]
    for member in model.doubtful:
        assert member in fates["verdict" if member[0] in model.at_most_once else "requeue"]
    unique = {
        (each.span.batch.order, each.span.start): each.unique_id
        for found in model.found
        for each in outcomes_of(found)
        if each.unique_id
    }
    assert unique == {member: f"{member[0]}-{member[1]}" for member in model.named}


def test_the_reason_of_a_goaway() -> None:
    """A documented one is the row of its answer; another is shown escaped, and costs the connection."""
    service = AppleService(RequestRules("localhost", TOPIC, 0))
    [row] = [each for each in ANSWERS if each.reason == "BadCertificate"]
    assert service.read_goaway(b'{"reason":"BadCertificate"}') == row
    said = service.read_goaway(b"too\nmany")
    assert (said.status, said.reason, said.follows) == (403, "too\\nmany", Follows.NEW_CONNECTION)
