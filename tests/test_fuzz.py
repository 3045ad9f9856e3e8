"""Every decoder on anything at all: a value or an error of its own kind, never another one, within bounds.

Frames, replies, feedback, AMP boxes and packed members have the same in the tests of their own modules.
"""

import contextlib
import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushgate.client.record import decode_record, decode_records
from pushgate.model.errors import CannotStart, Invalid, Refusal
from pushgate.model.notification import Terms, parse_id
from pushgate.model.outcome_record import id_text, lines
from pushgate.model.packed import Packed
from pushgate.plugin.settings import parse_duration
from pushgate.protocols.amp.boxes import MAX_BOX, BoxReader, Malformed
from pushgate.protocols.apns_binary.error_response import ReplyDecoder
from pushgate.protocols.apns_binary.feedback import FeedbackDecoder
from pushgate.protocols.apns_binary.frames import MAX_FRAME, FrameDecoder
from pushgate.protocols.apns_rules import APNS_RULES, parse_token
from pushgate.service.config.reader import config_from, read_config
from pushgate.service.plugin_registry import find
from pushgate.simulator.fault_rules import BadScript, parse_rules
from pushgate.testing import outcome

REGISTRY = find()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
TREES = st.recursive(
    SCALARS, lambda tree: st.lists(tree, max_size=4) | st.dictionaries(st.text(max_size=12), tree, max_size=4),
    max_leaves=12,
)  # fmt: skip


# decoders of the wire hold no more than one unit of it


@given(st.binary(max_size=300), st.integers(1, 40))
def test_frames_are_bounded(data, times):
    """However much comes, a decoder keeps less than two frames of it, and nothing once it makes no sense."""
    decoder = FrameDecoder()
    for _ in range(times):
        decoder.feed(data * 50)
        assert len(decoder._buffer) <= MAX_FRAME + 5


@given(st.binary(max_size=300), st.integers(1, 10))
def test_replies_are_bounded(data, times):
    """A connection has one reply, of six bytes."""
    decoder = ReplyDecoder()
    for _ in range(times):
        decoder.feed(data * 50)
        assert len(decoder._buffer) <= 6


@given(st.binary(max_size=300), st.integers(1, 10))
def test_feedback_is_bounded(data, times):
    """A tuple says how long it is in two bytes."""
    decoder = FeedbackDecoder()
    for _ in range(times):
        decoder.feed(data * 50)
        assert decoder.pending <= 6 + 0xFFFF


@given(st.binary(max_size=300), st.integers(1, 200))
def test_boxes_are_bounded(data, times):
    """A reader that is read as boxes come holds one box at most, and the bytes that came with its end."""
    reader, chunk = BoxReader(), data * 20
    try:
        for _ in range(times):
            reader.feed(chunk)
            while reader.next() is not None:
                pass
            assert len(reader._buffer) <= MAX_BOX + len(chunk)
    except Malformed:
        pass


def reported(error, field, text):
    """An error names the field, and never repeats what was given."""
    assert field in str(error)
    assert len(text) < 6 or text not in str(error)


# what callers give


@given(st.text() | st.text("0123456789abcdefABCDEF <>", max_size=220))
@example("\u0660\u0661")
@example("²²")
@example("\ud800")
def test_tokens(text):
    """A token of 1 to 100 bytes that comes out as it went in, or Invalid without the text."""
    try:
        token = parse_token(text)
    except Invalid as error:
        reported(error, "token", text)
    else:
        assert 1 <= len(token) <= 100
        assert parse_token(token.hex()) == token


@given(st.text() | st.uuids().map(str) | st.text("0123456789abcdef-{}urn:id", max_size=50))
@example("\u0660" * 32)
def test_ids(text):
    """A number of 128 bits, or Invalid."""
    try:
        number = parse_id(text)
    except Invalid:
        return
    assert parse_id(id_text(number)) == number


@given(st.binary(max_size=200) | TREES.map(lambda tree: json.dumps(tree).encode()))
@example(b"{" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"a":1e99999999}')
@example(b'{"a":' + b"9" * 1_000_000 + b"}")
def test_payloads(data):
    """What is taken is a JSON object for everybody else, too."""
    try:
        APNS_RULES.payload(data, 1 << 21)
    except Refusal:
        return
    try:
        assert isinstance(json.loads(data), dict)
    except ValueError as error:
        python_s_limit(error)


def python_s_limit(error):
    """There is one on the digits of a number."""
    assert "digits" in str(error)


