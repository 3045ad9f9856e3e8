"""A notification that the push service accepted: as it came over HTTP/2, and as it is on record."""

import msgspec


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that came over HTTP/2. None stands for a header that was not there.

    :param token: empty for a broadcast.
    :param apns_id: of the request, or the one that it was given.
    :param topic: as it counts: a certificate may have named it.
    :param channel: in base64, of a broadcast.
    """

    token: bytes
    payload: bytes
    apns_id: str
    topic: str | None = None
    push_type: str | None = None
    priority: int | None = None
    expiration: int | None = None
    collapse_id: str | None = None
    channel: str | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """One notification as it was accepted.

    :param index: its place among all that were recorded, from 0.
    :param protocol: ``binary`` or ``http2``; of the services other than Apple's ``http1`` too.
    :param connection: the nth accepted by the service of that protocol, from 1.
    :param command: of the binary protocol, None over HTTP/2, as is `identifier`.
    :param apns_id: of HTTP/2, None on the binary stream, as are all others that `Push` has.
    :param service: ``apns``, or the other service, whose records have what `Delivery` has; None at Apple's.
    :param payload: None when too many different ones came to keep them all.
    :param payload_sha256: in hex.
    :param at: Unix seconds.
    """

    index: int
    protocol: str
    connection: int
    command: int | None
    token: bytes
    identifier: int | None
    expiration: int | None
    priority: int | None
    payload: bytes | None
    payload_sha256: str
    at: float
    apns_id: str | None = None
    topic: str | None = None
    push_type: str | None = None
    collapse_id: str | None = None
    channel: str | None = None
    service: str = "apns"
    handle: str | None = None
    id: str | None = None
    headers: dict[str, str] | None = None
