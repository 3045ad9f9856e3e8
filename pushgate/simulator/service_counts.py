"""The counts of one push service other than Apple's."""

from collections import Counter
from typing import Any

import msgspec


class ServiceCounts(msgspec.Struct):
    """The counts of one of the services; see `ReceivedLog`.

    :param calls: for tokens and topics, by what was asked and the status: ``token 200``.
    """

    frames: int = 0
    accepted: int = 0
    rejected: Counter[int] = msgspec.field(default_factory=Counter)
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    discarded: int = 0
    calls: Counter[str] = msgspec.field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """The counts, ready for JSON."""
        return {
            "frames": self.frames,
            "accepted": self.accepted,
            "rejected": {str(status): count for status, count in sorted(self.rejected.items())},
            "reasons": dict(sorted(self.reasons.items())),
            "discarded": self.discarded,
            "calls": dict(sorted(self.calls.items())),
        }
