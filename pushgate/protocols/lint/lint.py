"""The examination of a payload: its JSON, its size, what its service knows of it, what the gateway takes."""

from collections.abc import Iterator
from typing import Final

import msgspec

from pushgate.model.errors import Invalid, Refusal
from pushgate.model.notification import Terms, parse_priority
from pushgate.model.notification_rules import NotificationRules
from pushgate.protocols.lint import apns
from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, decode, read, without_blanks
from pushgate.protocols.lint.limits import SizeCheck, checks
from pushgate.protocols.lint.services import SERVICES, Service
from pushgate.protocols.mpns.requests import push_type as mpns_type
from pushgate.protocols.wns.requests import push_type as wns_type

_BY_PAYLOAD: Final = {"wns": wns_type, "mpns": mpns_type}


class LintReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an examination found.

    :param push_type: the one that the gateway takes the payload for; "" where there are none.
    :param size: bytes of the payload; of a template, of what is the same for all.
    :param flaws: in the order of their places.
    :param properties: that a template is filled with, in their order.
    """

    service: str
    platform: str = ""
    push_type: str = ""
    size: int
    sizes: tuple[SizeCheck, ...]
    flaws: tuple[Flaw, ...]
    properties: tuple[str, ...] = ()

    def count(self, grade: Grade) -> int:
        """How many flaws are of this grade."""
        return sum(flaw.grade is grade for flaw in self.flaws)


def lint(draft: Draft) -> LintReport:
    """Examine a payload. Nothing is raised, whatever its bytes are."""
    service = SERVICES[draft.service]
    text, faults = (
        decode(draft.payload) if service.is_json else (draft.payload.decode("utf-8", "replace"), [])
    )
    body = read(text) if service.is_json else JSONText(text)
    push_type, size = push_type_of(draft), len(draft.payload)
    sizes = checks(draft, push_type, size)
    found = [*faults, *body.flaws, *too_large(sizes, size, body), *service.flaws(draft, body)]
    if not any(flaw.grade is Grade.ERROR for flaw in found):
        found += _refused(draft, service)
    return LintReport(
        service=draft.service, push_type=push_type, size=size, sizes=sizes, flaws=in_order(found)
    )


def push_type_of(draft: Draft) -> str:
    """The push type that the gateway takes a payload for; "" where the service has none."""
    if draft.service == "apns":
        return apns.push_type_of(draft)
    derive = _BY_PAYLOAD.get(draft.service)
    return draft.push_type or ("" if derive is None else derive(Terms(), draft.payload))


def in_order(flaws: list[Flaw]) -> tuple[Flaw, ...]:
    """Flaws in the order of their places; those of no place come first."""
    return tuple(sorted(flaws, key=lambda flaw: (flaw.line, flaw.column)))


def too_large(sizes: tuple[SizeCheck, ...], size: int, body: JSONText) -> Iterator[Flaw]:
    """A flaw for each limit that a payload exceeds and that counts for it."""
    for each in sizes:
        if each.counts and not each.fits:
            compact = _compact(body)
            advice = "fewer or shorter texts, or an address that the app fetches the rest from"
            if compact and compact <= each.limit:
                advice = f"leave out the blanks between its parts: {compact} bytes"
            yield Flaw(Grade.ERROR, "", 0, 0, f"{size} bytes; {each.of}: at most {each.limit}", advice)


def _compact(body: JSONText) -> int:
    """The size of JSON without blanks, in bytes; 0 of what is none."""
    if body.root is None or body.flaws:
        return 0
    return len(without_blanks(body.text).encode())


def _refused(draft: Draft, service: Service) -> Iterator[Flaw]:
    """What the gateway refuses a payload for that nothing was found wrong with."""
    every = service.rules if draft.rules is None else (draft.rules,)
    refusals = [refusal for rules in every if (refusal := _refusal(draft, rules)) is not None]
    if len(refusals) == len(every):
        what = f"the gateway refuses it: {refusals[0]}"
        rule = refusals[0].rule if isinstance(refusals[0], Invalid) else ""
        yield Flaw(Grade.ERROR, "", 0, 0, what, rule or "see the page of the service")


def _refusal(draft: Draft, rules: NotificationRules) -> Refusal | None:
    try:
        terms = Terms(
            push_type=draft.push_type,
            priority=parse_priority(draft.priority),
            topic=draft.topic,
            collapse_id=draft.collapse_id,
            channel=draft.channel,
        )
        rules.check_terms(terms)
        rules.payload(draft.payload, rules.max_payload)
        if rules.check_combination is not None:
            rules.check_combination(terms, draft.payload)
    except Refusal as refusal:
        return refusal
    return None
