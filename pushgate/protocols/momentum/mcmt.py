"""The MCMT message: an e-mail with a part for a push service.

Its type is ``multipart/vnd.msys.mcmt``. It has a part ``message/rfc822``, the mail, and a part
``message/vnd.msys.apn``, which has, after a blank line, headers with the device token and then the payload.
Parts for SMS, MMS and GCM are allowed; they are ignored, as the mail is.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from typing import Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.protocols.momentum.mime_parts import Block, parts_of, read_block

MCMT: Final = "multipart/vnd.msys.mcmt"
MAIL: Final = "message/rfc822"
APN: Final = "message/vnd.msys.apn"
TOKEN: Final = "X-Device-Token"  # noqa: S105 - a header's name
_ENCODING: Final = "Content-Transfer-Encoding"
_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class McmtMessage(msgspec.Struct, frozen=True):
    """The content of a message for the push service.

    :param token: the text of the device token; None if the message has none.
    :param payload: the payload, which is not validated.
    :param message_id: the Message-ID of the e-mail, or "".
    """

    token: str | None
    payload: bytes
    message_id: str = ""


def read_mcmt(data: bytes) -> McmtMessage:
    """Parse a message.

    :param data: the whole message; its lines end with CRLF.
    :raises Invalid, TooLarge: it is not a valid MCMT message; the text names the header or part and the rule.
    """
    if bare := _BARE.search(data):
        raise Invalid("message", f"CR or LF alone at byte {bare.start()}", "lines end with CRLF")
    message = read_block(data, "the message")
    if message.media_type() != MCMT:
        raise Invalid("Content-Type", "another media type", f"{MCMT}: nothing else is taken here")
    parts = [read_block(part, "a part") for part in parts_of(message.body, message.boundary())]
    _only(parts, MAIL)
    token, payload = _read_push(_only(parts, APN))
    return McmtMessage(token, payload, message.value("Message-ID") or "")


def _only(parts: list[Block], media_type: str) -> Block:
    """Return the only part of this type."""
    found = [part for part in parts if part.media_type() == media_type]
    if len(found) != 1:
        shape = f"{len(found)} parts" if found else "missing"
        raise Invalid(media_type, shape, f"a message of {MCMT} has one such part")
    return found[0]


def _read_push(part: Block) -> tuple[str | None, bytes]:
    if part.value(TOKEN) is not None:
        raise Invalid(
            TOKEN, "among the headers of the part", "it stands behind a blank line, with the payload"
        )
    if (part.value(_ENCODING) or "7bit").lower() not in {"7bit", "8bit", "binary"}:
        raise Invalid(_ENCODING, "an encoding of the whole part", f"it stands with {TOKEN}")
    push = read_block(part.body, APN)
    return push.value(TOKEN), _payload(push)


def _payload(push: Block) -> bytes:
    """Return the decoded payload."""
    encoding, body = (push.value(_ENCODING) or "7bit").lower(), push.body.strip()
    if encoding == "7bit" and not body.isascii():
        raise Invalid(_ENCODING, "7bit, with bytes that are not ASCII", "8bit or base64 for those")
    if encoding in {"7bit", "8bit"}:
        return body
    if encoding != "base64":
        raise Invalid(_ENCODING, "not a known word", "7bit, 8bit or base64")
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except NotBase64:
        raise Invalid(
            "payload", f"{len(body)} bytes", "Base64, as its Content-Transfer-Encoding says"
        ) from None
