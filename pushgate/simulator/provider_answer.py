"""The service's answer to a request of the provider API, before a rule of the script has its say."""

from collections.abc import Callable
from uuid import uuid4

import msgspec

from pushgate.net.http.codec import Header

JSON: Header = (b"content-type", b"application/json")


class ProviderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what it would accept.

    :param reason: "" where there is none.
    :param timestamp: milliseconds; of a token that is dead.
    :param headers: beside the status and the content type.
    :param body: of a success; an error has Apple's JSON.
    :param counts: it is about a notification, rather than about channels.
    :param accept: called when it is accepted; None when it is refused.
    """

    status: int
    reason: str = ""
    timestamp: int | None = None
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    counts: bool = True
    accept: Callable[[], object] | None = None

    @property
    def succeeds(self) -> bool:
        """Whether it says that the notification is accepted."""
        return self.status == 200

    @property
    def refuses(self) -> bool:
        """Whether it says that the notification is refused."""
        return self.status >= 300

    def content(self) -> bytes:
        """The body: one JSON object of an error, as Apple's."""
        if not self.reason:
            return self.body
        members: dict[str, object] = {"reason": self.reason}
        if self.timestamp is not None:
            members["timestamp"] = self.timestamp
        return msgspec.json.encode(members)


def new_id() -> bytes:
    """An id for a request that came without one, written as Apple does."""
    return str(uuid4()).upper().encode()
