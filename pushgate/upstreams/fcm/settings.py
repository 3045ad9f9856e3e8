"""The configuration of an app on Firebase Cloud Messaging."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pushgate.plugin.settings import Duration, FilePath, HostName
from pushgate.protocols.fcm.assertion import is_project
from pushgate.protocols.fcm.rules import FCM_RULES, MAX_MESSAGE
from pushgate.upstreams.common.http_push.settings import HTTPPushTable


def _project(text: str) -> str:
    if not is_project(text):
        raise ValueError("must be a project's id: small letters, digits and -")
    return text


class FcmTable(HTTPPushTable):
    """One Firebase project.

    :param service_account_file: JSON, as Google gave it; its ``token_uri`` is where access tokens come from.
    :param project: by default the file's.
    :param trust: PEM with the authorities that may vouch for the service and for the token server; by
        default the system's.
    :param message_ids: records have what FCM calls each notification, at twice the cost.
    :param validate_only: messages are checked by the service and sent to no device.
    """

    RULES = FCM_RULES
    service_account_file: FilePath
    project: Annotated[str, AfterValidator(_project)] | None = None
    validate_only: bool = False
    message_ids: bool = False
    host: HostName = "fcm.googleapis.com"
    max_payload: int = Field(default=4096, ge=1, le=MAX_MESSAGE)
    retry_delay: Duration = Field(default=10.0, gt=0)

    def files(self) -> dict[str, Path]:
        return self.given("service_account_file", "trust")
