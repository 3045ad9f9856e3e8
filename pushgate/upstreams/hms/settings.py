"""The configuration of an app on Huawei's Push Kit, in either version."""

from pathlib import Path
from typing import Final

from pydantic import Field, model_validator

from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.settings import FilePath, HostName
from pushgate.protocols.hms.rules import HARMONY_RULES, HMS_RULES
from pushgate.protocols.hms.service import HOST
from pushgate.upstreams.common.http_push.settings import HTTPPushTable, HTTPSAddress

TOKENS: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
"""Huawei's token service."""
_EITHER: Final = (
    "must have either app_id and app_secret_file (Android) or service_account_file (HarmonyOS), not both"
)


class HmsTable(HTTPPushTable):
    """One app for Android, or one project for HarmonyOS: the credential says which.

    :param app_id: the client id of an app for Android: version 1 of Push Kit.
    :param app_secret_file: holds its client secret in one line.
    :param token_url: where its access tokens come from.
    :param service_account_file: JSON, as Huawei gave it, in place of id and secret: version 3, for HarmonyOS.
        It names the project.
    """

    RULES = HMS_RULES
    app_id: str | None = Field(default=None, min_length=1, max_length=255)
    app_secret_file: FilePath | None = None
    token_url: HTTPSAddress = TOKENS
    service_account_file: FilePath | None = None
    host: HostName = HOST
    connections: int = Field(default=8, ge=1, le=64)
    max_payload: int = Field(default=4096, ge=1, le=HMS_RULES.max_payload)

    @model_validator(mode="after")
    def _one_credential(self) -> "HmsTable":
        of_android = {"app_id": self.app_id, "app_secret_file": self.app_secret_file}
        missing = [key for key, value in of_android.items() if value is None]
        if (self.service_account_file is None) == (len(missing) == len(of_android)):
            raise ValueError(_EITHER)
        if self.service_account_file is not None and "token_url" in self.model_fields_set:
            raise ValueError(
                "must not have token_url beside service_account_file: nothing is asked for tokens"
            )
        if self.service_account_file is None and missing:
            raise ValueError(f"must have {missing[0]}, as app_id and app_secret_file go together")
        return self

    def notification_rules(self) -> NotificationRules:
        return HMS_RULES if self.service_account_file is None else HARMONY_RULES

    def files(self) -> dict[str, Path]:
        return self.given("app_secret_file", "service_account_file", "trust")
