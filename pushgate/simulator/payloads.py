"""Distinct payloads, bounded in memory."""

from hashlib import sha256
from typing import Final

MEMORY: Final = 64 << 20
"""Bytes of distinct payloads kept; of those beyond, only the digest is."""


class Payloads:
    """Distinct payloads by number; after `memory` bytes of them, digests instead."""

    def __init__(self, memory: int = MEMORY) -> None:
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
