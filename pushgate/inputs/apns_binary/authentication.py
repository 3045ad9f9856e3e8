"""Authentication of clients: the app whose notifications they bring, and their permissions."""

from typing import Any

from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509

from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.model.errors import Forbidden, NotLoggedIn, UnknownApp
from pushgate.model.principals import Operation, Principal
from pushgate.net.tls import peer_subject
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class Provider:
    """An authenticated client.

    :ivar app: the one whose notifications it brings.
    """

    def __init__(self, app: str, principal: Principal | None) -> None:
        self.app, self._principal = app, principal
        self._paid = 0

    def check(self, operation: Operation) -> None:
        """Raise `Forbidden` unless the operation is still allowed."""
        if self._principal is not None:
            self._principal.check(operation, self.app)

    def charge(self, count: int, now: float) -> None:
        """Take `count` notifications, each submitted by itself, from its quota.

        When that raises `TooFast`, the same call later continues where this one stopped.
        """
        if self._principal is None:
            return
        while self._paid < count:
            self._principal.charge(1, now)
            self._paid += 1
        self._paid = 0


class ProviderAuthentication:
    """Authenticates clients by their certificates.

    A client with a certificate that the input's own table names may push for that app; the limits of a
    principal with that certificate apply too. With a fixed app, the principals decide.

    :param trusting: see `Listener`.
    """

    def __init__(self, config: ApnsTable, trusting: bool, gateway: IGateway, context: Context) -> None:
        self._config, self._trusting, self._gateway = config, trusting, gateway
        self._principals = context.principals

    def authenticate(self, transport: Any, operation: Operation) -> Provider:
        """Return the client at the other end, once the handshake is done.

        :raises Forbidden: the client may not do this, or its app is not known.
        :raises UnknownApp: the app is not configured.
        """
        table = self._config.certificates
        named = next((table[name] for name in _names(transport) if name in table), None)
        app = self._config.app if named is None else named
        if app is None:
            raise Forbidden("certificate: its common name and user id are not in certificates")
        if not self._gateway.has_app(app):
            raise UnknownApp(app)
        provider = Provider(app, self._principal(transport, named is not None))
        provider.check(operation)
        return provider

    def _principal(self, transport: Any, known: bool) -> Principal | None:
        """The principal whose limits apply, None when there is none.

        :param known: the input's own table names the certificate.
        """
        subject = peer_subject(transport)
        if subject is not None:
            try:
                return self._principals.certified(subject)
            except NotLoggedIn:
                pass
        if known:
            return None
        anonymous = self._principals.anonymous if self._trusting else None
        if anonymous is None:
            raise NotLoggedIn("certificate: its subject is not that of a principal")
        return anonymous


def _names(transport: Any) -> list[str]:
    """The common names and user ids of the certificate that a peer has proven to hold."""
    ask = getattr(transport, "getPeerCertificate", None)
    certificate: X509 | None = None if ask is None else ask()
    if certificate is None:
        return []
    subject = certificate.to_cryptography().subject
    attributes = [
        *subject.get_attributes_for_oid(NameOID.COMMON_NAME),
        *subject.get_attributes_for_oid(NameOID.USER_ID),
    ]
    return [str(attribute.value) for attribute in attributes]
