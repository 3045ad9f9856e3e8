"""The causes of circuits in a line each, for people at a terminal; docs/operating.md has more of each."""

from typing import Final, NamedTuple


class Words(NamedTuple):
    """What a cause means, and what to do about it."""

    meaning: str
    advice: str


CAUSES: Final[dict[str, Words]] = {
    "certificate-expired": Words("our certificate has expired", "renew it; check this machine's clock"),
    "certificate-not-yet-valid": Words("our certificate is not valid yet", "check the clock; else wait"),
    "certificate-rejected": Words(
        "the service does not take our certificate",
        "is it the right one for this service, with its chain?",
    ),
    "wrong-environment": Words(
        "the certificate, or the tokens, are of the other environment",
        "compare environment, host and certificate: sandbox or production?",
    ),
    "wrong-topic": Words(
        "the credential is not for the app's topic",
        "use the app's own certificate, or a key that may send to it",
    ),
    "credential-rejected": Words(
        "the service refuses the app's key, id, secret or account",
        "do the key and the ids belong together? was it revoked? the log has the service's words",
    ),
    "clock-wrong": Words("this machine's clock is wrong", "set it"),
    "server-not-trusted": Words(
        "the service's certificate is not signed by a trusted authority, or is for another name",
        "check trust and host; if both are right, the connection is intercepted",
    ),
    "not-http2": Words("what answers there speaks no HTTP/2", "a proxy in between? the wrong port?"),
    "not-http": Words("what answers there cannot be read", "a proxy in between? the wrong port?"),
    "name-not-resolved": Words("DNS has no such host, or does not answer", "check host and the resolver"),
    "refused": Words("nothing listens there", "check host and port; is the service up? a firewall?"),
    "address-not-allowed": Words(
        "the host of a subscription has an address that is not public",
        "refuse such subscriptions, or name the host in allow_hosts",
    ),
    "timed-out": Words("no connection and handshake in time", "check the network and the firewall"),
    "handshake-failed": Words(
        "TLS failed, or the service dropped the connection, as in a block",
        "the log has OpenSSL's message; a block ends after an hour without attempts",
    ),
    "closed-at-once": Words(
        "the service closes connections before they prove useful",
        "certificate of another app or environment? a block? a proxy?",
    ),
    "suspected-block": Words(
        "the service turned away attempt after attempt: none is made for an hour",
        "find the reason by other means than connecting, then wait",
    ),
    "shutdown": Words("the service is shutting down", "wait"),
    "service-error": Words("the service answers with errors of its own", "wait; ask its operator"),
    "token-service": Words(
        "the service that issues access tokens cannot be used", "the log has its host and the reason"
    ),
    "network": Words("another error of the network, or of the app's proxy", "the log has the reason"),
}
"""By the cause."""
_UNKNOWN: Final = Words("a cause that this version does not know", "the gateway's log has the reason")


def words(cause: str) -> Words:
    """What a cause means; a gateway of another version may have others."""
    return CAUSES.get(cause, _UNKNOWN)
