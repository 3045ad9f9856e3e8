"""A message that is under way, and the memory of those that were."""

import hashlib
from collections import OrderedDict
from typing import Any, Final

import msgspec

from pushgate.inputs.amqp.message_body import MessagePart
from pushgate.model.errors import Internal, Refusal

Place = tuple[int, int]
"""A delivery: the number of the channel, and the delivery tag."""
Identity = tuple[str | bytes, bytes]
"""The identity of a message: its id, and a digest of its body."""
SHOWN: Final = 1000
"""Refused members of a dead letter that are listed, at most: its headers must fit in one frame."""


class Message:
    """One message from its delivery to its acknowledgement.

    :ivar places: where it was delivered; more than one when it came again while it was under way.
    :ivar app: the app it is for, "" while that is not known.
    :ivar left: its notifications without an outcome.
    :ivar code: of the refusal, of it or of its first refused member; "" when there is none.
    :ivar refused: index, code and text of the members that were refused.
    :ivar returned: members that were not sent and go back to the queue, by the part they are in.
    :ivar identity: None when it has no id.
    :ivar failed: the gateway failed at it, so that its outcome is not known.
    """

    __slots__ = (
        "app", "body", "code", "failed", "identity", "left", "places", "properties", "reason", "redelivered",
        "refused", "returned", "routing_key", "total",
    )  # fmt: skip

    def __init__(self, received: Any, channel: int) -> None:
        self.places: list[Place] = [(channel, received.method.delivery_tag)]
        self.redelivered: bool = received.method.redelivered
        self.routing_key = as_text(received.method.routing_key)
        self.body: bytes = received.body
        self.properties: Any = received.properties
        self.app = self.code = self.reason = ""
        self.total = self.left = 1
        self.refused: list[tuple[int, str, str]] = []
        self.returned: list[tuple[MessagePart, list[int]]] = []
        self.failed = False
        self.identity = _identity(self.properties.message_id, self.body)

    def refuse(self, error: Refusal | Internal, index: int | None = None) -> None:
        """Note that it, or one of its members, cannot be sent."""
        code = error.code
        if not self.code:
            self.code, self.reason = code, str(error)
        if index is not None:
            self.refused.append((index, code, str(error)))

    def reasons(self) -> dict[str, str]:
        """The headers of a dead letter with its reasons."""
        headers = {"x-pushgate-code": self.code, "x-pushgate-reason": self.reason}
        if self.refused and len(self.refused) < self.total:
            shown = [(index, code, text[:80]) for index, code, text in self.refused[:SHOWN]]
            headers["x-pushgate-refused"] = msgspec.json.encode(shown).decode()
        return headers


class Known:
    """Messages with an id that are under way, and the last ones that are done.

    :param remember: how many of the latter.
    """

    def __init__(self, remember: int) -> None:
        self._under_way: dict[Identity, Message] = {}
        self._done: OrderedDict[Identity, None] = OrderedDict()
        self._remember = remember

    def under_way(self, identity: Identity) -> Message | None:
        """The message with this identity that is under way."""
        return self._under_way.get(identity)

    def done(self, identity: Identity) -> bool:
        """Return True if it is known to be done."""
        return identity in self._done

    def begin(self, identity: Identity, message: Message) -> None:
        """Note that a message is under way."""
        self._under_way[identity] = message

    def end(self, message: Message, remember: bool) -> None:
        """Note that it no longer is; harmless when it has no id, or was ended before.

        :param remember: it is done; else another gateway may still take it.
        """
        identity = message.identity
        if identity is None or self._under_way.get(identity) is not message:
            return
        del self._under_way[identity]
        if remember:
            self._done[identity] = None
            if len(self._done) > self._remember:
                self._done.popitem(last=False)


def as_text(value: str | bytes) -> str:
    """The text of a value, which pika passes as bytes when it is not UTF-8."""
    return value if isinstance(value, str) else value.decode("latin-1")


def _identity(number: str | bytes | None, body: bytes) -> Identity | None:
    return (number, hashlib.blake2b(body, digest_size=16).digest()) if number else None
