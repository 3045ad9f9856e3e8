"""Making a message for each recipient of a request, and of each message a notification."""

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
"""The context variable with the device token, which a recipient may have in place of the message."""
MAX_PAYLOAD: Final = 0xFFFF
"""Bytes of a payload at most: a batch keeps its length in two bytes."""
MAX_MERGED: Final = 256 << 20
"""Bytes of the messages of one request at most: a short request can make long ones."""
_Value = str | int | float


class Recipient(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """One of `recipients`. Its address and that of the sender are keys of the template, too.

    :param vctx: context variables; all but `DESTINATION` are for Momentum itself.
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
"""The fields that a recipient may have besides."""
decode_injection: Final = msgspec.json.Decoder(Injection).decode


class Merging:
    """Collects the notifications of a request, all of them for one app.

    :param rules_of: returns the rules of an app.
    :param max_payload: returns the limit of an app, bytes.
    :ivar app: that of the first recipient.
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
        """Make the notification of the next recipient; return the size of its message.

        :raises Refusal: naming the recipient and what is wrong.
        """
        with Place(len(self._targets)):
            if self._recipients.app(recipient.to, "to") != self.app:
                raise Invalid("to", "for another app than the first", "all recipients are for one app")
            message = self._template.message(_keys(recipient), self._max_message)
            if len(message) > self._max_message:
                raise TooLarge("message", len(message), self._max_message)
            self._count(len(message))
            target, payload = read_member(read_mcmt(message), self._rules, _destination(recipient))
            if len(payload) > self._limit:  # now: all of them together would be a lot to keep
                raise TooLarge("payload", len(payload), self._limit)
        self._targets.append(target)
        self._payloads.append(payload)
        return len(message)

    def _count(self, size: int) -> None:
        self._merged += size
        if self._merged > MAX_MERGED:
            raise TooLarge("messages of this and all recipients before", self._merged, MAX_MERGED)

    def submission(self) -> Submission:
        """Return all of them.

        :raises Refusal: the first that cannot be sent, since then none is.
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
    """Within it a refusal gets the recipient's index in front of its text."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        """Raise the refusal, with its place."""
        if isinstance(error, Refusal):
            raise type(error).from_text(f"recipients[{self._index}].{error}") from None


def _keys(recipient: Recipient) -> dict[str, str]:
    keys = {"to": recipient.to, "from": recipient.sender}
    return keys | {name.lower(): str(value) for name, value in recipient.keys.items()}


def _destination(recipient: Recipient) -> str | None:
    return str(recipient.vctx[DESTINATION]) if DESTINATION in recipient.vctx else None
