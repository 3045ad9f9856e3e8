"""The client's codec of a connection, by what ALPN (RFC 7301) agreed on."""

from typing import Final

from pushgate.net.http.client_codec import ClientCodec, ClientLimits
from pushgate.net.http.http1_client import HTTP1Client
from pushgate.net.http.http2 import http2_client

HTTP2: Final = b"h2"
HTTP1: Final = b"http/1.1"


def http_client(limits: ClientLimits, protocol: bytes | None) -> ClientCodec:
    """A client's codec for one connection: for HTTP/2 when that was agreed on, for HTTP/1.1 otherwise.

    :param protocol: what was agreed on, None when nothing was.
    """
    return http2_client(limits) if protocol == HTTP2 else HTTP1Client(limits)
