"""Outcome records: what callers, files and brokers read."""

import hashlib
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.outcome import DeadToken, Outcome, State
from pushgate.model.outcome_record import Tokens, id_text, kept_lines, lines, ndjson
from pushgate.model.outcome_record import record as record_of
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm
from tests.samples import CHANNEL, ID, TOKEN, batch, broadcast, span, token

KEYS = [
    "id", "app", "token", "state", "status", "reason", "at", "attempts", "batch", "index", "upstream",
    "corrects",
]  # fmt: skip
REJECTED = Outcome(span(), State.REJECTED, 8, "InvalidToken", 1_700_000_000.1234, "apns-stream")
DEAD = DeadToken("news", TOKEN, 1_700_000_000, 1_700_000_060.5, "apns-stream")


def record(report, tokens=Tokens.FULL):
    """The one record of a report."""
    (line,) = lines(report, tokens)
    return json.loads(line)


def test_a_record_is_as_the_contract_has_it():
    """Names, order, types and values of the contract's own example."""
    outcome = replace(REJECTED, span=replace(span(), attempts=1))
    batch_uuid = str(UUID(int=ID))
    assert list(record(outcome)) == KEYS
    assert record(outcome) == {
        "id": batch_uuid, "app": "news", "token": token(0).hex(), "state": "rejected", "status": 8,
        "reason": "InvalidToken", "at": 1_700_000_000.123, "attempts": 1, "batch": batch_uuid, "index": 0,
        "upstream": "apns-stream", "corrects": False,
    }  # fmt: skip


@pytest.mark.parametrize("state", [state for state in State if state is not State.DEAD_TOKEN])
def test_every_state_is_written_as_its_word(state):
    """A record has the same keys in every state, null where there is nothing to say."""
    found = record(Outcome(span(), state, None, "", 0.0, ""))
    assert list(found) == KEYS
    assert (found["state"], found["status"], found["reason"], found["upstream"]) == (str(state), None, "", "")


def test_members_count_from_the_batch():
    """Member i has the batch's UUID plus i, its own token and index; a part of a batch keeps both."""
    records = [json.loads(line) for line in lines(replace(REJECTED, span=span(300).part(254, 258)))]
    assert [found["index"] for found in records] == [254, 255, 256, 257]
    assert [UUID(found["id"]).int for found in records] == [ID + index for index in (254, 255, 256, 257)]
    assert [found["token"] for found in records] == [token(index).hex() for index in (254, 255, 256, 257)]
    assert {found["batch"] for found in records} == {id_text(ID)}


@given(st.integers(0, 999), st.integers(1, 1000))
def test_members_of_any_slice(start, count):
    """Whichever part of a batch an outcome is about, each record has the id and the token of its member."""
    part = span(2000).part(start, start + count)
    records = [json.loads(line) for line in lines(replace(REJECTED, span=part))]
    members = range(start, start + count)
    assert [UUID(found["id"]).int for found in records] == [ID + index for index in members]
    assert [found["token"] for found in records] == [token(index).hex() for index in members]


def test_the_last_member_of_the_largest_batch():
    """Index 65535 fills the last four hex digits and no more."""
    whole = span(65536)
    last = json.loads(lines(replace(REJECTED, span=whole.part(65535, 65536)))[0])
    assert UUID(last["id"]).int == ID + 65535
    assert last["id"][:-4] == last["batch"][:-4]


def test_attempts_and_corrections_are_told():
    """How often it was written, and whether this takes back what was presumed."""
    found = record(replace(REJECTED, span=replace(span(), attempts=3, recalled=True)))
    assert (found["attempts"], found["corrects"]) == (3, True)


def test_tokens_as_the_sink_wants_them():
    """In full, as a short hash by which equal tokens stay equal, or not at all."""
    hashed = hashlib.sha256(token(0)).hexdigest()[:16]
    assert record(REJECTED, Tokens.FULL)["token"] == token(0).hex()
    assert record(REJECTED, Tokens.HASH)["token"] == hashed
    assert record(REJECTED, Tokens.NONE)["token"] is None
    assert token(0).hex() not in lines(REJECTED, Tokens.HASH)[0] + lines(REJECTED, Tokens.NONE)[0]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
def test_any_text_is_safe_in_a_record(reason, app):
    """Quotes, line ends and the like in a reason or an app's name neither break the JSON nor the line."""
    whole = replace(span(), batch=replace(batch(), app=app))
    (line,) = lines(replace(REJECTED, span=whole, reason=reason, upstream=reason))
    assert not {"\n", "\r"} & set(line)
    found = json.loads(line)
    assert (found["reason"], found["app"], found["upstream"]) == (reason, app, reason)


