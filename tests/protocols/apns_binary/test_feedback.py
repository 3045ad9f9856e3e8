"""The feedback stream: tuples one after another, however they are cut."""

from struct import error as struct_error

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_binary.feedback import FeedbackDecoder, FeedbackTuple, encode
from tests.samples import TOKEN, at_every_byte, cuts

FIRST = FeedbackTuple(1_700_000_000, TOKEN)
SECOND = FeedbackTuple(1_700_000_060, b"\xaa\xbb\xcc\xdd")
FIRST_HEX = "6553f1000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
SECOND_HEX = "6553f13c0004aabbccdd"
BOTH = bytes.fromhex(FIRST_HEX + SECOND_HEX)
TUPLES = st.lists(st.builds(FeedbackTuple, st.integers(0, 2**32 - 1), st.binary(max_size=100)), max_size=8)


def feed(pieces):
    """What a decoder makes of these pieces, and how many bytes are left over."""
    decoder = FeedbackDecoder()
    return [entry for piece in pieces for entry in decoder.feed(piece)], decoder.pending


@pytest.mark.parametrize(("hexdump", "entry"), [(FIRST_HEX, FIRST), (SECOND_HEX, SECOND)])
def test_vectors(hexdump, entry):
    """The protocol notes' own bytes, both ways; a token of 32 bytes makes 38, one of 4 makes 10."""
    assert encode(entry).hex() == hexdump
    assert feed([bytes.fromhex(hexdump)]) == ([entry], 0)


@pytest.mark.parametrize("pieces", at_every_byte(BOTH))
def test_tuples_may_straddle_reads(pieces):
    """Wherever the stream is cut into reads, the same tuples come out."""
    assert feed(pieces) == ([FIRST, SECOND], 0)


def test_an_empty_stream_is_no_tuples():
    """No device is gone: the service closes at once, and nothing was cut short."""
    assert feed([]) == ([], 0)
    assert feed([b""]) == ([], 0)


@pytest.mark.parametrize("length", range(len(BOTH)))
def test_a_stream_cut_short_keeps_what_is_whole(length):
    """Every tuple that came whole counts; the bytes of one that did not are counted."""
    whole = [entry for entry, end in ((FIRST, 38), (SECOND, 48)) if end <= length]
    assert feed([BOTH[:length]]) == (whole, length - (38 if whole else 0))


@given(TUPLES, st.data())
def test_any_tuples_any_cuts(entries, data):
    """Tokens of any length, none included, in any order, cut anywhere."""
    stream = b"".join(map(encode, entries))
    assert feed(data.draw(cuts(stream))) == (entries, 0)


@given(st.binary(max_size=200), st.data())
def test_random_bytes_never_raise(stream, data):
    """Every stream is tuples and perhaps a rest: nothing is lost, nothing invented, whatever the cuts."""
    entries, pending = feed(data.draw(cuts(stream)))
    assert b"".join(map(encode, entries)) == stream[: len(stream) - pending]
    assert (entries, pending) == feed([stream])


def test_numbers_that_do_not_fit_are_not_encoded():
    """A time has four bytes and a length two: nothing is cut off silently."""
    for entry in (FeedbackTuple(2**32, TOKEN), FeedbackTuple(-1, TOKEN), FeedbackTuple(0, bytes(65536))):
        with pytest.raises(struct_error):
            encode(entry)
