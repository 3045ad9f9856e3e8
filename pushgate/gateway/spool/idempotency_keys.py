"""Idempotency keys in the durable spool. Everything here runs in the spool's thread."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

KEEP_KEYS: Final = 86400.0
"""Seconds an idempotency key is remembered."""

AppKey = tuple[str, str]
First = tuple[bytes, int]
"""Digest of the content that was submitted first under a key, and the id it got."""


def known(connection: sqlite3.Connection, wanted: Sequence[AppKey], wall: float) -> dict[AppKey, First]:
    """What these keys were used for in the last 24 hours, in one statement however many there are."""
    if not wanted:
        return {}
    found = connection.execute(
        "SELECT key.app, key.key, key.digest, key.id FROM json_each(?) AS wanted JOIN key"
        " ON key.app = json_extract(wanted.value, '$[0]') AND key.key = json_extract(wanted.value, '$[1]')"
        " WHERE key.at > ?",
        (msgspec.json.encode(wanted).decode(), wall - KEEP_KEYS),
    )
    return {(app, key): (digest, int.from_bytes(number, "big")) for app, key, digest, number in found}


def remember(connection: sqlite3.Connection, entries: Sequence[tuple[AppKey, First]], wall: float) -> None:
    """Note what keys are used for, and forget those of more than 24 hours ago."""
    if not entries:
        return
    connection.execute("DELETE FROM key WHERE at <= ?", (wall - KEEP_KEYS,))
    connection.executemany(
        "INSERT OR REPLACE INTO key VALUES (?, ?, ?, ?, ?)",
        [(app, key, digest, number.to_bytes(16, "big"), wall) for (app, key), (digest, number) in entries],
    )
