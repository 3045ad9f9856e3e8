"""Test sends: to a few devices, with what became of each as the answer."""

from typing import Final

import msgspec

from pushgate.model.errors import Refusal
from pushgate.model.outcome import Outcome

MOST_DEVICES: Final = 10
"""Devices of one test send at most."""
MOST_A_MINUTE: Final = 10
"""Test sends of one app in a minute at most, over all inputs."""
PATIENCE: Final = 30.0
"""Seconds that outcomes are waited for at most."""


class TriedDevice(msgspec.Struct, frozen=True):
    """One device of a test send.

    :param index: in the submission.
    :param id: of the notification.
    :param outcome: over a slice of this member; QUEUED or WRITTEN while there is none. None: no longer known.
    :param seconds: from the submission to the outcome; None while there is none.
    """

    index: int
    id: int
    outcome: Outcome | None
    seconds: float | None


class SendTestResult(msgspec.Struct, frozen=True):
    """What became of a test send.

    :param id: of the batch.
    :param devices: those that were accepted, in their order.
    :param refused: those that were not, by index, ascending, each with the reason.
    :param repeated: the same was accepted before under the same idempotency key; nothing is sent again.
    :param waited: seconds that outcomes were waited for.
    """

    id: int
    devices: tuple[TriedDevice, ...]
    refused: tuple[tuple[int, Refusal], ...]
    repeated: bool
    waited: float

    @property
    def settled(self) -> bool:
        """Whether each device has its outcome."""
        return all(device.seconds is not None for device in self.devices)
