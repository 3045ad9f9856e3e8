"""Byte strings behind their lengths behave like the list they were made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.model.packed import CHUNK, Packed

EQUAL = st.integers(0, 40).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=8))
ANY = st.lists(st.binary(max_size=40), max_size=8)
MANY = st.integers(0, 40).flatmap(
    lambda size: st.integers(CHUNK - 2, 3 * CHUNK + 2).map(
        lambda count: [number.to_bytes(4, "big")[:size].ljust(size, b"x") for number in range(count)]
    )
)
MEMBERS = EQUAL | ANY | MANY
PREFIX = st.sampled_from([1, 2])


@pytest.mark.parametrize("prefix", [1, 2])
@pytest.mark.parametrize(
    "members",
    [[], [b""], [b"", b""], [b"ab"], [b"ab", b"cd", b"ef"], [b"ab", b"c", b""], [bytes(200), b"\1"]],
)
def test_it_reads_like_a_list(members, prefix):
    """Length, indices, slices and lengths are those of the list that was packed."""
    packed = Packed.of(members, prefix)
    assert (len(packed), list(packed)) == (len(members), members)
    assert [packed[index] for index in range(len(members))] == members
    assert packed.slice(1, len(members)) == members[1:]
    assert set(packed.lengths()) == set(map(len, members))


@given(MEMBERS, PREFIX)
def test_what_is_packed_comes_out_again(members, prefix):
    """Packing loses nothing, whether the members are equally long or not, empty ones included."""
    packed = Packed.of(members, prefix)
    assert len(packed) == len(members)
    assert list(packed) == members
    assert [packed[index] for index in range(len(members))] == members


@given(MEMBERS, PREFIX, st.data())
def test_a_slice_is_the_slice_of_the_list(members, prefix, data):
    """`slice` follows the rules of a list for any bounds within it."""
    start = data.draw(st.integers(0, len(members)))
    stop = data.draw(st.integers(start, len(members)))
    assert Packed.of(members, prefix).slice(start, stop) == members[start:stop]


@given(MEMBERS, PREFIX, st.data())
def test_hex(members, prefix, data):
    """Members in hex are the members of a slice, each in hex."""
    packed = Packed.of(members, prefix)
    start = data.draw(st.integers(0, len(members)))
    stop = data.draw(st.integers(start, len(members)))
    assert packed.hex(start, stop) == [member.hex() for member in members[start:stop]]


@given(MEMBERS, PREFIX)
def test_the_blob_is_each_member_behind_its_length(members, prefix):
    """The layout is the wire's: length, big-endian, then the bytes; nothing around or between."""
    blob = b"".join(len(member).to_bytes(prefix, "big") + member for member in members)
    assert Packed.of(members, prefix).blob == blob
    assert list(Packed(blob, prefix)) == members


@given(MEMBERS, PREFIX)
def test_lengths_are_those_of_the_members(members, prefix):
    """Every length that occurs is listed, and none that does not."""
    assert set(Packed.of(members, prefix).lengths()) == set(map(len, members))


@given(st.binary(max_size=60), PREFIX)
def test_any_blob_is_read_or_refused(blob, prefix):
    """Bytes from an outsider either are a packed sequence, whole to the last byte, or `Invalid`."""
    try:
        members = list(Packed(blob, prefix))
    except Invalid:
        return
    assert Packed.of(members, prefix).blob == blob


@pytest.mark.parametrize("prefix", [1, 2])
def test_a_member_cut_short_is_refused(prefix):
    """Whatever is cut off the end is noticed: in the last member, or in its length."""
    blob = Packed.of([b"abc", b"de"], prefix).blob
    for cut in range(1, len(blob)):
        if cut == prefix + 3:
            continue
        with pytest.raises(Invalid, match=r"^tokens: the length at offset"):
            Packed(blob[:cut], prefix, "tokens")


def test_the_error_says_where_the_fault_is():
    """Whoever packed the blob can find the wrong length in it."""
    with pytest.raises(Invalid, match=r"the length at offset 4 says more than the 6 bytes hold"):
        Packed(b"\3abc\2d", 1, "tokens")


@pytest.mark.parametrize("members", [[b"ab", b"cd"], [b"ab", b"c"]])
@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_nothing_outside(members, index):
    """An index outside raises IndexError instead of reading a neighbour's bytes."""
    with pytest.raises(IndexError):
        Packed.of(members, 1)[index]


def test_a_member_longer_than_its_prefix_can_say():
    """256 bytes behind one length byte cannot be packed, rather than being packed wrongly."""
    assert list(Packed.of([bytes(255)], 1)) == [bytes(255)]
    with pytest.raises(OverflowError):
        Packed.of([bytes(256)], 1)


def test_equality_is_of_content_and_layout():
    """Two packed sequences are equal, and hash equally, when their bytes and prefixes are."""
    one, same, wide = Packed(b"\0\0", 1), Packed(b"\0\0", 1), Packed(b"\0\0", 2)
    assert one == same
    assert hash(one) == hash(same)
    assert one != wide
    assert one != b"\0\0"


def test_cut():
    """A part of the blob is the same members packed, be they of one length or of many."""
    for members in ([b"aa", b"bb", b"cc"], [b"a", b"bbb", b"", b"cc"]):
        packed = Packed.of(members, 1)
        for start in range(len(members) + 1):
            for stop in range(start, len(members) + 1):
                assert packed.cut(start, stop) == Packed.of(members[start:stop], 1).blob


@given(st.lists(st.binary(max_size=255), max_size=20) | st.integers(1, 9).map(lambda n: [bytes(32)] * n))
def test_members_stay_when_their_lengths_get_wider(members):
    """Behind two length bytes stand the same members as behind one, whether they are equally long or not."""
    assert Packed.of(members, 1).widened() == Packed.of(members, 2)
    assert list(Packed.of(members, 1).widened()) == members
    assert Packed.of(members, 2).widened() == Packed.of(members, 2)
