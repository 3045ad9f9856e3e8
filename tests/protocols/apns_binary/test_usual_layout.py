"""The short cut for frames that are laid out as usual decides as the long way does."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pushgate.protocols.apns_binary.frames import FrameDecoder, MalformedFrame, _decode, encode_framed

ITEM = st.one_of(
    st.tuples(st.sampled_from((1, 2)), st.binary(max_size=40)),
    st.tuples(st.sampled_from((3, 4)), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(5), st.binary(min_size=1, max_size=1)),
    st.tuples(st.integers(0, 6), st.binary(max_size=5)),
)
USUAL = st.builds(
    lambda token, payload, numbers, drop: [
        item for item in zip(range(1, 6), (token, payload, *numbers, b"\n"), strict=True) if item[0] != drop
    ],
    st.binary(max_size=40), st.binary(max_size=300), st.tuples(*[st.binary(min_size=4, max_size=4)] * 2),
    st.integers(0, 6),
)  # fmt: skip
ANY = USUAL | st.lists(ITEM, max_size=6) | st.permutations([(1, b"t"), (2, b"{}"), (3, bytes(4))])


def decode_the_long_way(stream: bytes) -> list:
    frames, at = [], 0
    while at < len(stream):
        frame, at = _decode(stream, at)
        if frame is None:
            break
        frames.append(frame)
        if isinstance(frame, MalformedFrame):
            break
    return frames


class UsualLayoutTests(SynchronousTestCase):
    @given(st.lists(ANY, max_size=6), st.binary(max_size=9), st.integers(1, 99))
    def test_same_frames(self, all_items: list, rest: bytes, step: int) -> None:
        """Any items in any order, good or bad, give the same frames, however the stream is cut."""
        stream = b"".join(map(encode_framed, all_items)) + rest
        decoder = FrameDecoder()
        cut = [frame for at in range(0, len(stream), step) for frame in decoder.feed(stream[at : at + step])]
        self.assertEqual(cut, decode_the_long_way(stream))
        self.assertEqual(FrameDecoder().feed(stream), cut)

    @given(USUAL, st.data())
    def test_one_byte_wrong(self, items: list, data: st.DataObject) -> None:
        """A usual frame with any one byte changed is decided as the long way does."""
        stream = bytearray(encode_framed(items) * 2)
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at] ^= data.draw(st.integers(1, 255))
        self.assertEqual(FrameDecoder().feed(bytes(stream)), decode_the_long_way(bytes(stream)))
