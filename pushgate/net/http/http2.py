"""HTTP/2 of a server, on the best library that there is."""

from collections.abc import Callable
from functools import cache

from pushgate.net.http.codec import CodecLimits, HTTP2ServerCodec
from pushgate.net.http.http2_h2 import H2Codec


def http2_codec(limits: CodecLimits) -> HTTP2ServerCodec:
    """A codec for one connection: on ngh2 when it is installed, on h2 otherwise."""
    return _best()(limits)


@cache
def _best() -> Callable[[CodecLimits], HTTP2ServerCodec]:
    """The best codec. Cached: an import that fails searches every time."""
    try:
        from pushgate.net.http.http2_ngh2 import Ngh2Codec
    except ImportError:
        return H2Codec
    return Ngh2Codec
