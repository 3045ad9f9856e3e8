"""The configuration of an app on Web Push."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pushgate.plugin.settings import Duration, FilePath, HostName
from pushgate.protocols.http_push.ttl import FOUR_WEEKS
from pushgate.protocols.webpush.encryption import MAX_PLAINTEXT
from pushgate.protocols.webpush.rules import WEBPUSH_RULES
from pushgate.protocols.webpush.vapid import check_subject
from pushgate.upstreams.common.http_push.settings import RoutedTable


class WebPushTable(RoutedTable):
    """One application server's key, and with it all subscriptions that were made for it.

    :param vapid_key_file: PEM: its private key, on P-256.
    :param subject: where the push services can reach the operator: ``mailto:`` or ``https:``.
    :param ttl: seconds that a notification without an expiration may be kept for a browser that is away.
    :param urgency: of a notification without a priority.
    :param message_ids: records have what the push service calls each notification, at a higher cost.
    :param allow_hosts: hosts of endpoints that may be at addresses which are not public.
    """

    RULES = WEBPUSH_RULES
    vapid_key_file: FilePath
    subject: Annotated[str, AfterValidator(check_subject)]
    ttl: Duration = Field(default=float(FOUR_WEEKS), ge=0, le=FOUR_WEEKS)
    urgency: Literal["very-low", "low", "normal", "high"] = "normal"
    allow_hosts: list[HostName] = []
    message_ids: bool = False
    connections: int = Field(default=2, ge=1, le=64)
    max_payload: int = Field(default=MAX_PLAINTEXT, ge=1, le=MAX_PLAINTEXT)

    def files(self) -> dict[str, Path]:
        return self.given("vapid_key_file", "trust")
