"""The configuration of the SMTP input."""

from pydantic import Field

from pushgate.inputs.common.momentum import MomentumTable
from pushgate.plugin.settings import Duration, HostName, ServerEndpoint


class SmtpTable(MomentumTable):
    """The keys of an SMTP input. With a certificate it offers STARTTLS.

    :param host_name: what it calls itself; None: the name of this machine.
    :param max_bodies: bytes of all messages that are being received.
    :param max_recipients: of one message.
    :param max_connections: more than so many at a time are closed at once.
    :param max_per_address: so many of one address; 0: no limit.
    :param request_timeout: how long a command or a message may take from its first byte to its last.
    :param idle_timeout: a connection without a command is closed after so long.
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
        """A command is read when the one before it has its reply: it may depend on that."""
        return 1
