"""HTTP/2 of a server or a client, on the best library that there is."""

from collections.abc import Callable
from functools import cache

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