FIELDS = {
    "expiration": st.integers() | st.none(), "registered_at": st.integers() | st.none(),
    "collapse_id": st.text() | st.none(), "topic": st.text() | st.none(), "push_type": st.text() | st.none(),
    "priority": st.integers(), "delivery": st.text() | st.none(),
}  # fmt: skip


@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_terms(fields):
    """Terms, or Invalid."""
    with contextlib.suppress(Invalid):
        Terms(**fields)


@given(st.lists(st.binary(max_size=200), max_size=40), st.data())
def test_damaged_members(members, data):
    """A packed blob with one byte changed, or cut, is other members of the same total, or Invalid."""
    blob = bytearray(Packed.of(members, 1).blob)
    if blob:
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    del blob[data.draw(st.integers(0, len(blob))) :]
    try:
        packed = Packed(bytes(blob), 1)
    except Invalid:
        return
    assert sum(map(len, packed)) + len(packed) == len(blob)


# what operators give


@given(st.text() | st.from_regex(r"[0-9.]{1,12}(ms|s|m|h|d)", fullmatch=True) | SCALARS)
@example("1" * 400 + "d")
def test_durations(text):
    """Seconds, finite and not below zero, or ValueError."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds < 1e15


def refused(error, name):
    assert error.faults
    for line in error.faults:
        assert line.startswith(name)
        assert "\n" not in line


@given(st.binary(max_size=200))
def test_configuration_files(tmp_path_factory, data):
    """Any bytes as a configuration file: one line a fault, each naming the file."""
    file = tmp_path_factory.getbasetemp() / "fuzz.toml"
    file.write_bytes(data)
    try:
        read_config(file, REGISTRY)
    except CannotStart as error:
        refused(error, f"{file}: ")


KEYS = st.sampled_from(
    ["gateway", "apps", "inputs", "sinks", "news", "upstream", "type", "state_dir", "listen", "x"]
)
WORDS = st.sampled_from(["memory", "amp", "jsonl", "log", "apns-stream", "simulator", "5s", "tcp:0", ""])
TABLES = st.recursive(
    SCALARS.filter(lambda value: value is not None) | WORDS,
    lambda tree: st.lists(tree, max_size=3) | st.dictionaries(KEYS, tree, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(st.dictionaries(KEYS, TABLES, max_size=5))
def test_configuration_trees(tree):
    """Any tree of tables: a configuration, or faults."""
    try:
        config_from(tree, "f.toml", REGISTRY)
    except CannotStart as error:
        refused(error, "f.toml: ")


ACTS = st.sampled_from(
    [
        "reject",
        "shutdown",
        "close",
        "reset",
        "half-close",
        "stall",
        "accept",
        "tls-alert",
        "refuse",
        "cut-feedback",
        "x",
    ]
)
RULES = st.dictionaries(
    st.sampled_from(
        ["status", "frame", "token", "delay", "duration", "split", "garbage", "end", "times", "probability"]
    ),
    TREES | st.sampled_from(["1s", "00", "close", 1, 0]),
    max_size=4,
)


@given(TREES | st.lists(st.tuples(ACTS, RULES).map(lambda pair: {"act": pair[0], **pair[1]}), max_size=4))
def test_scripts(tables):
    """Any JSON as a fault script: rules that can be written again, or BadScript with one line a fault."""
    try:
        rules = parse_rules(tables)
    except BadScript as error:
        refused(error, "script")
    else:
        assert parse_rules([rule.model_dump(mode="json") for rule in rules]) == rules


# what clients read


@given(st.binary(max_size=200) | TREES.map(lambda tree: json.dumps(tree).encode()))
def test_records(data):
    """A record or an error of msgspec's."""
    for decode in (decode_record, decode_records):
        try:
            decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue


@given(st.data())
def test_damaged_records(data):
    """A record that lost its end, or a byte of which was changed, is another record, or an error of msgspec's."""
    line = bytearray(lines(outcome())[0].encode())
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    del line[data.draw(st.integers(0, len(line))) :]
    try:
        decode_record(bytes(line))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return


@pytest.mark.parametrize("deep", ["[" * 50_000, "{a=" * 50_000, "[a" + ".a" * 5_000 + "]"])
def test_deep_nesting(tmp_path, deep):
    """A file that is nested too deeply is a fault, too."""
    file = tmp_path / "deep.toml"
    file.write_text(f"x = {deep}" if not deep.startswith("[a") else deep)
    with pytest.raises(CannotStart):
        read_config(file, REGISTRY)
