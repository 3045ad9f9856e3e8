"""Notification frames: what is written, and what is read however it is cut."""

from itertools import permutations
from struct import error as struct_error
from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_binary.frames import (
    MAX_FRAME,
    Frame,
    FrameDecoder,
    MalformedFrame,
    encode_enhanced,
    encode_framed,
    encode_run,
    encode_sentinel,
    encode_simple,
)
from pushgate.protocols.apns_binary.status import ErrorStatus
from tests.samples import PAYLOAD, TOKEN, at_every_byte, cuts

TOKEN_HEX = TOKEN.hex()
PAYLOAD_HEX = PAYLOAD.hex()
PAIR_HEX = f"0020{TOKEN_HEX}0016{PAYLOAD_HEX}"
ITEMS_HEX = f"010020{TOKEN_HEX}020016{PAYLOAD_HEX}"

SIMPLE = f"00{PAIR_HEX}"
ENHANCED = f"010000000100000000{PAIR_HEX}"
ENHANCED_EXPIRING = f"01deadbeef6553f100{PAIR_HEX}"
ENHANCED_MINUS_ONE = f"0100000001ffffffff{PAIR_HEX}"
FULL = f"020000004e{ITEMS_HEX}030004000000010400046553f1000500010a"
MINIMAL = f"020000003c{ITEMS_HEX}"
NODE_APN = f"0200000043{ITEMS_HEX}03000400000007"
PUSHY = f"020000004e03000400000001{ITEMS_HEX}040004000000000500010a"
SENTINEL = "020000001803000400000002010000020000040004000000000500010a"

VECTORS = {
    SIMPLE: Frame(0, TOKEN, PAYLOAD, None, None, 10),
    ENHANCED: Frame(1, TOKEN, PAYLOAD, 1, 0, 10),
    ENHANCED_EXPIRING: Frame(1, TOKEN, PAYLOAD, 0xDEADBEEF, 1_700_000_000, 10),
    ENHANCED_MINUS_ONE: Frame(1, TOKEN, PAYLOAD, 1, 0xFFFFFFFF, 10),
    FULL: Frame(2, TOKEN, PAYLOAD, 1, 1_700_000_000, 10),
    MINIMAL: Frame(2, TOKEN, PAYLOAD, None, None, None),
    NODE_APN: Frame(2, TOKEN, PAYLOAD, 7, None, None),
    PUSHY: Frame(2, TOKEN, PAYLOAD, 1, 0, 10),
    SENTINEL: Frame(2, b"", b"", 2, 0, 10),
}
ALL = bytes.fromhex("".join(VECTORS))


def decode(*pieces):
    """What a decoder makes of these pieces."""
    decoder = FrameDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)]


def number(value, size=4):
    """A big-endian number."""
    return value.to_bytes(size, "big")


def run(tokens, payloads, identifiers, expiration, priority):
    """A run of frames as one stream."""
    return b"".join(encode_run(tokens, payloads, identifiers, expiration, priority))


# What is written


def test_the_simple_vector():
    """Command 0: 59 bytes for the notes' token and payload."""
    frame = encode_simple(TOKEN, PAYLOAD)
    assert frame.hex() == SIMPLE
    assert len(frame) == 59


@pytest.mark.parametrize(
    ("hexdump", "identifier", "expiration"),
    [(ENHANCED, 1, 0), (ENHANCED_EXPIRING, 0xDEADBEEF, 1_700_000_000), (ENHANCED_MINUS_ONE, 1, 0xFFFFFFFF)],
)
def test_the_enhanced_vectors(hexdump, identifier, expiration):
    """Command 1: 67 bytes; "less than zero" of the old guide is the largest unsigned number."""
    frame = encode_enhanced(identifier, expiration, TOKEN, PAYLOAD)
    assert frame.hex() == hexdump
    assert len(frame) == 67


