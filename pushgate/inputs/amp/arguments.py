"""Reading a command's arguments out of a box."""

from typing import Any, Final

from twisted.protocols.amp import Argument, Boolean, Command, Float, Integer, Unicode

from pushgate.model.errors import Invalid
from pushgate.protocols.amp.boxes import Box

_RULES: Final[dict[type[Argument], str]] = {
    Boolean: "True or False",
    Float: "a number",
    Integer: "a whole number in decimal digits",
    Unicode: "UTF-8 text",
}


class ArgumentReader:
    """The arguments of one command.

    AMP's own parser takes a bad argument for a bug of the responder, and drops the connection.
    """

    def __init__(self, command: type[Command]) -> None:
        self._arguments = [(key, key.decode(), argument) for key, argument in command.arguments]
        self._keys = {key for key, _ in command.arguments}

    def read(self, box: Box) -> dict[str, Any]:
        """Every argument by name, None for an optional one that is not there.

        :raises Invalid: naming the argument that is missing, not of its type, or not known.
        """
        values: dict[str, Any] = {}
        for key, name, argument in self._arguments:
            value = box.get(key)
            if value is not None:
                values[name] = _parsed(name, argument, value)
            elif argument.optional:
                values[name] = None
            else:
                raise Invalid(name, "missing", "it is required")
        for key in box:
            if key not in self._keys and not key.startswith(b"_"):
                name = key[:40].decode("ascii", "backslashreplace")
                raise Invalid(name, "no argument of this command", f"it takes {', '.join(values) or 'none'}")
        return values


def _parsed(name: str, argument: Argument, value: bytes) -> Any:
    try:
        return argument.fromString(value)
    except (ValueError, TypeError):
        raise Invalid(name, f"{len(value)} bytes", _RULES[type(argument)]) from None
