"""One message on its way in."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.mail.interfaces import IMessageSMTP
from zope.interface import implementer

from pushgate.inputs.smtp.replies import Reply, refusal_reply
from pushgate.model.errors import Invalid, Refusal, TooLarge


@implementer(IMessageSMTP)
class IncomingMessage:
    """Collects the lines of a message; of one that is refused already it keeps none.

    :param limit: bytes of it at most.
    :param reserve: takes room for bytes, raising `Overloaded`; below zero it gives them back.
    :param submit: is given the whole message; fires with the reply to it.
    """

    def __init__(
        self, limit: int, reserve: Callable[[int], None], submit: Callable[[bytes], Deferred[Reply]]
    ) -> None:
        self._limit, self._reserve, self._submit = limit, reserve, submit
        self._data = bytearray()
        self._reserved = 0
        self._size = 0
        self._refusal: Refusal | None = None

    def lineReceived(self, line: bytes) -> None:
        self._size += len(line) + 2
        if self._size > self._limit:
            self.refuse(TooLarge("message", self._size, self._limit))
            return
        if self._refusal is None:
            self._keep(line)

    def _keep(self, line: bytes) -> None:
        try:
            self._reserve(len(line) + 2)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        self._reserved += len(line) + 2
        self._data += line
        self._data += b"\r\n"

    def line_too_long(self, limit: int) -> None:
        """Note that a line was longer than is read."""
        self.refuse(Invalid("message", "a line that is too long", f"at most {limit} bytes; Base64 has lines"))

    def refuse(self, refusal: Refusal) -> None:
        """Take nothing more of it; the first reason is its reply."""
        if self._refusal is None:
            self._refusal = refusal
            self.connectionLost()

    def eomReceived(self) -> Deferred[Reply]:
        """The message is complete."""
        if self._refusal is not None:
            return succeed(refusal_reply(self._refusal))
        data = bytes(self._data)
        self.connectionLost()
        return self._submit(data)

    def connectionLost(self) -> None:
        """Forget it."""
        self._data.clear()
        self._reserve(-self._reserved)
        self._reserved = 0


@implementer(IMessageSMTP)
class SameMessage:
    """Stands in for a message at each recipient but the first: all of them are for one app."""

    def lineReceived(self, line: bytes) -> None:
        """The first recipient's has it."""

    def eomReceived(self) -> Deferred[None]:
        """The first recipient's is answered."""
        return succeed(None)

    def connectionLost(self) -> None:
        """Free nothing."""