@pytest.mark.parametrize(
    ("hexdump", "order", "expiration", "identifier"),
    [
        (FULL, [1, 2, 3, 4, 5], 1_700_000_000, 1),
        (MINIMAL, [1, 2], 0, 0),
        (NODE_APN, [1, 2, 3], 0, 7),
        (PUSHY, [3, 1, 2, 4, 5], 0, 1),
    ],
)
def test_the_framed_vectors(hexdump, order, expiration, identifier):
    """Command 2 in the item orders of real clients."""
    items = {1: TOKEN, 2: PAYLOAD, 3: number(identifier), 4: number(expiration), 5: b"\x0a"}
    assert encode_framed((item, items[item]) for item in order).hex() == hexdump


def test_a_run_writes_the_full_vector():
    """What the gateway itself sends is the full frame, items 1 to 5."""
    assert run([TOKEN], [PAYLOAD], [1], 1_700_000_000, 10).hex() == FULL


def test_without_expiration_the_item_is_left_out():
    """No expiration given is not the same as expiration 0, which means: do not store."""
    (frame,) = decode(run([TOKEN], [PAYLOAD], [1], None, 5))
    assert frame == Frame(2, TOKEN, PAYLOAD, 1, None, 5)
    (frame,) = decode(run([TOKEN], [PAYLOAD], [1], 0, 5))
    assert frame == Frame(2, TOKEN, PAYLOAD, 1, 0, 5)


def test_the_sentinel_vector():
    """The frame that is known to be rejected, as pushy writes it: 29 bytes."""
    sentinel = encode_sentinel(2)
    assert sentinel.hex() == SENTINEL
    assert len(sentinel) == 29


def test_frame_totals():
    """The largest frames of each era, as the notes have them."""
    small, large = bytes(256), bytes(2048)
    assert len(encode_simple(TOKEN, small)) == 293
    assert len(encode_enhanced(1, 0, TOKEN, small)) == 301
    assert len(encode_enhanced(1, 0, TOKEN, large)) == 2093
    assert len(run([TOKEN], [large], [1], 0, 10)) == 2109


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=100), st.binary(max_size=300), st.integers(1, 2**32 - 1)),
        max_size=8,
    ),
    st.none() | st.integers(0, 2**32 - 1),
    st.sampled_from([5, 10]),
    st.data(),
)
def test_what_a_run_writes_is_read_again(members, expiration, priority, data):
    """Any tokens, payloads and identifiers, in any cuts: one frame each, in order, nothing lost."""
    stream = run(*([member[at] for member in members] for at in range(3)), expiration, priority)
    assert decode(*data.draw(cuts(stream))) == [
        Frame(2, token, payload, identifier, expiration, priority) for token, payload, identifier in members
    ]


def test_what_does_not_fit_is_not_encoded():
    """Nothing is cut off silently: unequal lengths, a number or a payload too large for its field."""
    for encode in (
        lambda: encode_simple(TOKEN, bytes(65536)),
        lambda: encode_enhanced(2**32, 0, TOKEN, PAYLOAD),
        lambda: encode_enhanced(1, -1, TOKEN, PAYLOAD),
        lambda: encode_framed([(1, bytes(65536))]),
        lambda: encode_run([TOKEN], [bytes(65536)], [1], None, 10),
        lambda: encode_run([TOKEN], [PAYLOAD], [2**32], None, 10),
    ):
        with pytest.raises(struct_error):
            encode()
    with pytest.raises(OverflowError):
        encode_run([TOKEN], [PAYLOAD], [1], 2**32, 10)
    with pytest.raises(ValueError, match="shorter"):
        encode_run([TOKEN, TOKEN], [PAYLOAD], [1, 2], None, 10)


# What is read


@pytest.mark.parametrize(("hexdump", "frame"), VECTORS.items())
def test_vectors_are_read(hexdump, frame):
    """Every vector of the notes; commands 0 and 1 imply priority 10."""
    assert decode(bytes.fromhex(hexdump)) == [frame]


