"""What a certificate of Apple's is for: topics and environments, compared with the configuration."""

from collections.abc import Iterable
from typing import Final

from cryptography import x509

from pushgate.model.printable import printable
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.identity import check_dates
from pushgate.protocols.apns_http2.certificate_grants import grants

_RENEW: Final = (
    "make another one at Apple's developer site: Certificates, Identifiers & Profiles; a reload takes it up"
)


def check_apple_certificate(
    checks: FileChecks, leaf: x509.Certificate, environment: str, topics: Iterable[str]
) -> None:
    """Dates, environment and topics.

    :param environment: of the app.
    :param topics: the app needs one of these; none: any will do.
    """
    check_dates(checks, leaf, _RENEW)
    found, wanted = grants(leaf), set(topics)
    names = ", ".join(map(printable, sorted(found.topics))) or "any that the service has for it"
    if found.environments and environment not in found.environments:
        checks.fail(
            "certificate-environment",
            f"the certificate is for {' and '.join(found.environments)}, and the app for {environment}",
            "Apple refuses it; tokens of the other environment count as invalid, too",
            f"take a certificate for {environment}, or set environment",
        )
    else:
        said = " and ".join(found.environments) or "does not say; the service knows"
        checks.well("certificate-environment", f"environment: {said}")
    if wanted and found.topics and wanted.isdisjoint(found.topics):
        checks.fail(
            "certificate-topics",
            f"the certificate is for {names}, and topic is {min(wanted, key=len)}",
            "nothing can be sent to that app with it",
            "take the certificate of that app, or correct topic",
        )
    else:
        checks.well("certificate-topics", f"topics: {names}")
