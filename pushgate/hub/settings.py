"""The configuration of a hub."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import unquote

from pydantic import AfterValidator, Field

from pushgate.model.hub.access import Right
from pushgate.model.hub.platform import Platform
from pushgate.plugin.settings import AppName, Duration, FilePath, Table
from pushgate.protocols.notification_hubs.json_patch import MAX_TAGS

SQLITE: Final = "sqlite"
"""The `store` of a hub of one gateway; all others are addresses of PostgreSQL."""
_SCHEMES: Final = ("postgresql://", "postgres://")


def _store(text: str) -> str:
    if text != SQLITE and not text.startswith(_SCHEMES):
        raise ValueError('must be "sqlite" or an address such as postgresql://user@host/database')
    if _has_password(text):
        raise ValueError("must have no password in it: that is in the file that password_file names")
    return text


def _has_password(address: str) -> bool:
    """Whether there is one where libpq looks for it, whatever hosts and ports there are."""
    place, _, query = address.partition("://")[2].partition("?")
    user, at, _ = place.partition("/")[0].rpartition("@")
    names = [each.partition("=")[0] for each in query.split("&")]
    return bool(at and ":" in user) or bool({"password", "sslpassword"}.intersection(map(unquote, names)))


class RuleTable(Table):
    """``[hubs.NAME.rules.RULE]``: who may do what.

    :param key_file: the key, or two on a line each: either signs, so that a new one can be given out first.
    """

    rights: list[Annotated[Right, Field(strict=False)]] = Field(min_length=1)
    key_file: FilePath


class HubTable(Table):
    """``[hubs.NAME]``. Each platform names the app that sends to it.

    :param store: ``"sqlite"``, in the state directory, or ``"postgresql://user@host/database"``.
    :param password_file: the password of the PostgreSQL user.
    :param connections: to PostgreSQL, at most.
    :param lease: a gateway that shares the hub and says nothing for so long loses its sends to another one.
    :param expiry: a send whose notifications the push service has not taken after so long is abandoned.
    :param keep: how long sends, their outcomes, feedback, jobs and unused containers are kept.
    :param max_schedule: how far ahead a send may be scheduled.
    :param max_body: bytes of a notification.
    :param max_tags: of a registration; at most as many as a patch may come to.
    :param max_handles: of one direct send.
    :param test_sends: a minute, at most.
    """

    store: Annotated[str, AfterValidator(_store)] = SQLITE
    password_file: FilePath | None = None
    connections: int = Field(default=8, ge=2, le=64)
    apns: AppName | None = None
    fcmv1: AppName | None = None
    gcm: AppName | None = None
    wns: AppName | None = None
    mpns: AppName | None = None
    adm: AppName | None = None
    baidu: AppName | None = None
    browser: AppName | None = None
    xiaomi: AppName | None = None
    rules: dict[str, RuleTable] = Field(default_factory=dict)
    lease: Duration = Field(default=60.0, ge=1)
    expiry: Duration = Field(default=1800.0, gt=0)
    keep: Duration = Field(default=5 * 86400.0, gt=0)
    max_schedule: Duration = Field(default=7 * 86400.0, gt=0)
    max_body: int = Field(default=64 << 10, ge=1)
    max_tags: int = Field(default=60, ge=0, le=MAX_TAGS)
    max_handles: int = Field(default=1000, ge=1)
    test_sends: int = Field(default=10, ge=0)

    def apps(self) -> dict[Platform, str]:
        """The app of each platform that has one."""
        return {platform: app for platform in Platform if (app := getattr(self, platform)) is not None}

    def files(self) -> dict[str, Path]:
        keys = {f"rules.{name}.key_file": rule.key_file for name, rule in self.rules.items()}
        return self.given("password_file") | keys