@pytest.mark.parametrize("hexdump", VECTORS)
def test_a_frame_may_come_in_pieces(hexdump):
    """Cut at every byte, and into single bytes: one frame, and not before its last byte."""
    stream = bytes.fromhex(hexdump)
    for pieces in at_every_byte(stream):
        assert decode(*pieces) == [VECTORS[hexdump]]
    for length in range(len(stream)):
        assert decode(stream[:length]) == []


@given(cuts(ALL))
def test_frames_of_all_kinds_may_follow_each_other(pieces):
    """One connection, all commands and item orders, any cuts: the same frames."""
    assert decode(*pieces) == list(VECTORS.values())


@pytest.mark.parametrize("order", list(permutations(range(1, 6))))
def test_all_five_items_in_any_order(order):
    """No item order is required: all 120 give the same frame, alone and between others."""
    items = {1: TOKEN, 2: PAYLOAD, 3: number(1), 4: number(1_700_000_000), 5: b"\x0a"}
    stream = encode_framed((item, items[item]) for item in order)
    assert decode(bytes.fromhex(FULL) + stream + bytes.fromhex(FULL)) == [VECTORS[FULL]] * 3


ITEMS = st.fixed_dictionaries(
    {},
    optional={
        1: st.binary(max_size=110),
        2: st.binary(max_size=300),
        3: st.binary(min_size=4, max_size=4),
        4: st.binary(min_size=4, max_size=4),
        5: st.binary(min_size=1, max_size=1),
        6: st.binary(max_size=20),
        255: st.binary(max_size=20),
    },
)


@given(st.lists(ITEMS.flatmap(lambda items: st.permutations(list(items.items()))), max_size=6), st.data())
def test_any_items_in_any_order(frames, data):
    """Missing items are absent or empty, items of unknown numbers are passed over."""
    stream = b"".join(encode_framed(items) for items in frames)
    expected = []
    for items in map(dict, frames):
        identifier, expiration, priority = (
            int.from_bytes(items[item], "big") if item in items else None for item in (3, 4, 5)
        )
        expected.append(Frame(2, items.get(1, b""), items.get(2, b""), identifier, expiration, priority))
    assert decode(*data.draw(cuts(stream))) == expected


ID = (3, number(77))
GOOD = [(1, TOKEN), (2, PAYLOAD), ID]
TAIL = [(4, number(0)), (5, b"\x0a")]


def raw_items(body):
    """A command 2 frame with this body."""
    return pack(">BI", 2, len(body)) + body


