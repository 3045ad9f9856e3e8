"""What a push service takes: how targets are written, which terms there are, how large a payload may be."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.notification import Priority, Submission, Terms
from pushgate.model.packed import Packed
from pushgate.model.target import MAX_TARGET, TargetForm, channel_target


class _JSONObject(msgspec.Struct):
    """Any JSON object: decoding to it checks the syntax and keeps nothing."""


_check_object = msgspec.json.Decoder(_JSONObject).decode
_read_text = msgspec.json.Decoder(str | list[msgspec.Raw] | _JSONObject).decode
_TEXT_RULE: Final = "a JSON text, object or array, of whole characters in UTF-8"


def check_json_object(payload: bytes) -> None:
    """Raise `Invalid` unless `payload` is a JSON object in UTF-8."""
    try:
        _check_object(payload)
        if not payload.isascii():
            payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("payload", f"{len(payload)} bytes", "a JSON object in UTF-8") from None


class NotificationRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one kind of upstream, which its factory declares.

    :param form: how targets are written as text.
    :param max_target: bytes of a target at most.
    :param push_types: those there are; None: any word will do.
    :param priorities: those there are.
    :param headers: names of the headers that `Terms` may have for it, in lower case.
    :param channels: it has channels, to which one notification can be sent in place of devices.
    :param max_payload: bytes at most, whatever an app's own limit says.
    :param text_payloads: payloads are not JSON, but text that JSON spells as a text; see `payload_of`.
    :param canonical: returns the one form of a target that can be written in several ways, since targets are
        compared by their bytes; what is no target, as it is.
    :param check_target: raises `Invalid` for a target of the right length that cannot be one.
    :param check_payload: raises `Invalid` for a payload within the limit that cannot be sent.
    :param check_service_terms: raises a `Refusal` for terms that this app's credential is not good for.
    :param check_combination: raises a `Refusal` for a payload that cannot be sent on the terms it is given
        with.
    """

    form: TargetForm = TargetForm.TEXT
    max_target: int = MAX_TARGET
    push_types: frozenset[str] | None = None
    priorities: frozenset[Priority] = frozenset(Priority)
    headers: frozenset[str] = frozenset()
    channels: bool = False
    max_payload: int = 65535
    text_payloads: bool = False
    canonical: Callable[[bytes], bytes] | None = None
    check_target: Callable[[bytes], None] | None = None
    check_payload: Callable[[bytes], None] = check_json_object
    check_service_terms: Callable[[Terms], None] | None = None
    check_combination: Callable[[Terms, bytes], None] | None = None

    def parse_target(self, text: str, field: str = "token") -> bytes:
        """Return the target that `text` stands for; raise `Invalid`, naming `field`, when there is none."""
        return self.form.parse(text, self.max_target, field)

    def parse_targets(self, texts: list[str]) -> tuple[Packed, dict[int, Refusal]]:
        """Return the targets of texts, and those refused, by index, in whose place is an empty one."""
        packed = self.form.pack(texts, self.max_target)
        if packed is not None:
            return packed, {}
        targets: list[bytes] = []
        faults: dict[int, Refusal] = {}
        for index, text in enumerate(texts):
            try:
                targets.append(self.parse_target(text))
            except Refusal as refusal:
                faults[index] = refusal
                targets.append(b"")
        return Packed.of(targets, 2), faults

    def find_target(self, token: str | None, channel: str | None) -> bytes:
        """Return the target of a notification that is given either a token or a channel.

        :raises Invalid: it is given both or neither, or the token cannot be one.
        """
        if channel is None:
            if token is None:
                raise Invalid("token", "missing", "a token is required, or a channel in its place")
            return self.parse_target(token)
        if token is not None:
            raise Invalid("channel", "with a token", "either a token or a channel")
        return channel_target(channel)

    def payload_of(self, json: bytes) -> bytes:
        """Return the payload that an input is given as JSON: where payloads are text, what a JSON text says.

        An object or an array stands for itself everywhere, white space included.

        :raises Invalid: payloads are text, and it is neither, or no UTF-8, such as half of a surrogate pair.
        """
        return _text_payload(json) if self.text_payloads else json

    def payload_as_json(self, payload: bytes) -> msgspec.Raw | str:
        """Return what `msgspec` encodes as the JSON that `payload_of` made `payload` of, or an equal one."""
        return payload.decode() if self.text_payloads else msgspec.Raw(payload)

    def in_canonical_form(self, targets: Packed) -> Packed:
        """Return the targets, each in its one form."""
        return targets if self.canonical is None else Packed.of(map(self.canonical, targets), 2)

    def check_terms(self, terms: Terms) -> None:
        """Raise `Invalid` for a push type, a priority or a header that the push service does not know.

        Also for a channel where it has none.
        """
        for name, _ in terms.headers:
            if name not in self.headers:
                raise Invalid("headers", "one that this service does not take", _header_rule(self.headers))
        if terms.channel is not None and not self.channels:
            raise Invalid(
                "channel",
                "given for an app without channels",
                "an app whose upstream has them: apns-http2",
            )
        word, words = terms.push_type, self.push_types
        if word is not None and words is not None and word not in words:
            rule = f"one of {', '.join(sorted(words))}" if words else "none: this service has no push types"
            raise Invalid("push_type", "not a known word", rule)
        if self.check_service_terms is not None:
            self.check_service_terms(terms)
        priority = terms.priority or Priority.URGENT
        if priority not in self.priorities:
            known = ", ".join(map(str, sorted(self.priorities)))
            raise Invalid("priority", f"the number {priority}", f"one of {known}")

    def refused_members(self, submission: Submission, max_payload: int) -> list[tuple[int, Refusal]]:
        """Return the members of a submission that cannot be sent, ascending, each with the reason.

        :param max_payload: the app's limit, bytes.
        :raises Invalid, TooLarge: the terms, or the one payload that all share, make all of it impossible.
        """
        terms = submission.terms
        self.check_terms(terms)
        limit = min(max_payload, self.max_payload)
        faults: dict[int, Refusal] = {}
        if isinstance(submission.payload, Packed):
            faults = self._payload_faults(submission.payload, limit, terms)
        else:
            self._payload(submission.payload, limit, terms)
        return sorted((faults | self._target_faults(submission)).items())

    def _payload_faults(self, payloads: Packed, limit: int, terms: Terms) -> dict[int, Refusal]:
        if self.check_combination is None and all(length <= limit for length in payloads.lengths()):
            return _faults(payloads, self.check_payload)  # every notification passes here: nothing in between
        return _faults(payloads, lambda payload: self._payload(payload, limit, terms))

    def payload(self, payload: bytes, limit: int) -> None:
        """Raise `TooLarge` for a payload of over `limit` bytes, `Invalid` for one that cannot be sent."""
        if len(payload) > limit:
            raise TooLarge("payload", len(payload), limit)
        self.check_payload(payload)

    def _payload(self, payload: bytes, limit: int, terms: Terms) -> None:
        self.payload(payload, limit)
        if self.check_combination is not None:
            self.check_combination(terms, payload)

    def _target_faults(self, submission: Submission) -> dict[int, Refusal]:
        channel, targets = submission.terms.channel, submission.tokens
        if channel is not None:
            return _faults(targets, partial(_check_channel, channel_target(channel)))
        if self.check_target or not all(1 <= length <= self.max_target for length in targets.lengths()):
            return _faults(targets, self._target)
        return {}

    def _target(self, target: bytes) -> None:
        if not 1 <= len(target) <= self.max_target:
            raise Invalid("token", f"{len(target)} bytes", f"1 to {self.max_target} bytes")
        if self.check_target:
            self.check_target(target)


def _text_payload(json: bytes) -> bytes:
    try:
        value = _read_text(json)
        if isinstance(value, str):
            return value.encode()
        if not json.isascii():
            json.decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Invalid("payload", f"{len(json)} bytes", _TEXT_RULE) from None
    return json


def _header_rule(names: frozenset[str]) -> str:
    return f"some of {', '.join(sorted(names))}" if names else "none: this service takes no further ones"


def _check_channel(expected: bytes, target: bytes) -> None:
    if target != expected:
        raise Invalid("token", "given with a channel", "the channel is the only target")


def _faults(members: Packed, check: Callable[[bytes], None]) -> dict[int, Refusal]:
    faults: dict[int, Refusal] = {}
    for index, member in enumerate(members):
        try:
            check(member)
        except Refusal as refusal:
            faults[index] = refusal
    return faults
