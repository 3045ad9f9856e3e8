"""The head of a request in HTTP/2: the rules of RFC 9113 section 8, for every library the same."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from pushgate.net.http.codec import Header, RequestHead

_PSEUDO: Final = frozenset({b":method", b":scheme", b":path", b":authority"})
_NEEDED: Final = frozenset({b":method", b":scheme", b":path"})
_FORBIDDEN: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
"""Headers of the connection, which HTTP/2 has not."""
_ALNUM: Final = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_METHOD: Final = _ALNUM + b"!#$%&'*+-.^_`|~"
_NAME: Final = bytes(set(_METHOD) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
_TARGET: Final = bytes(range(0x21, 0x7F))
_AUTHORITY: Final = _ALNUM + b"-._~!$&'()*+,;=:%[]"
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {0x09})
_LENGTH: Final = re.compile(rb"[0-9]{1,18}").fullmatch


class Malformed(Exception):
    """A request breaks a rule, so that its stream is reset."""


def size_of(fields: Iterable[Header]) -> int:
    """Bytes of a head: names and values."""
    return sum(map(len, chain.from_iterable(fields)))


def request_head(stream: int, fields: Sequence[Header], end: bool) -> RequestHead:
    """The head of a request out of its fields.

    :param fields: as they came, pseudo headers included.
    :param end: no body follows.
    :raises Malformed: they break a rule.
    """
    pseudo, headers = _parted(fields)
    names = check_fields(headers)
    method, target = pseudo[b":method"], pseudo[b":path"]
    if not _only(_METHOD, method) or method == b"CONNECT":
        raise Malformed
    if target[:1] != b"/" and (method, target) != (b"OPTIONS", b"*"):
        raise Malformed
    if not _only(_TARGET, target):
        raise Malformed
    if names.count(b"host") > 1 or names.count(b"content-length") > 1:
        raise Malformed
    found = dict(headers)
    host = _host(pseudo.get(b":authority"), found.get(b"host"))
    length = _length(found.get(b"content-length"), end)
    if b"host" not in found:
        headers.insert(0, (b"host", host))
    if names.count(b"cookie") > 1:
        headers = _with_one_cookie(headers)
    waits = not end and found.get(b"expect", b"").lower() == b"100-continue"
    return RequestHead(stream, method, target, tuple(headers), length, waits)


def check_fields(headers: Sequence[Header]) -> list[bytes]:
    """Check headers that are no pseudo headers: those of a request, or trailers.

    :returns: their names.
    :raises Malformed: one must not be in HTTP/2.
    """
    names = [name for name, _ in headers]
    if b"" in names or b"".join(names).translate(None, _NAME) or not _FORBIDDEN.isdisjoint(names):
        raise Malformed
    values = [value for _, value in headers]
    if b"".join(values).translate(None, _CONTROLS) != b"".join(values):
        raise Malformed
    if values != [value.strip(b" \t") for value in values]:
        raise Malformed
    if b"te" in names and any(name == b"te" and value.lower() != b"trailers" for name, value in headers):
        raise Malformed
    return names


def _only(permitted: bytes, value: bytes) -> bool:
    """Whether a value has bytes, and only these: many times faster than a regular expression."""
    return bool(value) and not value.translate(None, permitted)


def _parted(fields: Sequence[Header]) -> tuple[dict[bytes, bytes], list[Header]]:
    """Pseudo headers, and the others, among which is a pseudo header that is late.

    :raises Malformed: a pseudo header is unknown, missing or there twice.
    """
    count = 0
    while count < len(fields) and fields[count][0][:1] == b":":
        count += 1
    pseudo = dict(fields[:count])
    if len(pseudo) < count or not _NEEDED <= pseudo.keys() <= _PSEUDO:
        raise Malformed
    return pseudo, [(name, value) for name, value in fields[count:]]


def _with_one_cookie(headers: list[Header]) -> list[Header]:
    """The headers with the cookies, which come in pieces, as one."""
    cookies = [value for name, value in headers if name == b"cookie"]
    return [*(each for each in headers if each[0] != b"cookie"), (b"cookie", b"; ".join(cookies))]


def _host(authority: bytes | None, host: bytes | None) -> bytes:
    """What the request is for.

    :raises Malformed: it does not say, or says two things.
    """
    if authority is not None and host is not None and authority.lower() != host.lower():
        raise Malformed
    found = host if authority is None else authority
    if found is None or not _only(_AUTHORITY, found):
        raise Malformed
    return found


def _length(value: bytes | None, end: bool) -> int | None:
    """Bytes of the body, None when that is not known.

    :raises Malformed: the header is no number, or the request ends before them.
    """
    if value is not None and not _LENGTH(value):
        raise Malformed
    length = None if value is None else int(value)
    if end:
        if length:
            raise Malformed
        return 0
    return length
