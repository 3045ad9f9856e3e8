"""Replies to commands and messages, with the codes of SMTP (RFC 5321, RFC 3463)."""

from typing import Final, NamedTuple

from pushgate.model.errors import NotLoggedIn, PushgateError, Refusal
from pushgate.model.printable import printable

MAX_TEXT: Final = 400
"""Characters of a reply's text at most; a reply line has 512 bytes (RFC 5321, section 4.5.3.1.5)."""
_BY_KIND: Final[dict[type[PushgateError], tuple[int, str]]] = {NotLoggedIn: (530, "5.7.0")}
_BY_CODE: Final = {
    "UNKNOWN_APP": (550, "5.1.2"),
    "INVALID": (554, "5.6.0"),
    "TOO_LARGE": (552, "5.3.4"),
    "OVERLOADED": (452, "4.3.1"),
    "SHUTTING_DOWN": (421, "4.3.2"),
    "FORBIDDEN": (550, "5.7.1"),
    "CONFLICT": (554, "5.6.0"),
    "NOT_FOUND": (554, "5.0.0"),
    "SERVICE_FAILED": (451, "4.4.0"),
}
_FAILED: Final = (451, "4.3.0")


class Reply(NamedTuple):
    """One reply.

    :param text: the text, after the enhanced status code if the reply has one.
    """

    code: int
    text: bytes


def reply(code: int, status: str, text: str) -> Reply:
    """Make a reply of one ASCII line."""
    shown = printable(" ".join(text.split()), MAX_TEXT)
    return Reply(code, f"{status} {shown}".encode("ascii", "backslashreplace")[: MAX_TEXT + 80])


def refusal_reply(error: PushgateError) -> Reply:
    """Make the reply to a refusal or a failure (`Internal`)."""
    code, status = _BY_KIND.get(type(error)) or (
        _BY_CODE[error.code] if isinstance(error, Refusal) else _FAILED
    )
    return reply(code, status, str(error))
