"""The state that the connections of one SMTP input share."""

from collections import Counter
from typing import Any

from twisted.internet.interfaces import IAddress, IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Protocol

from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.momentum import Recipients
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.smtp.settings import SmtpTable
from pushgate.model.errors import Overloaded
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class SmtpServices(ConversationServer):
    """See `ConversationServer`.

    :ivar recipients: finds the apps of recipients.
    :ivar starttls: creates TLS connections; None if STARTTLS is not offered.
    :ivar trusting: whether logins and messages are allowed without TLS.
    """

    config: SmtpTable

    def __init__(
        self,
        name: str,
        config: Any,
        gateway: IGateway,
        context: Context,
        authenticator: Authenticator,
    ) -> None:
        super().__init__(name, config, gateway, context, authenticator)
        self.recipients = Recipients(config, context.wall)
        self.starttls: IOpenSSLServerConnectionCreator | None = None
        self.trusting = True
        self._principals = context.principals
        self._bytes = 0
        self._by_address: Counter[str] = Counter()

    @property
    def logins(self) -> bool:
        """Whether there are principals that can log in."""
        return not self._principals.open

    def reserve(self, size: int) -> None:
        """Reserve memory for bytes of a message; a negative `size` releases it.

        :raises Overloaded: the limit for all messages is reached.
        """
        if size > 0 and self._bytes + size > self.config.max_bodies:
            raise Overloaded("messages being received (bytes)", self._bytes, self.config.max_bodies)
        self._bytes += size

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Return a connection, or None if there are too many, of all addresses or of this one."""
        limit, host = self.config.max_per_address, _host(addr)
        if limit and host and self._by_address[host] >= limit:
            self.count_closed("crowded")
            return None
        return super().buildProtocol(addr)

    def joined(self, connection: Any) -> None:
        """See `Connections`."""
        connection.address = _host(connection.transport.getPeer())
        self._by_address[connection.address] += 1
        super().joined(connection)

    def left(self, connection: Any) -> None:
        """See `Connections`."""
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        super().left(connection)


def _host(address: Any) -> str:
    """Return the host of an address; "" for a Unix socket."""
    return str(getattr(address, "host", ""))
