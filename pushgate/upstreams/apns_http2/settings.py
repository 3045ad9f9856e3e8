"""The configuration of an app on Apple's HTTP/2 provider API."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from pushgate.plugin.settings import Duration, FilePath, HostName, Port
from pushgate.protocols.apns_http2.provider_token import is_identifier, key_id_in
from pushgate.protocols.apns_push_types import LARGEST_PAYLOAD, TYPES, is_topic
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.settings import ManagedTable

HOSTS: Final = {"production": "api.push.apple.com", "sandbox": "api.sandbox.push.apple.com"}
"""Apple's hosts by environment."""
MANAGE: Final = {
    "production": ("api-manage-broadcast.push.apple.com", 2196),
    "sandbox": ("api-manage-broadcast.sandbox.push.apple.com", 2195),
}
"""Hosts and ports where channels are managed. Those of the binary service had the same ports."""


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise ValueError("must be 10 characters, A to Z and 0 to 9, as Apple's developer site shows it")
    return text


def _push_type(text: str) -> str:
    if text not in TYPES:
        raise ValueError(f"must be one of {', '.join(sorted(TYPES))}")
    return text


def _topic(text: str) -> str:
    if not is_topic(text):
        raise ValueError("must be a bundle id: ASCII without blanks")
    return text


_Identifier = Annotated[str, AfterValidator(_identifier)]
_PushType = Annotated[str, AfterValidator(_push_type)]
_Topic = Annotated[str, AfterValidator(_topic)]


class ApnsHTTP2Table(HTTPPushTable, ManagedTable):
    """One credential, a provider key or a certificate: one app in one environment.

    :param topic: the bundle id; a submission may name another topic.
    :param key_file: the ``.p8`` file of a provider key.
    :param key_id: by default from the file's name, as Apple gave it: ``AuthKey_ABC123DEFG.p8``.
    :param certificate: PEM with its chain, or PKCS #12 (``.p12``), in place of a key.
    :param host: by default the environment's.
    :param manage_host: where broadcast channels are managed; by default the environment's. Of an app whose
        ``host`` is not Apple's it is that host, with its port.
    :param push_types: those that a payload without a push type may be taken for; empty: any. What looks like
        another is the first.
    :param default_ttl: seconds that a notification without an expiration may be stored.
    """

    RULES = APNS_RULES
    topic: _Topic | None = None
    environment: Literal["production", "sandbox"] = "production"
    key_file: FilePath | None = None
    key_id: _Identifier | None = None
    team_id: _Identifier | None = None
    certificate: FilePath | None = None
    private_key: FilePath | None = None
    password_file: FilePath | None = None
    manage_host: HostName = ""
    manage_port: Port = 2196
    idle_timeout: Duration = Field(default=86400.0, gt=0)
    push_types: list[_PushType] = []
    max_payload: int = Field(default=LARGEST_PAYLOAD, ge=1, le=65535)
    default_ttl: Duration = Field(default=30 * 86400.0, ge=0)
    retry_delay: Duration = Field(default=900.0, gt=0)
    device_delay: Duration = Field(default=30.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, table: object) -> object:
        if isinstance(table, dict):
            named = key_id_in(Path(str(table.get("key_file", ""))).name)
            environment = str(table.get("environment", "production"))
            if environment not in HOSTS:
                environment = "production"  # its own fault is enough
            table = {"host": HOSTS[environment], **({"key_id": named} if named else {}), **table}
            host, port = MANAGE[environment]
            if table["host"] != HOSTS[environment]:
                host, port = table["host"], table.get("port", 443)
            table = {"manage_host": host, "manage_port": port, **table}
        return table

    @model_validator(mode="after")
    def _one_credential(self) -> "ApnsHTTP2Table":
        if (self.key_file is None) == (self.certificate is None):
            raise ValueError("must have either key_file or certificate, not both")
        if self.mdm and self.certificate is None:
            raise ValueError("must have certificate, an MDM push certificate, beside mdm")
        if self.key_file is not None:
            if self.key_id is None:
                raise ValueError("must have key_id: the file's name is not AuthKey_KEYID.p8")
            if self.team_id is None:
                raise ValueError("must have team_id beside key_file")
            if self.topic is None:
                raise ValueError("must have topic, the bundle id, beside key_file")
        return self

    def files(self) -> dict[str, Path]:
        return self.given("key_file", "certificate", "private_key", "password_file", "trust")
