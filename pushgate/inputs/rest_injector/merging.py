"""Making a message for each recipient of a request, and a notification from each message."""

from collections.abc import Callable
from typing import Final

import msgspec

from pushgate.inputs.common.momentum import Recipients, read_member
from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.notification import Submission
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.protocols.momentum.mcmt import read_mcmt
from pushgate.protocols.momentum.template import Template

DESTINATION: Final = "DLV_Dest_ID"
"""The context variable with the device token, which overrides the header of the message."""
MAX_PAYLOAD: Final = 0xFFFF
"""Bytes of a payload at most: batches store its length in two bytes."""
MAX_MERGED: Final = 256 << 20
"""Bytes of all messages of one request at most: a small request can make large messages."""
_Value = str | int | float


class Recipient(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """An item of `recipients`. Its address and the sender's are keys of the template as well.

    :param vctx: context variables; all but `DESTINATION` are ignored.
    """

    to: str
    sender: str = ""
    vctx: dict[str, _Value] = {}
    keys: dict[str, _Value] = {}


class Injection(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    template: str
    recipients: list[Recipient]


OPTIONAL: Final = ("from", "vctx", "keys")
"""The optional fields of a recipient."""
decode_injection: Final = msgspec.json.Decoder(Injection).decode


class Merging:
    """Collects the notifications of a request, which are all for one app.

    :param rules_of: returns the rules of an app.
    :param max_payload: returns the limit of an app, bytes.
    :ivar app: the app of the first recipient.
    """

    def __init__(
        self,
        injection: Injection,
        recipients: Recipients,
        rules_of: Callable[[str], NotificationRules],
        max_payload: Callable[[str], int],
        max_message: int,
    ) -> None:
        self._template, self._recipients = Template(injection.template), recipients
        self._max_message, self._merged = max_message, 0
        self._targets: list[bytes] = []
        self._payloads: list[bytes] = []
        with Place(0):
            self.app = recipients.app(injection.recipients[0].to, "to")
        self._rules = rules_of(self.app)
        self._max_payload = max_payload(self.app)
        self._limit = min(self._max_payload, self._rules.max_payload, MAX_PAYLOAD)

    def add(self, recipient: Recipient) -> int:
        """Make the notification of the next recipient; return the size of its message in bytes.

        :raises Refusal: it is invalid; the text names the recipient.
        """
        with Place(len(self._targets)):
            if self._recipients.app(recipient.to, "to") != self.app:
                raise Invalid("to", "for another app than the first", "all recipients are for one app")
            message = self._template.message(_keys(recipient), self._max_message)
            if len(message) > self._max_message:
                raise TooLarge("message", len(message), self._max_message)
            self._count(len(message))
            target, payload = read_member(read_mcmt(message), self._rules, _destination(recipient))
            if len(payload) > self._limit:  # checked here to bound the memory of all payloads
                raise TooLarge("payload", len(payload), self._limit)
        self._targets.append(target)
        self._payloads.append(payload)
        return len(message)

    def _count(self, size: int) -> None:
        self._merged += size
        if self._merged > MAX_MERGED:
            raise TooLarge("messages up to this recipient", self._merged, MAX_MERGED)

    def submission(self) -> Submission:
        """Return the submission of all notifications.

        :raises Refusal: one of them cannot be sent; the text names the recipient.
        """
        submission = Submission(
            app=self.app,
            tokens=Packed.of(self._targets, 2),
            payload=Packed.of(self._payloads, 2),
            terms=self._recipients.terms(),
        )
        for index, refusal in self._rules.refused_members(submission, self._max_payload):
            with Place(index):
                raise refusal
        return submission


class Place:
    """A context manager that prefixes the text of a refusal with the index of the recipient."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        """Raise the refusal with the prefix."""
        if isinstance(error, Refusal):
            raise type(error).from_text(f"recipients[{self._index}].{error}") from None


def _keys(recipient: Recipient) -> dict[str, str]:
    keys = {"to": recipient.to, "from": recipient.sender}
    return keys | {name.lower(): str(value) for name, value in recipient.keys.items()}


def _destination(recipient: Recipient) -> str | None:
    return str(recipient.vctx[DESTINATION]) if DESTINATION in recipient.vctx else None
