"""What the push service accepted, kept in columns, and the counts of everything else.

A record costs about 110 bytes beside its token and, once for all that share it, its payload.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec

from pushgate.protocols.apns_binary.frames import Frame
from pushgate.simulator.accepted import Accepted, Push
from pushgate.simulator.payloads import Payloads
from pushgate.simulator.service_counts import ServiceCounts
from pushgate.simulator.services.service_answer import Delivery

_ABSENT: Final = -1
_HTTP2: Final = -1
"""In place of a command."""
_SERVICE: Final = -2
"""In place of a command: a delivery of another service."""
_ID_SIZE: Final = 36
"""Characters of an apns-id."""
_TERMS_BITS: Final = 31
"""Of an identifier of HTTP/2: the number of the terms. The bits above have the place of the id."""
_PushTerms = tuple[str | None, str | None, str | None, str | None]
"""Topic, push type, collapse id and channel."""


class ReceivedLog:
    """Records of accepted notifications, at most `limit`; beyond it they are only counted.

    :ivar frames: notifications that came, whatever became of them; always the sum of accepted, rejected and
        discarded ones.
    :ivar rejected: how many were refused, by status; those whose answer was lost too. The binary protocol's
        statuses are below 256, HTTP's above.
    :ivar reasons: how many were refused over HTTP/2, by reason.
    :ivar discarded: what came after an error, or was dropped silently.
    :ivar services: the counts of the services other than Apple's, which are in those of all too.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.frames = self.accepted = self.discarded = 0
        self.rejected: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()
        self.services: dict[str, ServiceCounts] = {}
        self._deliveries: list[tuple[str, Delivery]] = []
        self._seen: set[int] = set()
        self._payloads = Payloads()
        self._tokens = bytearray()
        self._token_ends = array("Q", (0,))
        self._numbers = tuple(array(code) for code in "bqqhI")
        self._ids = bytearray()
        self._terms: list[_PushTerms] = []
        self._terms_known: dict[_PushTerms, int] = {}
        self._starts, self._connections, self._times = array("Q"), array("Q"), array("d")

    def __len__(self) -> int:
        return len(self._token_ends) - 1

    @property
    def distinct(self) -> int:
        """Recorded notifications that differ in token or payload."""
        return len(self._seen)

    def record(self, connection: int, frames: Sequence[Frame], at: float) -> None:
        """Note that these were accepted, in this order."""
        self.accepted += len(frames)
        frames = frames[: max(0, self.limit - len(self))]
        if not frames:
            return
        self._starts.append(len(self))
        self._connections.append(connection)
        self._times.append(at)
        tokens = [frame.token for frame in frames]
        payloads = self._payloads.numbers([frame.payload for frame in frames])
        self._seen.update(map(hash, zip(tokens, payloads, strict=True)))
        self._tokens += b"".join(tokens)
        ends = accumulate(map(len, tokens), initial=self._token_ends.pop())
        self._token_ends.extend(ends)
        commands, identifiers, expirations, priorities, numbers = self._numbers
        commands.extend([frame.command for frame in frames])
        identifiers.extend([_ABSENT if (n := frame.identifier) is None else n for frame in frames])
        expirations.extend([_ABSENT if (n := frame.expiration) is None else n for frame in frames])
        priorities.extend([_ABSENT if (n := frame.priority) is None else n for frame in frames])
        numbers.extend(payloads)

    def record_push(self, connection: int, push: Push, at: float) -> None:
        """Note that this was accepted, over HTTP/2."""
        self.accepted += 1
        if len(self) >= self.limit:
            return
        self._starts.append(len(self))
        self._connections.append(connection)
        self._times.append(at)
        [number] = self._payloads.numbers([push.payload])
        self._seen.add(hash((push.token or push.channel, number)))
        self._tokens += push.token
        self._token_ends.append(len(self._tokens))
        commands, identifiers, expirations, priorities, numbers = self._numbers
        commands.append(_HTTP2)
        identifiers.append(len(self._ids) // _ID_SIZE << _TERMS_BITS | self._terms_of(push))
        self._ids += push.apns_id.encode()
        expirations.append(_ABSENT if push.expiration is None else push.expiration)
        priorities.append(_ABSENT if push.priority is None else push.priority)
        numbers.append(number)

    def record_delivery(self, connection: int, over: str, delivery: Delivery, at: float) -> None:
        """Note that another service accepted this.

        :param over: the protocol.
        """
        self.accepted += 1
        self._of(delivery.service).accepted += 1
        if len(self) >= self.limit:
            return
        self._starts.append(len(self))
        self._connections.append(connection)
        self._times.append(at)
        [number] = self._payloads.numbers([delivery.payload])
        self._seen.add(hash((delivery.service, delivery.handle, number)))
        self._tokens += delivery.handle.encode()
        self._token_ends.append(len(self._tokens))
        commands, identifiers, expirations, priorities, numbers = self._numbers
        commands.append(_SERVICE)
        identifiers.append(len(self._deliveries))
        self._deliveries.append((over, msgspec.structs.replace(delivery, payload=b"")))
        expirations.append(_ABSENT)
        priorities.append(_ABSENT)
        numbers.append(number)

    def count_frames(self, service: str, count: int) -> None:
        """So many notifications came to another service."""
        self.frames += count
        self._of(service).frames += count

    def count_refused(self, service: str, count: int, status: int, reason: str) -> None:
        """Another service refused so many."""
        counts = self._of(service)
        for each in (self, counts):
            each.rejected[status] += count
            each.reasons[reason] += count

    def count_discarded(self, service: str, count: int) -> None:
        """So many that came to another service were dropped silently."""
        self.discarded += count
        self._of(service).discarded += count

    def count_call(self, service: str, call: str, status: int) -> None:
        """Another service was asked for something else than a push."""
        self._of(service).calls[f"{call} {status}"] += 1

    def _of(self, service: str) -> ServiceCounts:
        """The counts of another service."""
        return self.services.setdefault(service, ServiceCounts())

    def _terms_of(self, push: Push) -> int:
        """The number of what many have in common."""
        terms = push.topic, push.push_type, push.collapse_id, push.channel
        number = self._terms_known.setdefault(terms, len(self._terms))
        if number == len(self._terms):
            self._terms.append(terms)
        return number

    def entries(self, since: int = 0, limit: int | None = None) -> list[Accepted]:
        """At most `limit` records from index `since` on, in the order of acceptance."""
        stop = len(self) if limit is None else min(len(self), since + limit)
        return [self._entry(index) for index in range(since, stop)]

    def _entry(self, index: int) -> Accepted:
        run = bisect_right(self._starts, index) - 1
        command, identifier, expiration, priority, number = (column[index] for column in self._numbers)
        payload, digest = self._payloads[number]
        if command == _SERVICE:
            return self._delivery(index, run, identifier, payload, digest)
        is_push = command == _HTTP2
        return Accepted(
            index=index,
            protocol="http2" if is_push else "binary",
            connection=self._connections[run],
            command=None if is_push else command,
            token=bytes(self._tokens[self._token_ends[index] : self._token_ends[index + 1]]),
            identifier=None if is_push or identifier == _ABSENT else identifier,
            expiration=None if expiration == _ABSENT else expiration,
            priority=None if priority == _ABSENT else priority,
            payload=payload,
            payload_sha256=digest,
            at=self._times[run],
            **(self._details(identifier) if is_push else {}),
        )

    def _delivery(self, index: int, run: int, place: int, payload: bytes | None, digest: str) -> Accepted:
        over, delivery = self._deliveries[place]
        return Accepted(
            index=index,
            protocol=over,
            connection=self._connections[run],
            command=None,
            token=b"",
            identifier=None,
            expiration=None,
            priority=None,
            payload=payload,
            payload_sha256=digest,
            at=self._times[run],
            service=delivery.service,
            handle=delivery.handle,
            id=delivery.id,
            headers=delivery.headers,
        )

    def _details(self, identifier: int) -> dict[str, Any]:
        """What a push has beside the binary protocol's fields."""
        begin = (identifier >> _TERMS_BITS) * _ID_SIZE
        topic, push_type, collapse_id, channel = self._terms[identifier & (1 << _TERMS_BITS) - 1]
        return {
            "apns_id": self._ids[begin : begin + _ID_SIZE].decode(),
            "topic": topic,
            "push_type": push_type,
            "collapse_id": collapse_id,
            "channel": channel,
        }

    def summary(self) -> dict[str, Any]:
        """The counts, ready for JSON. `complete` says whether everything accepted is recorded."""
        return {
            "frames": self.frames,
            "accepted": self.accepted,
            "distinct": self.distinct,
            "duplicates": len(self) - self.distinct,
            "rejected": {str(status): count for status, count in sorted(self.rejected.items())},
            "reasons": dict(sorted(self.reasons.items())),
            "discarded": self.discarded,
            "services": {name: counts.summary() for name, counts in sorted(self.services.items())},
            "recorded": len(self),
            "record_limit": self.limit,
            "complete": len(self) == self.accepted,
        }
