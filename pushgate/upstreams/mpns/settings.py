"""The configuration of an app on MPNS."""

from pathlib import Path

from pydantic import Field

from pushgate.plugin.settings import FilePath, HostName
from pushgate.protocols.mpns.rules import MPNS_RULES
from pushgate.upstreams.common.http_push.settings import RoutedTable


class MpnsTable(RoutedTable):
    """One app.

    :param certificate: PEM with its chain, or PKCS #12 (``.p12``): without one the service bounds how much
        a device gets a day.
    :param allow_hosts: the only hosts that channels may have, in place of those of the service.
    """

    RULES = MPNS_RULES
    certificate: FilePath | None = None
    private_key: FilePath | None = None
    password_file: FilePath | None = None
    allow_hosts: list[HostName] = []
    max_payload: int = Field(default=MPNS_RULES.max_payload, ge=1, le=MPNS_RULES.max_payload)

    def files(self) -> dict[str, Path]:
        return self.given("certificate", "private_key", "password_file", "trust")
