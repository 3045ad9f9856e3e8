"""The ``apns-id`` values that were given, so that a request that is repeated is not sent twice."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from pushgate.inputs.apns_http2.apns_id_files import ENTRY, ApnsIdFiles

KEPT: Final = 86400
"""Seconds for which an id is known again."""
_KEY, _DIGEST, _NUMBER, _TIME = 16, 8, 16, 4
assert _KEY + _DIGEST + _NUMBER + _TIME == ENTRY
_FORGOTTEN: Final = 0


class ApnsId(NamedTuple):
    """A given id together with what it was given for.

    :ivar key: of app and id.
    :ivar digest: of the content: token, payload and terms.
    """

    key: bytes
    digest: bytes


def apns_id(text: bytes, app: str, token: bytes, payload: bytes, terms: bytes) -> ApnsId:
    """What a request with this ``apns-id`` is known again by.

    :param text: a UUID.
    :param terms: in any form that is the same for the same terms.
    """
    key = blake2b(b"%b %b" % (text.lower(), app.encode()), digest_size=_KEY).digest()
    content = b"%c%b%b\0%b" % (len(token), token, terms, payload)
    return ApnsId(key, blake2b(content, digest_size=_DIGEST).digest())


class ApnsIds:
    """Knows which ids were given, and the notification that each became.

    Entries are in two generations: when the younger one is full, or a day old, the older one is forgotten. In
    a file they are appended to that of the younger generation, without waiting for the disk: they outlive the
    process, and a crash of the whole machine may take the last ones.

    :param remember: entries at most.
    :param files: None keeps the entries in memory only.
    :param wall: returns Unix seconds.
    :ivar pending: what waits for its answer: the digest of its content and the request, by key.
    """

    def __init__(self, remember: int, files: ApnsIdFiles | None, wall: Callable[[], float]) -> None:
        self._most, self._wall, self._files = remember // 2, wall, files
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._born = wall()
        self.pending: dict[bytes, tuple[bytes, Any]] = {}
        if files is not None:
            self._old, self._young = (self._entries(data) for data in files.read())

    def close(self) -> None:
        """Close the files."""
        if self._files is not None:
            self._files.close()

    def find(self, given: ApnsId) -> tuple[bytes, int] | None:
        """The digest of the content that an id was given for first, and the notification's id; or None."""
        value = self._young.get(given.key) or self._old.get(given.key)
        if value is None:
            return None
        number = int.from_bytes(value[_DIGEST : _DIGEST + _NUMBER], "big")
        at = int.from_bytes(value[-_TIME:], "big")
        if number == _FORGOTTEN or at + KEPT <= self._wall():
            return None
        return value[:_DIGEST], number

    def add(self, accepted: list[tuple[ApnsId, int]]) -> None:
        """Note the notifications that these ids became.

        :param accepted: each with the notification's id.
        """
        if self._most and accepted:
            self._write([(given.key, given.digest, number) for given, number in accepted])

    def forget(self, given: ApnsId) -> None:
        """Take the next request with this id for a new one."""
        if self.find(given) is not None:
            self._write([(given.key, given.digest, _FORGOTTEN)])

    def _write(self, entries: list[tuple[bytes, bytes, int]]) -> None:
        if len(self._young) >= self._most or self._wall() - self._born > KEPT:
            self._old, self._young, self._born = self._young, {}, self._wall()
            if self._files is not None:
                self._files.turn()
        at = int(self._wall()).to_bytes(_TIME, "big")
        made = [
            (key, b"".join((digest, number.to_bytes(_NUMBER, "big"), at))) for key, digest, number in entries
        ]
        self._young.update(made)
        if self._files is not None:
            self._files.append(b"".join([part for entry in made for part in entry]))

    def _entries(self, data: bytes) -> dict[bytes, bytes]:
        """The entries of a file; one that a crash cut short is left out."""
        whole = range(0, len(data) - len(data) % ENTRY, ENTRY)
        return {
            data[at : at + _KEY]: data[at + _KEY : at + ENTRY] for at in whole[-self._most or len(data) :]
        }
