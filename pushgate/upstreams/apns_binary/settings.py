"""The configuration of an app on the APNs binary stream."""

from typing import Final, Literal

from pydantic import Field, model_validator

from pushgate.plugin.settings import Duration, HostName, Port
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.upstreams.common.settings import ClientTlsTable, ConnectionPoolTable, ManagedTable

HOSTS: Final = {
    "production": ("gateway.push.apple.com", "feedback.push.apple.com"),
    "sandbox": ("gateway.sandbox.push.apple.com", "feedback.sandbox.push.apple.com"),
}
"""Apple's gateway and feedback hosts by environment."""


class StreamTable(ConnectionPoolTable):
    """What every app on a binary stream has, wherever that leads.

    :param window: notifications written and not settled, for each connection.
    :param response_timeout: seconds of silence after which written becomes presumed.
    :param confirm: how a drain settles what is in flight: by waiting, or by a deliberately bad frame. Only
        with the latter may callers ask for proof.
    :param feedback_interval: seconds.
    """

    RULES = APNS_RULES
    window: int = Field(default=50_000, ge=1, le=10_000_000)
    response_timeout: Duration = Field(default=5.0, gt=0)
    confirm: Literal["quiet", "probe"] = "quiet"
    feedback: bool = True
    feedback_interval: Duration = Field(default=3600.0, gt=0)


class ApnsStreamTable(StreamTable, ClientTlsTable, ManagedTable):
    """One certificate: one app in one environment.

    :param host: by default the environment's, like `feedback_host`.
    """

    environment: Literal["production", "sandbox"] = "production"
    port: Port = 2195
    feedback_host: HostName = ""
    feedback_port: Port = 2196

    @model_validator(mode="before")
    @classmethod
    def _hosts_by_environment(cls, table: object) -> object:
        if isinstance(table, dict):
            host, feedback_host = HOSTS.get(str(table.get("environment", "production")), ("", ""))
            table = {"host": host, "feedback_host": feedback_host, **table}
        return table
