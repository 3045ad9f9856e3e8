"""Frames into submissions, up to the first frame at fault."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

import msgspec

from pushgate.model.errors import Refusal
from pushgate.model.notification import Priority, Submission, Terms
from pushgate.model.notification_rules import check_json_object
from pushgate.model.packed import Packed
from pushgate.protocols.apns_binary.frames import Frame, MalformedFrame
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_binary.validation import find_fault

_BULK: Final = int(Priority.BULK)


class FrameFault(msgspec.Struct, frozen=True):
    """The first frame that is not accepted, and its error status."""

    frame: Frame | MalformedFrame
    status: ErrorStatus


class FrameRun(msgspec.Struct, frozen=True):
    """Frames one after the other on the same terms, which are accepted together or not at all."""

    frames: Sequence[Frame]
    terms: Terms

    def submission(self, app: str) -> Submission:
        """The submission to the gateway."""
        payloads = [frame.payload for frame in self.frames]
        shared = payloads[0] == payloads[-1] and len(set(payloads)) == 1
        return Submission(
            app=app,
            tokens=Packed.of([frame.token for frame in self.frames], 2),
            payload=payloads[0] if shared else Packed.of(payloads, 2),
            terms=self.terms,
        )


def check_frames(
    frames: Sequence[Frame | MalformedFrame], max_payload: int
) -> tuple[list[Frame], FrameFault | None]:
    """The frames before the first that is at fault, and that one.

    A payload that is no JSON object counts as missing: of the codes that clients know, this one says neither
    that the token is bad nor that a retry may succeed.

    :param max_payload: bytes.
    """
    good: list[Frame] = []
    known = b""
    for frame in frames:
        status = find_fault(frame, max_payload)
        if status is not None:
            return good, FrameFault(frame, status)
        assert isinstance(frame, Frame)
        if frame.payload is not known and frame.payload != known:
            try:
                check_json_object(frame.payload)
            except Refusal:
                return good, FrameFault(frame, ErrorStatus.MISSING_PAYLOAD)
            known = frame.payload
        good.append(frame)
    return good, None


def runs(frames: Iterable[Frame]) -> list[FrameRun]:
    """Frames in as few runs as their order allows."""
    return [
        FrameRun(list(group), _terms(expiration, bulk))
        for (expiration, bulk), group in groupby(frames, _terms_of)
    ]


def _terms_of(frame: Frame) -> tuple[int | None, bool]:
    return frame.expiration, frame.priority == _BULK


@lru_cache(maxsize=256)
def _terms(expiration: int | None, bulk: bool) -> Terms:
    return Terms(expiration=expiration, priority=Priority.BULK if bulk else Priority.URGENT)
