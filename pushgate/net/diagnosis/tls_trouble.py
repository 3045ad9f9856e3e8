"""Why a TLS handshake did not come about, or a connection did not last: what a peer's alert means."""

from typing import Final

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.python.failure import Failure

from pushgate.model.finding import Finding, failure
from pushgate.model.printable import printable
from pushgate.net.proxy_endpoint import ProxyRefused
from pushgate.net.tls_reasons import NOT_VERIFIED, tls_reasons

_ALERTS: Final = (
    ("certificate revoked", "client-certificate-revoked",
     "the certificate was revoked, or it is of the other environment: Apple says both in this way",
     "compare environment with the certificate; ask the developer site whether it was revoked"),
    ("certificate expired", "client-certificate-expired", "the service takes the certificate for expired",
     "renew the certificate"),
    ("unknown ca", "client-certificate-issuer", "the service does not know who issued the certificate",
     "take a certificate that the service itself issued, with its chain"),
    ("certificate required", "client-certificate-required", "the service wants a client certificate",
     "set certificate to one of the service"),
    ("bad certificate", "client-certificate-refused", "the service does not accept the certificate",
     "take a certificate that the service itself issued, for this purpose"),
    ("certificate unknown", "client-certificate-refused", "the service does not accept the certificate",
     "take a certificate that the service itself issued, for this purpose"),
    ("unsupported certificate", "client-certificate-refused", "the service does not accept the certificate",
     "take a certificate that the service itself issued, for this purpose"),
    ("access denied", "client-certificate-refused", "the service does not accept the certificate",
     "take a certificate that the service itself issued, for this purpose"),
)  # fmt: skip
"""What the service's words are about: the check, what it means, what to do."""
_NOT_TLS: Final = ("wrong version number", "unknown protocol", "http request", "packet length too long",
                   "record layer failure", "bad record type")  # fmt: skip
TROUBLES: Final = (
    SSL.Error, VerificationError, TimedOut, ProxyRefused, OSError, error.ConnectError, error.ConnectionDone,
    error.ConnectionLost, error.ConnectionAborted,
)  # fmt: skip
"""What connecting over TLS may end with; anything else is a defect."""
_ENDS: Final = (error.ConnectionDone, error.ConnectionLost, error.ConnectionAborted)


_TROUBLES: Final = {
    "timeout": (
        "{where} accepts connections, but is silent in TLS for {seconds:g} s",
        "a firewall or proxy takes connections in place of the service, or the service is overloaded",
        "from this machine: openssl s_client -connect {where}",
    ),
    "closed": (
        "{where} closes connections before TLS is established",
        "a firewall or proxy lets nothing through, or a service blocks this address for connecting too often",
        "ask who runs the firewall; after many connections in a short time wait for an hour without any",
    ),
    "handshake": (
        "{where}: TLS failed: {words}",
        "the two sides found no way to speak TLS, or something between them interferes",
        "from this machine: openssl s_client -connect {where}",
    ),
}
"""What was found, what it means, what to do."""


def is_unverified(failed: Failure) -> bool:
    """Whether it was we who did not accept the server's certificate."""
    return bool(failed.check(VerificationError)) or any(NOT_VERIFIED in each for each in tls_reasons(failed))


def handshake_finding(
    failed: Failure, where: str, seconds: float, is_shown: bool, prefix: str = ""
) -> Finding:
    """Why there was no handshake with a server that accepts connections.

    :param where: host and port.
    :param seconds: that it had.
    :param is_shown: a client certificate was shown.
    """
    if failed.check(ProxyRefused):
        return failure(
            f"{prefix}proxy", printable(failed.getErrorMessage()), "the proxy opens no way to the service",
            "check proxy, and ask who runs it to allow CONNECT to " + where,
        )  # fmt: skip
    known = not_tls_finding(failed, where, prefix) or (is_shown and alert_finding(failed, where, prefix))
    if known:
        return known
    kind = "timeout" if failed.check(TimedOut) else "closed" if failed.check(*_ENDS) else "handshake"
    words = {"where": where, "seconds": seconds, "words": _words(failed)}
    what, meaning, advice = (text.format_map(words) for text in _TROUBLES[kind])
    return failure(f"{prefix}tls-{kind}", what, meaning, advice)


def alert_finding(failed: Failure, where: str, prefix: str = "") -> Finding | None:
    """What the service said in TLS when it ended a connection; None when it said nothing that is known.

    Under TLS 1.3 a client certificate is refused after the handshake.
    """
    if not failed.check(SSL.Error):
        return None
    said = " ".join(tls_reasons(failed)).lower()
    for words, check, meaning, advice in _ALERTS:
        if words in said:
            return failure(f"{prefix}{check}", f"{where} ends TLS with: {_words(failed)}", meaning, advice)
    return None


def not_tls_finding(failed: Failure, where: str, prefix: str = "") -> Finding | None:
    """That a server does not speak TLS; None when it does."""
    said = " ".join(tls_reasons(failed)).lower()
    if any(words in said for words in _NOT_TLS):
        return failure(
            f"{prefix}tls-not-spoken", f"{where} does not answer in TLS: {_words(failed)}",
            "something else listens there: another service, or a proxy that answers with a page of its own",
            "check host and port; open the address in a browser to see what answers",
        )  # fmt: skip
    return None


def _words(failed: Failure) -> str:
    return printable("; ".join(tls_reasons(failed)) or failed.getErrorMessage().partition("\n")[0])
