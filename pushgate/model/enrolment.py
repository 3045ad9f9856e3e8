"""The enrolment of a managed device: what it gave, and what became of the pushes to it."""

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.outcome import State

MAX_DEVICE = 255
"""Bytes of the id of a device at most."""


class EnrolmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an MDM server reports of a device's ``TokenUpdate``.

    :param push_magic: see `pushgate.protocols.mdm_push.push_payload`.
    :param keep_awake: push to it every 26 h while it is silent, so that it can mend a wrong push magic.
    :param device: what the MDM server knows the device by, such as its UDID; None: only the token.
    :raises Invalid: the id of the device is empty or too long.
    """

    token: bytes
    push_magic: str
    keep_awake: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        if self.device is None:
            return
        rule = f"1 to {MAX_DEVICE} bytes of UTF-8"
        try:
            size = len(self.device.encode())
        except UnicodeEncodeError:  # JSON can spell half a surrogate pair
            raise Invalid("device", f"{len(self.device)} characters, not all of them Unicode", rule) from None
        if not 1 <= size <= MAX_DEVICE:
            raise Invalid("device", f"{size} bytes", rule)


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it enrolled, and what happened since. All times are Unix seconds.

    :param id: its number in the store.
    :param topic: the topic of the certificate that was there when it enrolled.
    :param superseded_at: when a later enrolment of the same token or device took its place.
    :param pushes: how many the schedule has sent since it enrolled.
    :param pushed_at: when the last MDM push to it was submitted, by the schedule or by a caller.
    :param waiting: a push of the schedule has no outcome yet.
    :param outcome: of the last push that has one; `status` and `reason` are of it.
    :param checked_in_at: when the MDM server last reported that it called.
    :param checked_out_at: when the MDM server reported that it left management.
    """

    id: int
    app: str
    token: bytes
    push_magic: str
    topic: str
    device: str | None
    keep_awake: bool
    enrolled_at: float
    superseded_at: float | None = None
    pushes: int = 0
    pushed_at: float | None = None
    waiting: bool = False
    outcome: State | None = None
    status: int | None = None
    reason: str = ""
    outcome_at: float | None = None
    checked_in_at: float | None = None
    checked_out_at: float | None = None

    @property
    def has_checked_in(self) -> bool:
        """Whether the device has called since it enrolled."""
        return self.checked_in_at is not None

    @property
    def has_left(self) -> bool:
        """Whether the device left management, and has not enrolled anew since."""
        return self.checked_out_at is not None and self.superseded_at is None


class Enrolled(msgspec.Struct, frozen=True):
    """An enrolment is kept.

    :param sha256: of the token, in hex.
    :param warnings: what it took the place of, in words.
    """

    sha256: str
    warnings: tuple[str, ...] = ()
