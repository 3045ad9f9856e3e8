"""Test sends as a client reads them."""

from typing import Final

import msgspec


class TriedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the notification to one device.

    :param index: of its token among those that were given.
    :param id: of the notification, for `Client.trace`.
    :param state: as in `Record`; ``"queued"`` or ``"written"`` while there is no outcome; None: not known any
        more.
    :param meaning: what that means, in words.
    :param advice: what to do; "" when there is nothing to do.
    :param seconds: until the outcome; None while there is none.
    """

    index: int
    id: str
    app: str
    state: str | None
    meaning: str
    advice: str
    seconds: float | None
    token: str | None = None
    channel: str | None = None
    status: int | None = None
    reason: str = ""
    attempts: int = 0
    upstream: str = ""
    unique_id: str = ""
    replacement: str | None = None


class SendTest(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a test send.

    :param id: of the batch.
    :param devices: those that were accepted, in the order of their tokens.
    :param refused: index, code and reason of the others.
    :param settled: each device has its outcome.
    :param waited: seconds.
    :param repeated: the same was sent before under the same key, and nothing was sent again.
    """

    id: str
    devices: tuple[TriedDevice, ...]
    refused: tuple[tuple[int, str, str], ...]
    settled: bool
    waited: float
    repeated: bool = False


decode_send_test: Final = msgspec.json.Decoder(SendTest).decode
"""A test send from JSON."""
