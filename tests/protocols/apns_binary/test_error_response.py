"""The error response: six bytes, however they come."""

from struct import error as struct_error

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_binary.error_response import ErrorResponse, MalformedReply, ReplyDecoder, encode
from tests.samples import at_every_byte, cuts

VECTORS = {
    "080800000001": ErrorResponse(8, 1),
    "0807deadbeef": ErrorResponse(7, 0xDEADBEEF),
    "080a00000029": ErrorResponse(10, 41),
    "088000000000": ErrorResponse(128, 0),
    "08ff00000000": ErrorResponse(255, 0),
}
RESPONSES = st.builds(ErrorResponse, st.integers(0, 255), st.integers(0, 2**32 - 1))


def feed(pieces):
    """What a decoder makes of these pieces, and the decoder."""
    decoder = ReplyDecoder()
    return [reply for piece in pieces if (reply := decoder.feed(piece)) is not None], decoder


@pytest.mark.parametrize(("hexdump", "response"), VECTORS.items())
def test_vectors(hexdump, response):
    """The protocol notes' own bytes, both ways."""
    assert encode(response).hex() == hexdump
    assert feed([bytes.fromhex(hexdump)])[0] == [response]


@pytest.mark.parametrize("pieces", at_every_byte(bytes.fromhex("0807deadbeef")))
def test_a_reply_may_come_in_pieces(pieces):
    """One read is not one packet: wherever it is cut, the reply comes once, when its last byte is there."""
    assert feed(pieces)[0] == [ErrorResponse(7, 0xDEADBEEF)]
    for missing in range(1, 6):
        assert feed([bytes.fromhex("0807deadbeef")[:-missing]])[0] == []


@given(RESPONSES, st.binary(max_size=20), st.data())
def test_what_follows_is_noise(response, noise, data):
    """A connection has one reply; whatever comes after it changes nothing, also another reply."""
    stream = encode(response) + noise
    assert feed(data.draw(cuts(stream)))[0] == [response]
    assert feed([encode(response), encode(ErrorResponse(1, 1))])[0] == [response]


def test_an_undefined_status_is_kept_as_its_number():
    """77 has no known meaning, and is reported all the same."""
    assert feed([bytes.fromhex("084d00000005")])[0] == [ErrorResponse(77, 5)]


@pytest.mark.parametrize("first", [0, 2, 9, 0x16, 0xFF])
def test_anything_else_is_malformed(first):
    """The first byte decides: no need to wait for five more, and nothing after it counts."""
    replies, decoder = feed([bytes([first]), encode(ErrorResponse(8, 1))])
    assert replies == [MalformedReply(first)]
    assert not decoder.partial


@pytest.mark.parametrize("length", range(7))
def test_a_reply_cut_short_is_noticed(length):
    """One to five bytes are a lost error, not silence: the end of the connection has to know."""
    _, decoder = feed([encode(ErrorResponse(8, 1))[:length]])
    assert decoder.partial is (1 <= length <= 5)


@given(st.lists(st.binary(max_size=10), max_size=6))
def test_random_bytes_never_raise(pieces):
    """Whatever a peer says, there is at most one reply, and it depends on the bytes only, not on the cuts."""
    replies, decoder = feed(pieces)
    whole, _ = feed([b"".join(pieces)])
    assert replies == whole
    assert len(replies) <= 1
    assert not (replies and decoder.partial)


def test_numbers_that_do_not_fit_are_not_encoded():
    """A status has one byte and an identifier four: nothing is cut off silently."""
    for response in (ErrorResponse(256, 1), ErrorResponse(8, 2**32), ErrorResponse(8, -1)):
        with pytest.raises(struct_error):
            encode(response)
