"""A message that is being received."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.mail.interfaces import IMessageSMTP
from zope.interface import implementer

from pushgate.inputs.smtp.replies import Reply, refusal_reply
from pushgate.model.errors import Invalid, Refusal, TooLarge


@implementer(IMessageSMTP)
class IncomingMessage:
    """Collects the lines of a message. After a refusal it drops them.

    :param limit: the largest size in bytes.
    :param reserve: reserves memory for bytes, raising `Overloaded`; a negative number releases it.
    :param submit: submits the complete message; its Deferred fires with the reply.
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
        """Refuse the message because of a line that is too long."""
        self.refuse(Invalid("message", "a line that is too long", f"at most {limit} bytes; Base64 has lines"))

    def refuse(self, refusal: Refusal) -> None:
        """Refuse the message and drop it; the first refusal is the reply."""
        if self._refusal is None:
            self._refusal = refusal
            self.connectionLost()

    def eomReceived(self) -> Deferred[Reply]:
        """Submit the complete message, or return the refusal as its reply."""
        if self._refusal is not None:
            return succeed(refusal_reply(self._refusal))
        data = bytes(self._data)
        self.connectionLost()
        return self._submit(data)

    def connectionLost(self) -> None:
        """Drop the message, and release its memory."""
        self._data.clear()
        self._reserve(-self._reserved)
        self._reserved = 0


@implementer(IMessageSMTP)
class SameMessage:
    """The message of each further recipient. It does nothing: all recipients share one message."""

    def lineReceived(self, line: bytes) -> None:
        """Do nothing."""

    def eomReceived(self) -> Deferred[None]:
        """Return None, which is no reply."""
        return succeed(None)

    def connectionLost(self) -> None:
        """Do nothing."""
