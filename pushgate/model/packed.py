"""Byte strings kept packed in one blob, each behind its length.

Targets and payloads travel, wait and are stored in this form, behind two length bytes, big-endian: it is
what AMP's ``PushBatch`` carries (its ``tokens`` behind one), and costs a notification no object of its own.
"""

from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, islice
from struct import Struct
from typing import Final, Self

from pushgate.model.errors import Invalid

CHUNK: Final = 64
"""Members of equal length that are cut out of a blob at a time."""


class Packed:
    """An immutable sequence of byte strings over one blob.

    Members of equal length are reached by arithmetic; otherwise their offsets are kept, four bytes each.

    :ivar blob: the members, each behind its length in `prefix` bytes, big-endian.
    :ivar prefix: 1 or 2.
    """

    __slots__ = ("_offsets", "_stride", "blob", "count", "prefix")

    def __init__(self, blob: bytes, prefix: int, field: str = "packed") -> None:
        """Raise `Invalid`, naming `field`, when the last member runs past the end of `blob`."""
        self.blob, self.prefix = blob, prefix
        self._offsets: array[int] | None = None
        self._stride = _stride(blob, prefix)
        if self._stride:
            self.count = len(blob) // self._stride
        else:
            self._offsets = _offsets(blob, prefix, field)
            self.count = len(self._offsets)

    @classmethod
    def of(cls, members: Iterable[bytes], prefix: int) -> Self:
        """Pack `members`; raise OverflowError when one is longer than its prefix can say."""
        # Every notification that comes by itself passes here: each step runs through all members at once.
        members = list(members)
        lengths = list(map(len, members))
        parts = [b""] * (2 * len(members))
        parts[::2], parts[1::2] = map(_HEADS[prefix].__getitem__, lengths), members
        packed = cls.__new__(cls)
        packed.blob, packed.prefix, packed.count = b"".join(parts), prefix, len(members)
        packed._stride, packed._offsets = 0, None
        if len(set(lengths)) == 1:
            packed._stride = prefix + lengths[0]
        else:
            ends = accumulate(map(prefix.__add__, lengths), initial=prefix)
            packed._offsets = array(_code(packed.blob), islice(ends, len(members)))
        return packed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> bytes:
        """Member `index`, 0 to len-1; negative indices are not supported."""
        at = self._offset(index)
        length = int.from_bytes(self.blob[at - self.prefix : at], "big")
        return self.blob[at : at + length]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.slice(0, self.count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and (self.prefix, self.blob) == (other.prefix, other.blob)

    def __hash__(self) -> int:
        return hash((self.prefix, self.blob))

    def slice(self, start: int, stop: int) -> list[bytes]:
        """Members `start` to `stop` (excluded), without their lengths."""
        blob, prefix = self.blob, self.prefix
        if self._stride:
            return _cut(blob, prefix, self._stride, start, stop)
        offsets = self._offsets
        assert offsets is not None
        ends = [*(at - prefix for at in offsets[start + 1 : stop + 1]), len(blob)]
        return [blob[at:end] for at, end in zip(offsets[start:stop], ends, strict=False)]

    def hex(self, start: int, stop: int) -> list[str]:
        """Members `start` to `stop` (excluded) in hex."""
        if not self._stride:
            return [member.hex() for member in self.slice(start, stop)]
        # One conversion for all of them: each stands behind the same length.
        text = self.cut(start, stop).hex(",", self._stride)
        length = text[: 2 * self.prefix]
        return text[2 * self.prefix :].split(f",{length}") if text else []

    def cut(self, start: int, stop: int) -> bytes:
        """The part of the blob that holds members `start` to `stop` (excluded)."""
        if self._stride:
            return self.blob[start * self._stride : stop * self._stride]
        assert self._offsets is not None
        bounds = [*(at - self.prefix for at in self._offsets), len(self.blob)]
        return self.blob[bounds[start] : bounds[stop]]

    def widened(self) -> "Packed":
        """Return the same members, each behind two length bytes."""
        if self.prefix == 2:
            return self
        if not self._stride:
            return Packed.of(self, 2)
        # Each member with its old length, and the new length byte, 0 in all of them, between.
        parts = _cut(self.blob, 0, self._stride, 0, self.count)
        widened = Packed.__new__(Packed)
        widened.blob, widened.prefix, widened.count = b"\0" + b"\0".join(parts), 2, self.count
        widened._stride, widened._offsets = self._stride + 1, None
        return widened

    def lengths(self) -> Iterable[int]:
        """The length of each member; of one member only when all are equal, so that a check is cheap."""
        if self._stride:
            return (self._stride - self.prefix,)
        return [len(member) for member in self.slice(0, self.count)]

    def _offset(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        if self._stride:
            return index * self._stride + self.prefix
        assert self._offsets is not None
        return self._offsets[index]


def _cut(blob: bytes, skip: int, stride: int, start: int, stop: int) -> list[bytes]:
    """Parts `start` to `stop` of `stride` bytes each, without their first `skip` bytes.

    `struct` cuts many at a time for a quarter of what as many slices cost; every notification passes here
    more than once.
    """
    members: list[bytes] = []
    first, end = start * stride, stop * stride
    rest = end - (end - first) % (CHUNK * stride)
    if first < rest:
        unpack = _chunk(skip, stride - skip).unpack_from
        for at in range(first, rest, CHUNK * stride):
            members += unpack(blob, at)
    members += [blob[at + skip : at + stride] for at in range(rest, end, stride)]
    return members


@lru_cache(maxsize=1024)
def _chunk(skip: int, size: int) -> Struct:
    """The layout of `CHUNK` members of `size` bytes, each behind `skip` bytes that are left out."""
    return Struct(f"{skip}x{size}s" * CHUNK)


class _Heads(dict[int, bytes]):
    """Lengths as they stand before members, made when they are first needed."""

    def __init__(self, prefix: int) -> None:
        self._prefix = prefix

    def __missing__(self, length: int) -> bytes:
        head = self[length] = length.to_bytes(self._prefix, "big")
        return head


_HEADS = {prefix: _Heads(prefix) for prefix in (1, 2)}


def _code(blob: bytes) -> str:
    """The kind of array that holds any offset in `blob`."""
    return "L" if len(blob) > 0xFFFFFFFF else "I"


def _stride(blob: bytes, prefix: int) -> int:
    """Bytes from one member to the next when all are equally long, else 0."""
    if len(blob) < prefix:
        return 0
    head = blob[:prefix]
    stride = prefix + int.from_bytes(head, "big")
    count, rest = divmod(len(blob), stride)
    if rest or any(blob[i::stride] != head[i : i + 1] * count for i in range(prefix)):
        return 0
    return stride


def _offsets(blob: bytes, prefix: int, field: str) -> "array[int]":
    """Where each member begins, behind its length."""
    offsets = array(_code(blob))
    at, end = 0, len(blob)
    while at < end:
        length = int.from_bytes(blob[at : at + prefix], "big")
        at += prefix
        offsets.append(at)
        at += length
    if at != end:
        raise Invalid(
            field,
            f"the length at offset {offsets[-1] - prefix} says more than the {end} bytes hold",
            f"each member stands behind its length in {prefix} byte(s)",
        )
    return offsets