MALFORMED = {
    "duplicate token": (encode_framed([*GOOD, (1, TOKEN)]), 77),
    "duplicate payload": (encode_framed([*GOOD, (2, PAYLOAD)]), 77),
    "duplicate identifier": (encode_framed([*GOOD, (3, number(78))]), 77),
    "duplicate of unknown number": (encode_framed([*GOOD, (9, b""), (9, b"")]), 77),
    "identifier of 3 bytes": (encode_framed([(1, TOKEN), (2, PAYLOAD), (3, b"\0\0\1"), *TAIL]), 0),
    "identifier of 5 bytes": (encode_framed([(1, TOKEN), (2, PAYLOAD), (3, b"\0\0\0\0\1"), *TAIL]), 0),
    "expiration of 8 bytes": (encode_framed([*GOOD, (4, bytes(8)), TAIL[1]]), 77),
    "expiration of 0 bytes": (encode_framed([*GOOD, (4, b""), TAIL[1]]), 77),
    "priority of 2 bytes": (encode_framed([*GOOD, TAIL[0], (5, b"\0\x0a")]), 77),
    "priority of 0 bytes": (encode_framed([*GOOD, TAIL[0], (5, b"")]), 77),
    "item head cut": (raw_items(encode_framed(GOOD)[5:] + b"\4\0"), 77),
    "item cut": (raw_items(encode_framed(GOOD)[5:] + b"\4\0\4\0"), 77),
    "item past the frame": (raw_items(pack(">BH", 3, 4) + number(77) + pack(">BH", 1, 33) + TOKEN), 77),
    "token length past the frame": (raw_items(pack(">BH", 1, 60000) + TOKEN), 0),
    "frame too long": (pack(">BI", 2, MAX_FRAME + 1), 0),
    "frame too long, and complete": (run([TOKEN], [bytes(MAX_FRAME)], [77], None, 10), 0),
    "frame of 4 GiB": (pack(">BI", 2, 2**32 - 1), 0),
    "unknown command": (b"\x03", 0),
    "TLS where none was expected": (b"\x16\x03\x01", 0),
    "simple, token too long": (pack(">BH", 0, 101), 0),
    "simple, payload too long": (encode_simple(TOKEN, b"")[:-2] + number(4097, 2), 0),
    "enhanced, token too long": (pack(">BIIH", 1, 77, 0, 101), 77),
    "enhanced, payload too long": (encode_enhanced(77, 0, TOKEN, b"")[:-2] + number(4097, 2), 77),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_frames_end_the_stream(name):
    """What came before counts, then there is one fault, with the identifier if it was read; then silence.

    Where the next frame would begin cannot be known, so nothing that follows is taken for one.
    """
    stream, identifier = MALFORMED[name]
    good = bytes.fromhex(FULL)
    for pieces in ([good + stream + good], *([good, *cut, good, good] for cut in at_every_byte(stream))):
        frame, fault = decode(*pieces)
        assert frame == VECTORS[FULL]
        assert isinstance(fault, MalformedFrame)
        assert fault.identifier == identifier


def test_a_fault_says_what_is_wrong_but_not_what_was_sent():
    """Its reason is for a log: numbers and sizes, never a token or a payload."""
    for stream, _ in MALFORMED.values():
        fault = decode(stream + ALL)[-1]
        assert TOKEN_HEX not in fault.reason
        assert "aps" not in fault.reason
        assert 0 < len(fault.reason) < 60


def test_the_largest_frame_is_taken():
    """A frame exactly at the bound is read; the bound holds a token of 100 and a payload of 4096 bytes."""
    full = [(1, bytes(100)), (2, bytes(4096)), ID, *TAIL]
    (frame,) = decode(encode_framed(full))
    assert (len(frame.token), len(frame.payload)) == (100, 4096)
    rest = MAX_FRAME - len(encode_framed([*full, (6, b"")])) + 5
    stream = (
        encode_framed([*full, (6, bytes(rest))]) if rest >= 0 else encode_framed([(2, bytes(MAX_FRAME - 3))])
    )
    assert len(stream) == MAX_FRAME + 5
    assert isinstance(decode(stream)[0], Frame)


def test_the_largest_pair_is_taken():
    """Commands 0 and 1 with a token of 100 and a payload of 4096 bytes are read."""
    token, payload = bytes(100), bytes(4096)
    assert decode(encode_simple(token, payload), encode_enhanced(7, 1, token, payload)) == [
        Frame(0, token, payload, None, None, 10),
        Frame(1, token, payload, 7, 1, 10),
    ]


def test_a_pair_too_long_says_which():
    """A service can answer with the status for it, although it cannot go on."""
    for stream, status in (
        (encode_enhanced(7, 1, bytes(101), PAYLOAD), ErrorStatus.INVALID_TOKEN_SIZE),
        (encode_enhanced(7, 1, TOKEN, bytes(4097)), ErrorStatus.INVALID_PAYLOAD_SIZE),
        (encode_framed([(1, TOKEN), (2, bytes(5000))]), ErrorStatus.PROTOCOL_ERROR),
    ):
        assert decode(stream)[0].status is status


def test_a_decoder_may_take_longer_payloads():
    """Up to the size it is given, in each of the commands."""
    token, payload = bytes(100), bytes(50_000)
    streams = (
        encode_simple(token, payload),
        encode_enhanced(7, 1, token, payload),
        run([token], [payload], [7], 1, 10),
        encode_framed([(2, payload), (1, token)]),
    )
    for stream in streams:
        assert FrameDecoder(50_000).feed(stream)[0].payload == payload
        assert isinstance(FrameDecoder(49_000).feed(stream)[0], MalformedFrame)


def test_an_empty_pair_is_taken():
    """A token or payload of no bytes is a frame: the service answers it with 2 or 4, it does not lose count."""
    assert decode(encode_simple(b"", b"")) == [Frame(0, b"", b"", None, None, 10)]
    assert decode(encode_enhanced(7, 0, b"", b"")) == [Frame(1, b"", b"", 7, 0, 10)]


def item_by_item(stream):
    """A command 2 frame read as plainly as the notes describe it; None when it is malformed."""
    body, items = stream[5:], {}
    while body:
        if len(body) < 3:
            return None
        item, size = unpack(">BH", body[:3])
        data, body = body[3 : 3 + size], body[3 + size :]
        if len(data) < size or item in items or {3: 4, 4: 4, 5: 1}.get(item, size) != size:
            return None
        items[item] = data
    numbers = [int.from_bytes(items[item], "big") if item in items else None for item in (3, 4, 5)]
    return Frame(2, items.get(1, b""), items.get(2, b""), *numbers)


@pytest.mark.parametrize("expiration", [None, 1_700_000_000])
@pytest.mark.parametrize("change", [1, 2, 3, 4, 7, 8, 255])
def test_usual_frames_are_read_no_less_strictly(expiration, change):
    """What the gateway itself writes is read by a quicker way; a byte changed anywhere is noticed all the same."""
    good = run([TOKEN], [PAYLOAD], [77], expiration, 10)
    assert decode(good) == [item_by_item(good)]
    for at in range(5, len(good)):
        stream = good[:at] + bytes((good[at] ^ change,)) + good[at + 1 :]
        (found,) = decode(stream)
        assert (None if isinstance(found, MalformedFrame) else found) == item_by_item(stream)
    (found,) = decode(bytes((good[0] ^ (change | 16),)) + good[1:])
    assert isinstance(found, MalformedFrame)


COMMAND = st.sampled_from([b"\0", b"\1", b"\2", b"\2\0\0\0", b"\1\0\0\0\1\0\0\0\0\0", b"\2\0\0\0\x0a\1\0"])


@given(st.lists(COMMAND | st.binary(max_size=40), max_size=10).map(b"".join), st.data())
def test_random_bytes_never_raise(stream, data):
    """Whatever a peer writes: frames, then at most one fault, the same for any cuts."""
    frames = decode(*data.draw(cuts(stream)))
    assert frames == decode(stream)
    assert all(isinstance(frame, Frame) for frame in frames[:-1])


@given(st.sampled_from([FULL, PUSHY, NODE_APN, ENHANCED, SIMPLE]), st.data())
def test_a_damaged_frame_never_raises(hexdump, data):
    """One byte changed anywhere in a frame among good ones: the same result for any cuts."""
    frame = bytearray.fromhex(hexdump)
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    stream = bytes.fromhex(FULL) + bytes(frame) + bytes.fromhex(FULL)
    frames = decode(stream)
    assert decode(*data.draw(cuts(stream))) == frames
    assert frames[0] == VECTORS[FULL]


def test_an_incomplete_frame_is_known():
    """A stream that ends within a frame was cut off; one that ends behind it was not."""
    stream, decoder = bytes.fromhex(next(iter(VECTORS))), FrameDecoder()
    assert not decoder.partial
    decoder.feed(stream[:-1])
    assert decoder.partial
    decoder.feed(stream[-1:])
    assert not decoder.partial
