"""The submissions that a page of targets becomes: those of equal terms go together. Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

import msgspec

from pushgate.hub.sending.formatting import native_terms, template_terms
from pushgate.hub.store.send_work import Plan
from pushgate.hub.store.targets import Target
from pushgate.hub.templates.properties import Properties
from pushgate.hub.templates.rendering import render
from pushgate.model.errors import Refusal
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest
from pushgate.model.notification import Submission, Terms
from pushgate.model.packed import Packed

CHUNK: Final = 10_000
"""Notifications of one submission at most."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Notifications that are submitted together.

    :param handles: the targets, in their order.
    :param payload: of all, or of each.
    :param chunk: counts groups of the same terms.
    """

    platform: Platform
    terms: Terms
    handles: Packed
    payload: bytes | Packed
    chunk: int = 0

    def submission(self, app: str, prefix: str, doubtful: bool = False) -> Submission:
        """What the gateway is given.

        :param prefix: of the idempotency key: the send, and where its page begins.
        :param doubtful: another gateway may have submitted the same.
        """
        digest = hashlib.sha256(repr(self.terms).encode()).hexdigest()[:16]
        return Submission(
            app=app,
            tokens=self.handles,
            payload=self.payload,
            terms=self.terms,
            key=f"{prefix}/{self.platform}/{digest}-{self.chunk}",
            doubtful=doubtful,
        )


def parts(submission: Submission, size: int) -> Iterator[Submission]:
    """The same in parts of a size, for a queue that never has room for all of it.

    Their keys name the size, so that parts of another size are not taken for these.
    """
    count, payload = len(submission.tokens), submission.payload
    for at in range(0, count, size):
        stop = min(at + size, count)
        yield msgspec.structs.replace(
            submission,
            tokens=Packed.of(submission.tokens.slice(at, stop), 2),
            payload=Packed.of(payload.slice(at, stop), 2) if isinstance(payload, Packed) else payload,
            key=f"{submission.key}/{at}+{size}",
        )


class Fault(msgspec.Struct, frozen=True):
    """A notification that cannot be made."""

    platform: Platform
    handle: bytes
    error: Refusal


class SendPage(msgspec.Struct, frozen=True):
    """A page of the targets of a send, ready to be submitted.

    :param skipped: how many registrations get nothing, as another one of the device does, by platform.
    """

    groups: Sequence[Group]
    plan: Plan
    faults: Sequence[Fault] = ()
    skipped: dict[Platform, int] = {}

    def without(self, platforms: Collection[Platform]) -> "SendPage":
        """All of it but these platforms."""
        return self._chosen(lambda platform: platform not in platforms)

    def of(self, platform: Platform) -> "SendPage":
        """What one platform has of it."""
        return self._chosen(lambda each: each is platform)

    def _chosen(self, wanted: Callable[[Platform], bool]) -> "SendPage":
        return SendPage(
            [each for each in self.groups if wanted(each.platform)],
            self.plan,
            [each for each in self.faults if wanted(each.platform)],
            {platform: count for platform, count in self.skipped.items() if wanted(platform)},
        )


def native_groups(
    platform: Platform, request: SendRequest, payload: bytes, handles: Sequence[bytes], started_at: float
) -> list[Group]:
    """The groups of a native send to devices of its platform."""
    terms = native_terms(platform, request.headers, started_at)
    parts = [handles[at : at + CHUNK] for at in range(0, len(handles), CHUNK)]
    return [
        Group(platform=platform, terms=terms, handles=Packed.of(part, 2), payload=payload, chunk=chunk)
        for chunk, part in enumerate(parts)
    ]


def template_groups(
    targets: Sequence[Target], properties: Properties, started_at: float
) -> tuple[list[Group], list[Fault]]:
    """The groups of a send by templates, and what could not be rendered."""
    found: dict[tuple[Platform, Terms], list[tuple[bytes, bytes]]] = {}
    faults: list[Fault] = []
    known: dict[object, tuple[Terms, bytes] | Refusal] = {}
    for target in targets:
        made = _made(target, properties, started_at, known)
        if isinstance(made, Refusal):
            faults.append(Fault(target.platform, target.handle, made))
        else:
            found.setdefault((target.platform, made[0]), []).append((target.handle, made[1]))
    return [
        _group(platform, terms, pairs[at : at + CHUNK], at // CHUNK)
        for (platform, terms), pairs in found.items()
        for at in range(0, len(pairs), CHUNK)
    ], faults


def _made(
    target: Target,
    properties: Properties,
    started_at: float,
    known: dict[object, tuple[Terms, bytes] | Refusal],
) -> tuple[Terms, bytes] | Refusal:
    """The terms and the payload of one target; those of equal templates are made once."""
    template = target.template
    assert template is not None
    key = None if target.push_variables else (target.platform, msgspec.json.encode(template))
    if key is not None and key in known:
        return known[key]
    made: tuple[Terms, bytes] | Refusal
    try:
        rendered = render(target.platform, template, properties, target.push_variables)
        made = template_terms(target.platform, rendered, started_at), rendered.payload
    except Refusal as error:
        made = error
    if key is not None:
        known[key] = made
    return made


def _group(platform: Platform, terms: Terms, pairs: Sequence[tuple[bytes, bytes]], chunk: int) -> Group:
    payloads = [payload for _, payload in pairs]
    shared = len(set(payloads)) == 1
    return Group(
        platform=platform,
        terms=terms,
        handles=Packed.of([handle for handle, _ in pairs], 2),
        payload=payloads[0] if shared else Packed.of(payloads, 2),
        chunk=chunk,
    )
