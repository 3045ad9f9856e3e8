"""The configuration that every upstream over TLS has in common."""

from pathlib import Path

from pydantic import Field

from pushgate.plugin.settings import AppTable, Duration, FilePath, HostName, Port, ProxyURL
from pushgate.upstreams.common.spare_demand import MOST


class ConnectionPoolTable(AppTable):
    """The connections of an app to its push service.

    :param connections: in use at a time, at most.
    :param spare: connections kept ready, beyond those in use, while there was work within `idle_timeout`;
        more while connections end often, unless it is 0.
    :param handshakes_per_minute: connections tried at most that prove of no use; 0 sets no limit.
    :param idle_timeout: seconds without anything to send after which a connection is closed.
    :param proxy: the HTTP proxy through which all of them go.
    """

    connections: int = Field(default=4, ge=1, le=64)
    spare: int = Field(default=1, ge=0, le=16)
    handshakes_per_minute: int = Field(default=600, ge=0)
    idle_timeout: Duration = Field(default=600.0, gt=0)
    proxy: ProxyURL | None = None

    @property
    def most_connections(self) -> int:
        """Connections of this app at most, spares included: what it needs of the process's open files."""
        return self.connections + (MOST if self.spare else 0)


class ManagedTable(AppTable):
    """An app whose certificate may be for MDM.

    :param mdm: it is: enrolments are kept, and devices are pushed to until they call.
    :param mdm_topic_override: devices have enrolled under another topic than the certificate's, and cannot be
        reached with it; that is meant to be so.
    """

    mdm: bool = False
    mdm_topic_override: bool = False


class ClientTlsTable(AppTable):
    """A push service reached over TLS with a client certificate.

    :param certificate: PEM with the client certificate and its chain, or PKCS #12 (``.p12``).
    :param private_key: PEM; by default in the same file.
    :param password_file: holds the password of a ``.p12`` or of an encrypted key.
    :param trust: PEM with the authorities that may vouch for the service; by default the system's.
    """

    certificate: FilePath
    private_key: FilePath | None = None
    password_file: FilePath | None = None
    trust: FilePath | None = None
    host: HostName = ""
    port: Port

    def files(self) -> dict[str, Path]:
        return self.given("certificate", "private_key", "password_file", "trust")
