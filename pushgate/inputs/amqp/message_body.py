"""The body of a message into submissions: no I/O, no pika."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from pushgate.inputs.common.drafts import made
from pushgate.inputs.common.json_terms import TERM_FIELDS, decoded
from pushgate.inputs.common.schemas import Body, Notification, check_one, decode_notifications, find_target
from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.notification import MAX_BATCH, Submission, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
RulesOf = Callable[[str | None], NotificationRules]
"""Returns the rules of an app; of the one that the message is for by itself when the body names none."""


class MessageBody(Body, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The body of a POST over HTTP, with the app."""

    app: str | UnsetType = UNSET


class MessagePart(msgspec.Struct, frozen=True):
    """The part of a message that goes into one batch.

    :param faults: those refused already, by their index in `tokens`.
    :param rules: by which it was read.
    :param first: notifications of the message that come before these.
    """

    tokens: Packed
    payload: bytes | Packed
    terms: Terms
    faults: dict[int, Refusal]
    rules: NotificationRules
    first: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    def submission(self, app: str, doubtful: bool) -> Submission:
        """The submission to the gateway."""
        return Submission(
            app=app, tokens=self.tokens, payload=self.payload, terms=self.terms, doubtful=doubtful
        )


class Single(msgspec.Struct, frozen=True):
    """A message that is one notification; many of them may go into one batch."""

    token: bytes
    payload: bytes
    terms: Terms


class Many(msgspec.Struct, frozen=True):
    """A message that is many notifications.

    :param count: how many.
    :param parts: each made when it is asked for, once: there may be as many as notifications.
    """

    count: int
    parts: Iterator[MessagePart]


class Asked(msgspec.Struct, frozen=True):
    """The notifications of a message.

    :param app: None when the body does not name it.
    """

    app: str | None
    what: Single | Many


_decode: Final = msgspec.json.Decoder(MessageBody).decode


def read(body: bytes, content_type: str | None, content_encoding: str | None, rules_of: RulesOf) -> Asked:
    """The notifications of a message; raise `Refusal` when it is not valid."""
    if content_encoding not in {None, "", "identity", "utf-8", "UTF-8"}:
        raise Invalid("content_encoding", "not understood", "none")
    kind = (content_type or JSON).partition(";")[0].strip().lower()
    if kind == NDJSON:
        return Asked(None, _many(decoded(decode_notifications, body, "body"), rules_of(None)))
    if kind != JSON:
        raise Invalid("content_type", "not understood", f"{JSON} or {NDJSON}")
    asked: MessageBody = decoded(_decode, body, "body")
    app = None if asked.app is UNSET else asked.app
    return Asked(app, _what(asked, rules_of(app)))


def write(app: str, part: MessagePart, members: list[int]) -> bytes:
    """Some members of a part as the body of a message."""
    named = {name: getattr(part.terms, name, None) for name in TERM_FIELDS}
    terms = {name: value for name, value in named.items() if value is not None}
    if part.terms.channel is not None:
        return _write_broadcasts(app, part, members, terms)
    tokens = [part.rules.form.write(part.tokens[index]) for index in members]
    if not isinstance(part.payload, Packed):
        payload = _written(part, part.payload)
        return msgspec.json.encode({"app": app, "tokens": tokens, "payload": payload, **terms})
    payloads = [_written(part, part.payload[index]) for index in members]
    each = [
        {"token": token, "payload": payload, **terms} for token, payload in zip(tokens, payloads, strict=True)
    ]
    return msgspec.json.encode({"app": app, "notifications": each})


def _write_broadcasts(app: str, part: MessagePart, members: list[int], terms: dict[str, Any]) -> bytes:
    """The same, of a part that goes to a channel, which its terms name."""
    payload = part.payload
    payloads = [payload[index] if isinstance(payload, Packed) else payload for index in members]
    each = [{"payload": _written(part, one), **terms} for one in payloads]
    return msgspec.json.encode({"app": app, "notifications": each})


def _written(part: MessagePart, payload: bytes) -> msgspec.Raw | str | None:
    """A payload as JSON; None stands for that of a member that was refused, and is refused again."""
    return part.rules.payload_as_json(payload) if payload or part.rules.text_payloads else None


def _what(asked: MessageBody, rules: NotificationRules) -> Single | Many:
    check_one(asked)
    if asked.notifications is not UNSET:
        if asked.payload is not UNSET or asked.terms() != Terms():
            raise Invalid("notifications", "with fields beside it", "each of them has its own")
        return _many(asked.notifications, rules)
    payload, terms = rules.payload_of(asked.json(asked.payload)), asked.terms()
    if asked.tokens is UNSET:
        return Single(find_target(rules, asked), payload, terms)
    _check_count("tokens", len(asked.tokens))
    tokens, faults = rules.parse_targets(asked.tokens)
    return Many(len(tokens), iter([MessagePart(tokens, payload, terms, faults, rules)]))


def _many(notifications: list[Notification], rules: NotificationRules) -> Many:
    """Parts: neighbouring notifications on the same terms go together."""
    _check_count("notifications", len(notifications))
    parts = (
        MessagePart(
            Packed.of(each.tokens, 2), Packed.of(each.payloads, 2), each.terms, each.faults, rules, each.first
        )
        for each in made(rules, notifications, MAX_BATCH)
    )
    return Many(len(notifications), parts)


def _check_count(field: str, count: int) -> None:
    if count > MAX_BATCH:
        raise TooLarge(field, count, MAX_BATCH, "notifications")
    if not count:
        raise Invalid(field, "none", f"1 to {MAX_BATCH}")
