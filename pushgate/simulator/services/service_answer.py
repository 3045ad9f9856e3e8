"""A service's answer to a request, before a rule of the script has its say."""

from typing import Any
from uuid import uuid4

import msgspec

from pushgate.net.http.codec import Header

JSON: Header = (b"content-type", b"application/json; charset=UTF-8")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that a service accepts.

    :param handle: of the device or the channel, as text.
    :param payload: decoded, decrypted if it came encrypted.
    :param id: that the service gave it.
    :param headers: of the request, those that say something of the notification.
    """

    service: str
    handle: str
    payload: bytes
    id: str = ""
    headers: dict[str, str] = {}


class ServiceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what it would accept.

    :param reason: of a refusal, in the words of the service; "" where there is none.
    :param headers: beside the length and the date.
    :param deliveries: what is accepted with it.
    :param refused: notifications that are refused with it.
    """

    status: int
    reason: str = ""
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    deliveries: tuple[Delivery, ...] = ()
    refused: int = 0

    @property
    def size(self) -> int:
        """How many notifications it is about."""
        return len(self.deliveries) + self.refused

    @property
    def succeeds(self) -> bool:
        """Whether it says that the notification is accepted."""
        return 200 <= self.status < 300 and not self.reason

    @property
    def refuses(self) -> bool:
        """Whether it says that the notification is not accepted."""
        return not self.succeeds


class ServiceRefusal(Exception):
    """A service refuses a request.

    :ivar answer: with what.
    """

    def __init__(self, answer: ServiceAnswer) -> None:
        super().__init__(answer.status, answer.reason)
        self.answer = answer


def json_reply(
    status: int, value: Any, *headers: Header, reason: str = "", refused: int = 0
) -> ServiceAnswer:
    """An answer with a value as JSON."""
    body = msgspec.json.encode(value)
    return ServiceAnswer(status=status, reason=reason, headers=(JSON, *headers), body=body, refused=refused)


def accepting(answer: ServiceAnswer, *deliveries: Delivery) -> ServiceAnswer:
    """An answer that accepts these."""
    return msgspec.structs.replace(answer, deliveries=deliveries)


def new_id() -> str:
    """An id, never the same."""
    return str(uuid4())
