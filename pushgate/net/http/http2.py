"""HTTP/2 of a server or a client, on the best library that there is."""

from collections.abc import Callable
from functools import cache
from typing import cast

from pushgate.net.http.client_codec import ClientCodec, ClientLimits
from pushgate.net.http.codec import CodecLimits, HTTP2ServerCodec
from pushgate.net.http.http2_client_h2 import H2Client
from pushgate.net.http.http2_h2 import H2Codec


def http2_codec(limits: CodecLimits) -> HTTP2ServerCodec:
    """A server's codec for one connection: on ngh2 when it is installed, on h2 otherwise."""
    return _best()(limits)


def http2_client(limits: ClientLimits) -> ClientCodec:
    """A client's codec for one connection: on ngh2 when it is installed, on h2 otherwise."""
    return _best_client()(limits)


def lenient_codec(limits: CodecLimits, chosen: Callable[[HTTP2ServerCodec], None]) -> HTTP2ServerCodec:
    """As `http2_codec`, for peers that say ``https:`` where HTTP/2 has ``https``; ngh2 refuses these.

    :param chosen: called with another codec, which goes on in place of this one, once it is known.
    """
    try:
        from pushgate.net.http.http2_lenient import LenientStart
    except ImportError:
        return H2Codec(limits)
    return cast("HTTP2ServerCodec", LenientStart(limits, chosen))


@cache
def _best() -> Callable[[CodecLimits], HTTP2ServerCodec]:
    """The best codec. Cached: an import that fails searches every time."""
    try:
        from pushgate.net.http.http2_ngh2 import Ngh2Codec
    except ImportError:
        return H2Codec
    return Ngh2Codec


@cache
def _best_client() -> Callable[[ClientLimits], ClientCodec]:
    """The best client codec, as above."""
    try:
        from pushgate.net.http.http2_client_ngh2 import Ngh2Client
    except ImportError:
        return H2Client
    return Ngh2Client
