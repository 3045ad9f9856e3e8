"""The configuration of the SMTP input."""

from pydantic import Field

from pushgate.inputs.common.momentum import MomentumTable
from pushgate.plugin.settings import Duration, HostName, ServerEndpoint


class SmtpTable(MomentumTable):
    """The keys of an SMTP input. With a certificate it offers STARTTLS.

    :param host_name: the name in its greeting; None: the name of this machine.
    :param max_bodies: bytes of all messages that are being received, at most.
    :param max_recipients: recipients of one message at most.
    :param max_connections: open connections at most; further ones are closed at once.
    :param max_per_address: open connections of one address at most; 0: no limit.
    :param request_timeout: the time for a command or a message, from its first byte to its last.
    :param idle_timeout: the time without a command after which a connection is closed.
    """

    listen: ServerEndpoint = "tcp:7225:interface=127.0.0.1"
    host_name: HostName | None = None
    max_bodies: int = Field(default=256 << 20, ge=1)
    max_recipients: int = Field(default=100, ge=1)
    max_connections: int = Field(default=1000, ge=1)
    max_per_address: int = Field(default=200, ge=0)
    request_timeout: Duration = Field(default=60.0, gt=0)
    idle_timeout: Duration = Field(default=300.0, gt=0)

    @property
    def unanswered(self) -> int:
        """Commands without a reply at a time: one, because the next command may depend on its effect."""
        return 1
