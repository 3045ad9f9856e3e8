"""Batches in the making: members as an input collects them, with those that it refuses itself."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pushgate.inputs.common.batching import MAX_PAYLOAD
from pushgate.inputs.common.schemas import Notification, given
from pushgate.model.errors import Refusal, TooLarge
from pushgate.model.notification import Submission, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome_record import id_text
from pushgate.model.packed import Packed
from pushgate.plugin.gateway_interface import Receipt

_USUAL: Final = Terms()
_HOLE: Final = b""
"""Stands in for a refused member: the gateway refuses it too, and all other indices stay right."""


class Draft:
    """Notifications on the same terms.

    :param first: how many notifications of the request come before these.
    :ivar size: bytes of payloads.
    :ivar faults: those refused here, by index.
    """

    __slots__ = ("_rules", "faults", "first", "payloads", "size", "terms", "tokens")

    def __init__(self, rules: NotificationRules, first: int, terms: Terms) -> None:
        self._rules, self.first, self.terms = rules, first, terms
        self.tokens: list[bytes] = []
        self.payloads: list[bytes] = []
        self.faults: dict[int, Refusal] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, token: str | None, json: bytes) -> None:
        """Add a notification; one whose token or payload is bad is refused by its index.

        :param token: None for one to the channel of the terms.
        :param json: the payload as the request has it.
        """
        try:
            payload = self._rules.payload_of(json)
            if len(payload) > MAX_PAYLOAD:
                raise TooLarge("payload", len(payload), MAX_PAYLOAD)
            parsed = self._rules.find_target(token, self.terms.channel)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        self.tokens.append(parsed)
        self.payloads.append(payload)
        self.size += len(payload)

    def refuse(self, refusal: Refusal) -> None:
        """Refuse the next index."""
        self.faults[len(self.tokens)] = refusal
        self.tokens.append(_HOLE)
        self.payloads.append(_HOLE)

    def submission(self, app: str, key: str | None) -> Submission:
        """Return what the gateway is given; raise `Refusal` when the whole is not valid."""
        return Submission(
            app=app,
            tokens=Packed.of(self.tokens, 2),
            payload=Packed.of(self.payloads, 2),
            terms=self.terms,
            key=key,
        )


class Drafts:
    """Makes drafts of notifications that come one by one.

    A draft ends after `most` notifications, after `most_bytes` of payloads, and before a notification on
    other terms: so where it ends depends on nothing but the notifications.
    """

    def __init__(self, rules: NotificationRules, most: int, most_bytes: int = sys.maxsize) -> None:
        self._rules, self._most, self._most_bytes = rules, most, most_bytes
        self._draft: Draft | None = None
        self._complete: list[Draft] = []
        self._count = 0

    def add(self, notification: Notification) -> None:
        """Take a notification; one on terms that break a rule is refused."""
        try:
            terms, json = notification.terms(), notification.json(notification.payload)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        draft = self._draft
        if draft is None or (draft.terms is not terms and draft.terms != terms):
            self._cut()
            draft = self._draft = Draft(self._rules, self._count, terms)
        draft.add(given(notification.token), json)
        self._grown(draft)

    def refuse(self, refusal: Refusal) -> None:
        """Take one that is refused, on whatever terms."""
        draft = self._draft
        if draft is None:
            draft = self._draft = Draft(self._rules, self._count, _USUAL)
        draft.refuse(refusal)
        self._grown(draft)

    def complete(self) -> list[Draft]:
        """Return the drafts that were completed since the last call."""
        complete, self._complete = self._complete, []
        return complete

    def end(self) -> list[Draft]:
        """As `complete`, with the last draft, to which nothing more will be added."""
        self._cut()
        return self.complete()

    def _grown(self, draft: Draft) -> None:
        self._count += 1
        if len(draft) >= self._most or draft.size >= self._most_bytes:
            self._cut()

    def _cut(self) -> None:
        if self._draft is not None:
            self._complete.append(self._draft)
            self._draft = None


def made(rules: NotificationRules, notifications: Iterable[Notification], most: int) -> Iterator[Draft]:
    """The drafts of notifications, each made when it is asked for."""
    making = Drafts(rules, most)
    for notification in notifications:
        making.add(notification)
        yield from making.complete()
    yield from making.end()


def receipt_fields(receipt: Receipt, faults: dict[int, Refusal]) -> dict[str, Any]:
    """A receipt as JSON has it; for what the input refused itself, with its own reason."""
    refused = [
        (index, fault.code, str(fault))
        for index, fault in ((index, faults.get(index, refusal)) for index, refusal in receipt.refused)
    ]
    return {"id": id_text(receipt.id), "count": receipt.count, "refused": refused}
