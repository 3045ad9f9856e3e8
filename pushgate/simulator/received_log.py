"""What the push service accepted, kept in columns, and the counts of everything else.

A record costs about 110 bytes beside its token and, once for all that share it, its payload.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Any, Final

import msgspec

from pushgate.protocols.apns_binary.frames import Frame

_PAYLOAD_MEMORY: Final = 64 << 20
"""Bytes of distinct payloads kept; of those beyond, only the digest is."""
_ABSENT: Final = -1


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """One notification as it was accepted.

    :param index: its place among all that were recorded, from 0.
    :param connection: the nth accepted by the service, from 1.
    :param payload: None when too many different ones came to keep them all.
    :param payload_sha256: in hex.
    :param at: Unix seconds.
    """

    index: int
    connection: int
    command: int
    token: bytes
    identifier: int | None
    expiration: int | None
    priority: int | None
    payload: bytes | None
    payload_sha256: str
    at: float


class Payloads:
    """Distinct payloads by number; after `memory` bytes of them, digests instead."""

    def __init__(self, memory: int = _PAYLOAD_MEMORY) -> None:
        self._room = memory
        self._numbers: dict[bytes, int] = {}
        self._digests: dict[bytes, int] = {}
        self._order: list[bytes] = []
        self._digested: set[int] = set()

    def numbers(self, payloads: list[bytes]) -> list[int]:
        """The number of each, new ones added."""
        known = self._numbers
        try:
            return [known[payload] for payload in payloads]
        except KeyError:
            return [known[payload] if payload in known else self._add(payload) for payload in payloads]

    def __getitem__(self, number: int) -> tuple[bytes | None, str]:
        """The payload, None when it was not kept, and its SHA-256 in hex."""
        found = self._order[number]
        return (None, found.hex()) if number in self._digested else (found, sha256(found).hexdigest())

    def _add(self, payload: bytes) -> int:
        number = len(self._order)
        if len(payload) <= self._room:
            self._room -= len(payload)
            self._numbers[payload] = number
            self._order.append(payload)
            return number
        digest = sha256(payload).digest()
        if digest not in self._digests:
            self._digests[digest] = number
            self._digested.add(number)
            self._order.append(digest)
        return self._digests[digest]


class ReceivedLog:
    """Records of accepted notifications, at most `limit`; beyond it they are only counted.

    :ivar frames: notifications that came, whatever became of them; always the sum of accepted, rejected and
        discarded ones.
    :ivar rejected: how many were refused, by status; those whose answer was lost too.
    :ivar discarded: what came after an error, or was dropped silently.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.frames = self.accepted = self.discarded = 0
        self.rejected: Counter[int] = Counter()
        self._seen: set[int] = set()
        self._payloads = Payloads()
        self._tokens = bytearray()
        self._token_ends = array("Q", (0,))
        self._numbers = tuple(array(code) for code in "bqqhI")
        self._starts, self._connections, self._times = array("Q"), array("Q"), array("d")

    def __len__(self) -> int:
        return len(self._token_ends) - 1

    @property
    def distinct(self) -> int:
        """Recorded notifications that differ in token or payload."""
        return len(self._seen)

    def record(self, connection: int, frames: Sequence[Frame], at: float) -> None:
        """Note that these were accepted, in this order."""
        self.accepted += len(frames)
        frames = frames[: max(0, self.limit - len(self))]
        if not frames:
            return
        self._starts.append(len(self))
        self._connections.append(connection)
        self._times.append(at)
        tokens = [frame.token for frame in frames]
        payloads = self._payloads.numbers([frame.payload for frame in frames])
        self._seen.update(map(hash, zip(tokens, payloads, strict=True)))
        self._tokens += b"".join(tokens)
        ends = accumulate(map(len, tokens), initial=self._token_ends.pop())
        self._token_ends.extend(ends)
        commands, identifiers, expirations, priorities, numbers = self._numbers
        commands.extend([frame.command for frame in frames])
        identifiers.extend([_ABSENT if (n := frame.identifier) is None else n for frame in frames])
        expirations.extend([_ABSENT if (n := frame.expiration) is None else n for frame in frames])
        priorities.extend([_ABSENT if (n := frame.priority) is None else n for frame in frames])
        numbers.extend(payloads)

    def entries(self, since: int = 0, limit: int | None = None) -> list[Accepted]:
        """At most `limit` records from index `since` on, in the order of acceptance."""
        stop = len(self) if limit is None else min(len(self), since + limit)
        return [self._entry(index) for index in range(since, stop)]

    def _entry(self, index: int) -> Accepted:
        run = bisect_right(self._starts, index) - 1
        command, identifier, expiration, priority, number = (column[index] for column in self._numbers)
        payload, digest = self._payloads[number]
        return Accepted(
            index=index,
            connection=self._connections[run],
            command=command,
            token=bytes(self._tokens[self._token_ends[index] : self._token_ends[index + 1]]),
            identifier=None if identifier == _ABSENT else identifier,
            expiration=None if expiration == _ABSENT else expiration,
            priority=None if priority == _ABSENT else priority,
            payload=payload,
            payload_sha256=digest,
            at=self._times[run],
        )

    def summary(self) -> dict[str, Any]:
        """The counts, ready for JSON. `complete` says whether everything accepted is recorded."""
        return {
            "frames": self.frames,
            "accepted": self.accepted,
            "distinct": self.distinct,
            "duplicates": len(self) - self.distinct,
            "rejected": {str(status): count for status, count in sorted(self.rejected.items())},
            "discarded": self.discarded,
            "recorded": len(self),
            "record_limit": self.limit,
            "complete": len(self) == self.accepted,
        }