@given(st.floats(0, 2**32), st.none() | st.integers(0, 255), st.sampled_from(sorted(State)))
def test_every_record_is_json(at, status, state):
    """Whatever the time, status and state: `at` is a number in milliseconds' precision."""
    found = record(Outcome(span(), state, status, "", at, "x"))
    assert found["at"] == pytest.approx(at, abs=0.0006)
    assert found["status"] == status


def test_a_dead_token_is_no_notification():
    """A feedback entry has the same keys and `dead_since`, and no id, batch or index."""
    assert list(record(DEAD)) == [*KEYS, "dead_since"]
    assert record(DEAD) == {
        "id": None, "app": "news", "token": TOKEN.hex(), "state": "dead-token", "status": None, "reason": "",
        "at": 1_700_000_060.5, "attempts": 0, "batch": None, "index": None, "upstream": "apns-stream",
        "corrects": False, "dead_since": 1_700_000_000,
    }  # fmt: skip


def test_a_dead_token_may_be_hashed_too():
    """The sink's choice holds for feedback entries as well."""
    assert record(DEAD, Tokens.HASH)["token"] == hashlib.sha256(TOKEN).hexdigest()[:16]
    assert record(DEAD, Tokens.NONE)["token"] is None


def test_ndjson_has_a_line_a_notification():
    """Every record ends its line, also the last; no reports are no bytes."""
    text = ndjson([replace(REJECTED, span=span(3)), DEAD])
    assert text.endswith(b"}\n")
    assert [json.loads(line)["index"] for line in text.splitlines()] == [0, 1, 2, None]
    assert ndjson([DEAD], Tokens.NONE) == lines(DEAD, Tokens.NONE)[0].encode() + b"\n"
    assert ndjson([]) == b""


@pytest.mark.parametrize("state", [State.QUEUED, State.WRITTEN])
def test_a_notification_on_its_way_has_a_record_too(state):
    """Its status is written like an outcome, of that one member."""
    found = json.loads(record_of(Outcome(span(5).part(2, 3), state, None, "", 1.5, "")))
    assert list(found) == KEYS
    assert (found["state"], found["index"], found["at"]) == (str(state), 2, 1.5)
    assert (found["status"], found["reason"], found["upstream"]) == (None, "", "")


def test_a_target_that_is_text():
    """A service whose addresses are text has them in the record as they are, escaped for JSON."""
    of = replace(batch(1), tokens=Packed.of([b'https://push.example.com/"a'], 2), form=TargetForm.TEXT)
    outcome = replace(REJECTED, span=replace(REJECTED.span, batch=of, start=0, stop=1))
    assert record(outcome)["token"] == 'https://push.example.com/"a'


@pytest.mark.parametrize("tokens", list(Tokens))
def test_a_broadcast_has_a_channel_in_place_of_a_token(tokens):
    """Its token is null. A channel is no device, so that it is shown whatever a sink may show of tokens."""
    found = [json.loads(line) for line in lines(replace(REJECTED, span=broadcast(2)), tokens)]
    assert [(each["token"], each["channel"], each["index"]) for each in found] == [
        (None, CHANNEL, 0), (None, CHANNEL, 1),
    ]  # fmt: skip
    assert (
        record_of(replace(REJECTED, span=broadcast(2).part(1, 2)))
        == lines(replace(REJECTED, span=broadcast(2).part(1, 2)))[0]
    )


@pytest.mark.parametrize("form", [TargetForm.HEX, TargetForm.TEXT])
def test_a_replaced_token(form):
    """The new target is written as the old one is, in the sink's way; a record without one has no such field."""
    of = replace(batch(1), tokens=Packed.of([b"old"], 2), form=form)
    told = replace(
        REJECTED, span=replace(REJECTED.span, batch=of), state=State.REPLACED, replacement=b'"new\x7f'
    )
    assert list(record(told)) == [*KEYS, "replacement"]
    shown = [record(told, tokens)["replacement"] for tokens in Tokens]
    assert shown == [form.write(b'"new\x7f'), hashlib.sha256(b'"new\x7f').hexdigest()[:16], None]
    assert record(told)["token"] == form.write(b"old")
    assert "replacement" not in record(replace(told, replacement=b""))


def test_all_that_a_push_service_may_add():
    """Its own name for the notification stands before the new target."""
    told = replace(REJECTED, state=State.REPLACED, unique_id="u", replacement=b"n")
    assert list(record(told)) == [*KEYS, "unique_id", "replacement"]


def test_a_token_that_was_not_kept_is_null():
    """A report that comes from where no tokens are kept has none; one whose token is there has it."""
    forgotten = replace(
        REJECTED, span=replace(REJECTED.span, batch=replace(REJECTED.span.batch, tokens=Packed.of([b""], 1)))
    )
    for report in (replace(DEAD, token=b""), forgotten):
        [line] = kept_lines(report)
        assert json.loads(line)["token"] is None
    for report in (DEAD, REJECTED):
        assert kept_lines(report) == lines(report)
