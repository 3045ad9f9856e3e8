"""Commands and answers over a connection of AMP, one after the other."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec
from twisted.protocols.amp import AmpBox, Command

from pushgate.client.byte_stream import ByteStream, Cut, Deadline, receive, send
from pushgate.model.errors import Internal, PushgateError, TooLarge
from pushgate.model.printable import printable
from pushgate.protocols.amp.boxes import Box, BoxReader, Malformed, box_bytes
from pushgate.protocols.amp.commands import MAX_VALUE, Login, Outcomes

T = TypeVar("T")
_ASK: Final = b"_ask"


class AmpCall(msgspec.Struct, Generic[T], frozen=True):
    """A command.

    :param read: makes the result of its answer.
    :param is_repeatable: it may be sent again when no answer came.
    """

    command: type[Command]
    arguments: dict[str, Any]
    read: Callable[[dict[str, Any]], T]
    is_repeatable: bool


class AmpExchange:
    """One connection, on which one command is under way at a time.

    :param login: name and secret.
    """

    def __init__(self, stream: ByteStream, login: tuple[str, bytes] | None) -> None:
        self.stream = stream
        self._login = login
        self._boxes = BoxReader()
        self._number = 0
        self._calls: deque[Box] = deque()

    @property
    def is_usable(self) -> bool:
        """Whether another command may be sent."""
        return not self.stream.is_stale()

    def close(self) -> None:
        """Close at once."""
        self.stream.close()

    async def start(self, deadline: Deadline) -> None:
        """Log in; raise `Forbidden` when that is refused."""
        if self._login is not None:
            name, secret = self._login
            await self.ask(AmpCall(Login, {"name": name, "secret": secret}, bool, False), deadline)

    async def ask(self, call: AmpCall[T], deadline: Deadline) -> T:
        """The result of a command.

        :raises PushgateError: as the gateway answered.
        :raises Cut: the connection ended before the answer.
        :raises TimeoutError: the answer did not come in time.
        """
        self._number += 1
        tag = b"%x" % self._number
        await send(self.stream, _command_bytes(call, tag), deadline.left())
        while True:
            box = await self._next(deadline.left())
            if tag in (box.get(b"_answer"), box.get(b"_error")):
                return call.read(_answer(call.command, box))

    async def outcomes(self) -> bytes:
        """The records of the next call of `Outcomes`; the gateway gets an acknowledgement."""
        while not self._calls:
            await self._next(None)
        call = self._calls.popleft()
        answer = {b"_answer": call[_ASK], b"ok": b"True"}
        await send(self.stream, box_bytes(answer), 60.0)
        return call[b"outcomes"]

    async def _next(self, timeout: float | None) -> Box:
        """The next box that came; what the gateway calls is kept for `outcomes`."""
        try:
            while (box := self._boxes.next()) is None:
                self._boxes.feed(await receive(self.stream, timeout))
        except Malformed:
            raise Cut("it does not speak AMP") from None
        if box.get(b"_command") == Outcomes.commandName and {_ASK, b"outcomes"} <= box.keys():
            self._calls.append(box)
        return box


def _command_bytes(call: AmpCall[Any], tag: bytes) -> bytes:
    """A command on the wire; raise `TooLarge` when an argument fits into no value."""
    arguments: Box = call.command.makeArguments(call.arguments, None)
    for name, value in arguments.items():
        if len(value) > MAX_VALUE:
            raise TooLarge(name.decode(), len(value), MAX_VALUE)
    return box_bytes({_ASK: tag, b"_command": call.command.commandName, **arguments})


def _answer(command: type[Command], box: Box) -> dict[str, Any]:
    code = box.get(b"_error_code")
    if code is None:
        answer: dict[str, Any] = command.parseResponse(AmpBox(box), None)
        return answer
    text = box.get(b"_error_description", b"").decode("utf-8", "replace")
    make: Callable[[str], PushgateError] | None = command.reverseErrors.get(code)  # type: ignore[attr-defined] # made by AMP's metaclass
    if make is None:
        raise Internal(f"the gateway failed at {command.__name__}: {printable(text)}")
    raise make(text)
