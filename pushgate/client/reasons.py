"""Why there is no connection, in words."""

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.protocols.amp import TooLong
from twisted.python.failure import Failure

from pushgate.net.host_identity import NotForHost
from pushgate.net.tls_reasons import NOT_VERIFIED, tls_reasons


def is_untrusted(failure: Failure) -> bool:
    """Return True if the other side's certificate is not trusted: another attempt will end the same."""
    return failure.check(NotForHost) is not None or NOT_VERIFIED in tls_reasons(failure)


def reason(failure: Failure) -> str:
    """A failed or ended connection in one line, without the representation of any object."""
    if failure.check(NotForHost):
        return str(failure.value)
    if failure.check(SSL.Error):
        reasons = tls_reasons(failure)
        if NOT_VERIFIED in reasons:
            return "its certificate is not trusted: no known authority signed it, or its time is over"
        return f"TLS: {'; '.join(reasons) or 'no handshake'}"
    if failure.check(TooLong):
        return "its answer is not AMP"
    if failure.check(ConnectionDone):
        return "it closed the connection"
    if failure.check(ConnectionLost):
        return "the connection broke"
    return failure.getErrorMessage().partition("\n")[0].rstrip(".") or type(failure.value).__name__
