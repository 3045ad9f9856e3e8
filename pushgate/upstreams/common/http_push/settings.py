"""The configuration that every upstream over HTTP has in common."""

from pydantic import Field

from pushgate.plugin.settings import Duration, FilePath, HostName, Port
from pushgate.upstreams.common.settings import ConnectionPoolTable


class HTTPPushTable(ConnectionPoolTable):
    """A push service over HTTP.

    :param trust: PEM with the authorities that may vouch for the service; by default the system's.
    :param streams: requests without an answer at most, for each connection; 0: what the service takes.
    :param request_timeout: seconds that an answer may take.
    :param ping_interval: seconds without a request after which the service is asked whether it is there.
    :param retry_delay: seconds before a notification is sent again that the service was in trouble with.
    :param device_delay: the same for one of which its device had too many.
    """

    trust: FilePath | None = None
    host: HostName = ""
    port: Port = 443
    connections: int = Field(default=2, ge=1, le=64)
    spare: int = Field(default=0, ge=0, le=16)
    streams: int = Field(default=0, ge=0)
    request_timeout: Duration = Field(default=30.0, gt=0)
    ping_interval: Duration = Field(default=3600.0, gt=0)
    retry_delay: Duration = Field(default=60.0, gt=0)
    device_delay: Duration = Field(default=60.0, gt=0)
