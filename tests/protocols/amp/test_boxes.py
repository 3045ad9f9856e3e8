"""The format of AMP, read within bounds."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.protocols.amp import AmpBox, parseString

from pushgate.protocols.amp.boxes import MAX_BOX, MAX_KEYS, BoxReader, Malformed, box_bytes
from tests.samples import at_every_byte, cuts

BOXES = st.lists(
    st.dictionaries(st.binary(min_size=1, max_size=255), st.binary(max_size=300), min_size=1, max_size=8),
    max_size=4,
)


def read(chunks):
    """The boxes in these chunks."""
    reader, boxes = BoxReader(), []
    for chunk in chunks:
        reader.feed(chunk)
        while (box := reader.next()) is not None:
            boxes.append(box)
    return boxes


@given(BOXES, st.data())
def test_boxes_are_read_however_they_are_cut(boxes, data):
    """What Twisted's AMP writes is read, whatever the network made of it."""
    wire = b"".join(AmpBox(box).serialize() for box in boxes)
    assert read(data.draw(cuts(wire))) == boxes


def test_every_cut_of_one_box():
    """No single byte is a bad place to cut."""
    box = {b"_ask": b"1", b"_command": b"Push", b"empty": b""}
    for pieces in at_every_byte(box_bytes(box)):
        assert read(pieces) == [box]


@given(BOXES)
def test_what_is_written_is_amp(boxes):
    """Twisted's AMP reads what is written here."""
    assert parseString(b"".join(map(box_bytes, boxes))) == boxes


def test_a_value_of_full_length_is_read_and_written():
    """65535 bytes are AMP's limit for a value, one more cannot be written."""
    box = {b"tokens": b"x" * 65535}
    assert read([box_bytes(box)]) == [box]
    with pytest.raises(OverflowError):
        box_bytes({b"tokens": b"x" * 65536})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x01\x00" + b"k" * 256, "a key of 256 bytes"),
        (b"GET / HTTP/1.1\r\n", "a key of 18245 bytes"),
        (b"".join(b"\0\2%02d\0\0" % n for n in range(MAX_KEYS + 1)), f"more than {MAX_KEYS} keys"),
        (
            b"\0\1a\xff\xff" + b"x" * 65535 + (b"\0\1b\xff\xff" + b"x" * 65535) * 4,
            f"more than {MAX_BOX} bytes",
        ),
    ],
)
def test_what_is_beyond_the_bounds_is_malformed(data, why):
    """A box that never ends cannot fill the memory, and what is no AMP is found out at once."""
    with pytest.raises(Malformed, match=why):
        read([data])


def test_a_box_that_is_too_large_is_known_by_its_lengths():
    """It is refused when its lengths say so, not only after its bytes were taken."""
    value = b"\xff\xff" + b"x" * 65535
    with pytest.raises(Malformed):
        read([b"\0\1a" + value, b"\0\1b" + value, b"\0\1c" + value, b"\0\1d\xff\xff"])


@given(st.binary(max_size=400))
def test_random_bytes_are_boxes_or_malformed(data):
    """Nothing else comes of them, so one handler of errors is enough."""
    with suppress(Malformed):
        read([data])
