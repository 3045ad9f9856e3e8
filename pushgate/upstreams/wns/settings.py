"""The configuration of an app on the Windows Push Notification Services."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from pushgate.plugin.settings import HostName
from pushgate.protocols.wns.rules import MAX_PAYLOAD, WNS_RULES
from pushgate.upstreams.common.http_push.settings import RoutedTable, SecretTable

LIVE: Final = "https://login.live.com/accesstoken.srf"
"""Microsoft's token service for a package SID."""
ENTRA: Final = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
"""The same for an application that is registered with Entra."""
_is_tenant: Final = re.compile(r"[A-Za-z0-9.-]{1,255}").fullmatch


def _tenant(text: str) -> str:
    if not _is_tenant(text):
        raise ValueError("must be a directory id or a domain of Entra")
    return text


class WnsTable(RoutedTable, SecretTable):
    """One app.

    :param client_id: the package SID (``ms-app://…``), or an application id of Entra with `tenant`.
    :param tenant: of Entra; without one the older service gives the tokens.
    :param token_url: in place of the service that `tenant` stands for.
    :param allow_hosts: the only hosts that channels may have, in place of ``*.notify.windows.com``.
    :param cache_policy: whether the service keeps notifications for a device that is offline.
    """

    RULES = WNS_RULES
    tenant: Annotated[str, AfterValidator(_tenant)] | None = None
    allow_hosts: list[HostName] = []
    cache_policy: Literal["", "cache", "no-cache"] = ""
    max_payload: int = Field(default=MAX_PAYLOAD, ge=1, le=MAX_PAYLOAD)

    @property
    def tokens_from(self) -> str:
        """The address of the token service."""
        return self.token_url or (LIVE if self.tenant is None else ENTRA.format(tenant=self.tenant))

    @property
    def scope(self) -> str:
        """What the token is asked for."""
        return "notify.windows.com" if self.tenant is None else "https://wns.windows.com/.default"
