"""Why there is no connection, in words."""

from typing import Final

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from pushgate.net.host_identity import NotForHost

_UNVERIFIED: Final = "certificate verify failed"
"""OpenSSL's words for a certificate that no trusted authority has signed, or that is out of date."""


def is_untrusted(failure: Failure) -> bool:
    """Return True if the other side's certificate is not trusted: another attempt will end the same."""
    return failure.check(NotForHost) is not None or _UNVERIFIED in _tls_reasons(failure)


def reason(failure: Failure) -> str:
    """A failed or ended connection in one line, without the representation of any object."""
    if failure.check(NotForHost):
        return str(failure.value)
    if failure.check(SSL.Error):
        reasons = _tls_reasons(failure)
        if _UNVERIFIED in reasons:
            return "its certificate is not trusted: no known authority signed it, or its time is over"
        return f"TLS: {'; '.join(reasons) or 'no handshake'}"
    if failure.check(ConnectionDone):
        return "it closed the connection"
    if failure.check(ConnectionLost):
        return "the connection broke"
    return failure.getErrorMessage().partition("\n")[0].rstrip(".") or type(failure.value).__name__


def _tls_reasons(failure: Failure) -> list[str]:
    """OpenSSL's own texts: an SSL.Error holds tuples of library, function and reason."""
    if failure.check(SSL.Error) is None or failure.value is None:
        return []
    entries = failure.value.args[0] if failure.value.args else ()
    return [entry[-1] for entry in entries if isinstance(entry, tuple)] if isinstance(entries, list) else []
