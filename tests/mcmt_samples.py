"""MCMT messages as Momentum's documentation shows them."""

from tests.samples import TOKEN

HEX = TOKEN.hex()
PAYLOAD = '{"aps":{"alert":"Hi"}}'


def mcmt(
    token: str | None = HEX, payload: str = PAYLOAD, *, inner: str = "", message_id: str = "", more: str = ""
) -> str:
    """A message, its lines ending with LF.

    :param token: None for a message that names no device.
    :param inner: more headers of the part for Apple.
    :param message_id: of the e-mail; "" for none.
    :param more: further parts, each with its boundary.
    """
    named = f"X-Device-Token: {token}\n" if token is not None else ""
    identified = f"Message-ID: {message_id}\n" if message_id else ""
    return f"""\
From: news@example.com
To: user1@apn_example.com
Subject: sample
{identified}MIME-Version: 1.0
Content-Type: multipart/vnd.msys.mcmt; boundary=MCMT_BOUNDARY

--MCMT_BOUNDARY
Content-Type: message/rfc822

From: news@example.com
Subject: sample

mail version
{more}--MCMT_BOUNDARY
Content-Type: message/vnd.msys.apn

{named}{inner}
{payload}
--MCMT_BOUNDARY--
"""


def wire(message: str) -> bytes:
    """A message as it goes on the wire."""
    return message.replace("\n", "\r\n").encode()
