"""What the two transports of a client without a reactor have in common: AMP and HTTP, as one reads them.

A *call* is one command or request, encoded, with what reads its answer. A transport has *calls*, which makes
one of each kind, and *exchanges*, which carry them on a connection.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, TypeVar

from pushgate.client.byte_stream import ByteStream, Deadline
from pushgate.client.chunks import Chunk, Payload, Token
from pushgate.client.receipt import ReceiptPart
from pushgate.client.record import Record
from pushgate.client.send_test import SendTest
from pushgate.client.terms import BatchArguments, PushArguments
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.enrolment import Enrolled

MISSED: Final = "the connection was lost for a time; the outcomes of that time are missing"
"""What is said to a reader of outcomes whose gateway cannot know what it has missed."""

T_co = TypeVar("T_co", covariant=True)
DeadPage = tuple[list[DeadTokenEntry], str | None]
"""Dead tokens, and the last one as text if others follow."""
StatsPage = tuple[dict[str, Any], str | None]
"""A part of the statistics, and what the next part is asked for with, if there is one."""


class Call(Protocol[T_co]):
    """A command or request."""

    @property
    def read(self) -> Callable[[Any], T_co]:
        """Makes the result of its answer."""

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again when no answer came."""


class Exchange(Protocol):
    """One connection, on which one call is under way at a time; it carries those of its transport."""

    @property
    def is_usable(self) -> bool:
        """Whether another call may be sent."""

    def close(self) -> None:
        """Close at once."""

    async def start(self, deadline: Deadline) -> None:
        """Log in; raise `Forbidden` when that is refused."""

    async def ask(self, call: Any, deadline: Deadline) -> Any:
        """The result of a call; raise `PushgateError`, `Cut` or TimeoutError."""


class Feed(Protocol):
    """Outcomes as they happen, on one exchange after the other."""

    async def begin(self, exchange: Any, deadline: Deadline) -> None:
        """Subscribe; raise the gateway's refusal."""

    async def next(self, exchange: Any) -> Iterator[Record | str]:
        """The records that came next; a text says that some are missing. Raise `Cut` at the end."""

    def missed(self) -> str | None:
        """What is to be said after a connection was lost, and there is another."""


class Calls(Protocol):
    """Makes the calls of a transport. What they are for: `pushgate.client.operations`."""

    def exchange(self, stream: ByteStream) -> Exchange:
        """What carries them on a connection."""

    def push(
        self, app: str, token: Token | None, payload: Payload | None, key: str | None, terms: PushArguments
    ) -> Call[str]:
        """Send one notification; its id."""

    def push_chunk(
        self, app: str, chunk: Chunk, key: str | None, pace: str | None, terms: BatchArguments
    ) -> Call[ReceiptPart]:
        """Send the notifications of a chunk; what became of them."""

    def test_send(
        self,
        app: str,
        tokens: list[str] | None,
        payload: Payload | None,
        wait: float | None,
        key: str | None,
        terms: PushArguments,
    ) -> Call[SendTest]:
        """Send to a few devices; what became of each."""

    def status(self, number: str) -> Call[Record]:
        """What became of a notification."""

    def trace(self, number: str) -> Call[dict[str, Any]]:
        """The story of a notification."""

    def cancel(self, number: str) -> Call[bool]:
        """Withdraw a notification."""

    def flush(self, number: str) -> Call[int]:
        """Have proven what was written."""

    def stats(self, after: str) -> Call[StatsPage]:
        """How the gateway is doing, a part at a time."""

    def dead_tokens(self, app: str, after: str | None) -> Call[DeadPage]:
        """Dead tokens, a page at a time."""

    def enrol(
        self, app: str, token: Token, push_magic: str, keep_awake: bool, device: str | None
    ) -> Call[Enrolled]:
        """Report a managed device's ``TokenUpdate``."""

    def check_in(self, app: str, token: Token) -> Call[bool]:
        """Report that a managed device called."""

    def check_out(self, app: str, token: Token, push_magic: str | None) -> Call[bool]:
        """Report that a managed device left management."""

    def feed(self, app: str | None) -> Feed:
        """Outcomes as they happen."""
