"""The dead tokens that were delivered to the clients of an input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from pushgate.protocols.apns_binary.feedback import FeedbackDecoder, FeedbackTuple, encode

LIMIT: Final = 1_000_000
"""Tokens of one app at most; beyond it the first ones are forgotten, and delivered again if still dead."""


class FeedbackDelivered:
    """The tuples that were delivered for one app, kept in a file if there is one.

    The file holds them as they go on the wire, one behind the other.

    :param file: None keeps them in memory only.
    """

    log = Logger()

    def __init__(self, file: Path | None, limit: int = LIMIT) -> None:
        self._file, self._limit = file, limit
        self._since: dict[bytes, int] = {}
        if file is not None:
            self._load(file)

    def has(self, entry: FeedbackTuple) -> bool:
        """Return True if this entry, or a later one of the same token, was delivered."""
        return self._since.get(entry.token, -1) >= entry.since

    def add(self, entries: Sequence[FeedbackTuple]) -> None:
        """Note that these were delivered. A file that cannot be written is logged, and costs repetition."""
        self._enter(entries)
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            with self._file.open("ab") as file:
                file.write(b"".join(map(encode, entries)))
        except OSError:
            self.log.failure("dead tokens delivered are not kept in {file}", file=str(self._file))

    def _enter(self, entries: Sequence[FeedbackTuple]) -> None:
        since = self._since
        for entry in entries:
            since[entry.token] = max(entry.since, since.pop(entry.token, 0))
        while len(since) > self._limit:
            del since[next(iter(since))]

    def _load(self, file: Path) -> None:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return
        except OSError:
            self.log.failure("{file} cannot be read: dead tokens are delivered again", file=str(file))
            return
        decoder = FeedbackDecoder()
        entries = decoder.feed(data)
        self._enter(entries)
        if decoder.pending or len(entries) > len(self._since):
            # A crash cut the last one short, or there are several of one token: write the file anew.
            fresh = file.with_name(file.name + ".new")
            kept = (FeedbackTuple(since, token) for token, since in self._since.items())
            fresh.touch(mode=0o600)
            fresh.write_bytes(b"".join(map(encode, kept)))
            fresh.replace(file)
