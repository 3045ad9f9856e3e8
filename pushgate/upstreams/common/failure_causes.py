"""The cause of a failed connection, for operators."""

from typing import Final

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer, error
from twisted.python.failure import Failure

from pushgate.model.printable import printable
from pushgate.net.guarded_endpoint import AddressRefused
from pushgate.net.proxy_endpoint import ProxyRefused
from pushgate.net.tls_reasons import NOT_VERIFIED, tls_reasons
from pushgate.upstreams.common.circuit_breaker import Cause

_ALERTS: Final = (
    ("certificate expired", Cause.CERTIFICATE_EXPIRED),
    # TN2265 shows this alert for a certificate of the other environment.
    ("certificate revoked", Cause.WRONG_ENVIRONMENT),
    (NOT_VERIFIED, Cause.SERVER_NOT_TRUSTED),
    ("unknown ca", Cause.CERTIFICATE_REJECTED),
    ("bad certificate", Cause.CERTIFICATE_REJECTED),
    ("certificate required", Cause.CERTIFICATE_REJECTED),
    ("certificate unknown", Cause.CERTIFICATE_REJECTED),
    ("unsupported certificate", Cause.CERTIFICATE_REJECTED),
    ("access denied", Cause.CERTIFICATE_REJECTED),
)
_KINDS: Final = (
    ((error.DNSLookupError, error.UnknownHostError), Cause.NAME_NOT_RESOLVED),
    ((error.ConnectionRefusedError,), Cause.REFUSED),
    ((error.TCPTimedOutError, error.TimeoutError, defer.TimeoutError), Cause.TIMED_OUT),
    ((VerificationError,), Cause.SERVER_NOT_TRUSTED),
    ((AddressRefused,), Cause.ADDRESS_NOT_ALLOWED),
)
_OF_THE_NETWORK: Final = (error.ConnectError, OSError, ProxyRefused)
"""A proxy, too: it does not turn us away on behalf of the service, which has not seen us."""

REJECTIONS: Final = frozenset(
    {Cause.CERTIFICATE_EXPIRED, Cause.WRONG_ENVIRONMENT, Cause.CERTIFICATE_REJECTED}
)
"""The service refused our certificate. Under TLS 1.3 its alert comes after our side of the handshake is done,
and after the first frames went out: it never looked at them."""


def of_attempt(failure: Failure) -> Cause:
    """Return the cause of a failed attempt to connect."""
    tls = _of_tls(failure)
    if tls:
        return tls
    for kinds, cause in _KINDS:
        if failure.check(*kinds):
            return cause
    return Cause.NETWORK if failure.check(*_OF_THE_NETWORK) else Cause.HANDSHAKE_FAILED


def of_loss(failure: Failure) -> Cause | None:
    """Return the cause of the loss of an established connection, None when TLS gave none."""
    return Cause.SERVER_NOT_TRUSTED if failure.check(VerificationError) else _of_tls(failure)


def text(failure: Failure) -> str:
    """Return a short text of the failure, for the log."""
    if failure.check(SSL.Error):
        return printable("TLS: " + ("; ".join(tls_reasons(failure)) or "error"))
    if failure.check(defer.TimeoutError):
        return "not connected in time, with name, TCP and TLS"
    return printable(failure.getErrorMessage().partition("\n")[0].rstrip("."))


def _of_tls(failure: Failure) -> Cause | None:
    if not failure.check(SSL.Error):
        return None
    reasons = " ".join(tls_reasons(failure)).lower()
    return next((cause for alert, cause in _ALERTS if alert in reasons), Cause.HANDSHAKE_FAILED)
