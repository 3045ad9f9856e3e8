"""The words of a circuit's causes: why a push service cannot be used; see docs/operating.md."""

from typing import Final

from pushgate.protocols.outcome_words.explanation import Explanation

_KEYS: Final = (
    "compare key_file, key_id and team_id, or the service's id and secret; the log has the service's words"
)
CAUSES: Final = {
    "certificate-expired": Explanation(
        "our certificate has expired", "renew the certificate; check the clock"
    ),
    "certificate-not-yet-valid": Explanation("our certificate is not valid yet", "check the clock"),
    "certificate-rejected": Explanation(
        "the push service does not take our certificate",
        "the right certificate, with its chain, for this service",
    ),
    "wrong-environment": Explanation(
        "certificate or tokens are of the other environment",
        "compare environment, host, certificate and tokens: sandbox or production",
    ),
    "wrong-topic": Explanation(
        "our certificate or key may not send to the app's topic",
        "the app's own certificate, or a key for the topic",
    ),
    "credential-rejected": Explanation("the push service does not take our credential", _KEYS),
    "clock-wrong": Explanation(
        "the push service calls our token too old, which was made just now", "set this machine's clock"
    ),
    "server-not-trusted": Explanation(
        "the push service's certificate is not to be trusted",
        "check trust and host; is the connection intercepted?",
    ),
    "not-http2": Explanation(
        "what answers there speaks no HTTP/2", "check host and port; is there a proxy in between?"
    ),
    "not-http": Explanation(
        "what answers there cannot be read", "check host and port; is there a proxy in between?"
    ),
    "name-not-resolved": Explanation(
        "the push service's name cannot be resolved", "check host, and this machine's resolver"
    ),
    "refused": Explanation(
        "nothing listens at the push service's address", "check host and port; is there a firewall?"
    ),
    "address-not-allowed": Explanation(
        "the target names a host whose address is not public",
        "refuse such targets, or name the host in allow_hosts",
    ),
    "timed-out": Explanation("there was no connection in time", "check the network and the firewall"),
    "handshake-failed": Explanation(
        "the TLS handshake failed", "the log has the reason; in a block, wait an hour"
    ),
    "closed-at-once": Explanation(
        "the push service closes connections as soon as they are up",
        "is the certificate of this app and environment? Is the gateway blocked?",
    ),
    "suspected-block": Explanation(
        "the push service turns us away, and so is left alone for an hour",
        "find the reason by other means than connecting: certificate, environment, a second gateway",
    ),
    "shutdown": Explanation("the push service is shutting down", "wait"),
    "service-error": Explanation("the push service has errors of its own", "wait; ask its operator"),
    "token-service": Explanation(
        "the service that issues access tokens is of no use", "the log has host and reason"
    ),
    "network": Explanation("the network or the proxy failed", "the log has the reason"),
}
"""Every cause."""
