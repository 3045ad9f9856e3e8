"""Splitting a message into headers and parts, one level deep.

Headers are parsed by the standard library's `email` with the policy `compat32`, because the parser of the
newer policies recurses at each parenthesis and takes 30 ms for 2 kB of semicolons. The library's parser of
whole messages is not used: it descends into the mail in every MCMT message to any depth, and compares each
line with the boundaries of all levels.
"""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Final, NamedTuple

from pushgate.model.errors import Invalid, TooLarge

MAX_HEADER: Final = 1 << 15
"""Bytes of one block of headers at most."""
MAX_HEADERS: Final = 200
"""Headers of one block at most."""
MAX_VALUE: Final = 2000
"""Characters of a header's value at most, of those headers that are used."""
MAX_PARTS: Final = 16
"""Parts of one message at most."""
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class Block(NamedTuple):
    """Headers, and the body after the blank line behind them."""

    headers: Message
    body: bytes
    where: str

    def value(self, name: str) -> str | None:
        """Return the value of a header without white space around it, or None.

        :raises Invalid: there are several of them.
        :raises TooLarge: it has more than `MAX_VALUE` characters.
        """
        values = [str(each) for each in self.headers.get_all(name, ())]
        if len(values) > 1:
            raise Invalid(name, f"{len(values)} of them", "one at most")
        if values and len(values[0]) > MAX_VALUE:
            raise TooLarge(name, len(values[0]), MAX_VALUE, "characters")
        return values[0].strip() if values else None

    def media_type(self) -> str:
        """Return the media type in lower case; ``text/plain`` if it is missing or malformed.

        :raises Invalid: there are several.
        """
        self.value("Content-Type")
        return self.headers.get_content_type()

    def boundary(self) -> bytes:
        """Return the boundary of a multipart message.

        :raises Invalid: it is missing or malformed.
        """
        try:
            boundary = self.headers.get_boundary()
        except (TypeError, ValueError):  # raised by the standard library for invalid parameters of RFC 2231
            raise Invalid("boundary", "parameters that cannot be decoded", 'boundary="BOUNDARY"') from None
        if boundary is None or not _BOUNDARY.fullmatch(boundary):
            shape = "missing" if boundary is None else f"text of {len(boundary)} characters"
            raise Invalid("boundary", shape, "1 to 70 characters of those that RFC 2046 allows")
        return boundary.encode("ascii")


def read_block(data: bytes, where: str) -> Block:
    """Parse headers up to the first blank line.

    :param data: lines that end with CRLF.
    :param where: the name of the block in errors.
    :raises Invalid: a line before the blank one is not a header.
    :raises TooLarge: the headers are too long, or too many.
    """
    head, body = (b"", data[2:]) if data.startswith(b"\r\n") else _cut(data)
    if len(head) > MAX_HEADER:
        raise TooLarge(f"headers of {where}", len(head), MAX_HEADER)
    if head.count(b"\n") >= MAX_HEADERS:
        raise TooLarge(f"headers of {where}", head.count(b"\n") + 1, MAX_HEADERS, "lines")
    headers = BytesHeaderParser(policy=compat32).parsebytes(head)
    if headers.defects:
        raise Invalid(f"headers of {where}", "a line that is no header", "NAME: VALUE, then a blank line")
    return Block(headers, body, where)


def _cut(data: bytes) -> tuple[bytes, bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def parts_of(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Return the parts of the body of a multipart message, without their boundaries.

    :raises Invalid: the last boundary is missing.
    :raises TooLarge: there are more than `MAX_PARTS`.
    """
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r\n|\Z)")
    text, at, start, count = b"\r\n" + body, 0, None, 0
    while match := delimiter.search(text, at):
        if start is not None:
            yield text[start : match.start()]
        if match[1]:
            return
        count += 1
        if count > MAX_PARTS:
            raise TooLarge("parts", count, MAX_PARTS, "of them")
        start = match.end()
        at = start - 2  # the end of this line may begin the next boundary
    raise Invalid(
        "message", "without its last boundary", "the boundary with two dashes behind it, at the end"
    )
