"""The requests that notifications become: ``POST /v1/projects/{project}/messages:send``, one message each.

From Google's reference of ``projects.messages/send``.
"""

from functools import partial
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.fcm.message import Fields, added, adds_something, frame
from pushgate.protocols.fcm.target import field
from pushgate.protocols.http_push.plain_service import each_once
from pushgate.protocols.http_push.service import Header, Member

HOST: Final = "fcm.googleapis.com"
"""Google's, port 443."""
_FIELDS: Final = ((b"content-type", b"application/json"),)
_NOTHING: Final[Fields] = {}


class FcmRequests(msgspec.Struct, frozen=True):
    """What an app's requests have in common.

    :param project: the id of the Firebase project.
    :param validate_only: messages are checked and sent to no device.
    """

    project: str
    validate_only: bool = False

    @property
    def path(self) -> bytes:
        """The path of every request."""
        return f"/v1/projects/{self.project}/messages:send".encode()

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself: its body. That of a shared payload is made once."""
        path = self.path
        more = added(span) if adds_something(span.batch.terms) else _NOTHING
        frames = each_once(span.payloads(), partial(frame, more=more, validate_only=self.validate_only))
        return [
            Member(index, path, (), head + field(target) + tail)
            for index, (target, (head, tail)) in enumerate(
                zip(span.tokens(), frames, strict=True), span.start
            )
        ]

    def fields(self) -> tuple[Header, ...]:
        """The headers of every request, but those that authenticate."""
        return _FIELDS
