"""The configuration of an app on the APNs binary stream."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from pushgate.plugin.settings import AppTable, Duration, FilePath, Port
from pushgate.protocols.apns_rules import APNS_RULES

HOSTS: Final = {
    "production": ("gateway.push.apple.com", "feedback.push.apple.com"),
    "sandbox": ("gateway.sandbox.push.apple.com", "feedback.sandbox.push.apple.com"),
}
"""Apple's gateway and feedback hosts by environment."""


class StreamTable(AppTable):
    """What every app on a binary stream has, wherever that leads.

    :param window: notifications written and not settled, for each connection.
    :param response_timeout: seconds of silence after which written becomes presumed.
    :param idle_timeout: seconds without anything to send after which a connection is closed.
    :param spare: connections kept ready, beyond those in use, while there was work of late.
    :param handshakes_per_minute: connections tried at most, whatever for; 0 sets no limit.
    :param confirm: how a drain settles what is in flight: by waiting, or by a deliberately bad frame. Only
        with the latter may callers ask for proof.
    :param feedback_interval: seconds.
    """

    RULES = APNS_RULES
    connections: int = Field(default=4, ge=1, le=64)
    spare: int = Field(default=1, ge=0, le=16)
    handshakes_per_minute: int = Field(default=600, ge=0)
    window: int = Field(default=50_000, ge=1, le=10_000_000)
    response_timeout: Duration = Field(default=5.0, gt=0)
    idle_timeout: Duration = Field(default=600.0, gt=0)
    confirm: Literal["quiet", "probe"] = "quiet"
    feedback: bool = True
    feedback_interval: Duration = Field(default=3600.0, gt=0)


class ApnsStreamTable(StreamTable):
    """One certificate: one app in one environment.

    :param certificate: PEM with the client certificate and its chain, or PKCS #12 (``.p12``).
    :param private_key: PEM; by default in the same file.
    :param password_file: holds the password of a ``.p12`` or of an encrypted key.
    :param trust: PEM with the authorities that may vouch for the service; by default the system's.
    :param host: by default the environment's, like `feedback_host`.
    """

    environment: Literal["production", "sandbox"] = "production"
    certificate: FilePath
    private_key: FilePath | None = None
    password_file: FilePath | None = None
    trust: FilePath | None = None
    host: str = ""
    port: Port = 2195
    feedback_host: str = ""
    feedback_port: Port = 2196

    def files(self) -> dict[str, Path]:
        """See `AppTable`."""
        keys = ("certificate", "private_key", "password_file", "trust")
        return {key: path for key in keys if (path := getattr(self, key)) is not None}

    @model_validator(mode="before")
    @classmethod
    def _hosts_by_environment(cls, table: object) -> object:
        if isinstance(table, dict):
            host, feedback_host = HOSTS.get(str(table.get("environment", "production")), ("", ""))
            table = {"host": host, "feedback_host": feedback_host, **table}
        return table
