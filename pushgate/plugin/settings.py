"""The tables and field types of the configuration, for the gateway's own and those of plug-ins."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from pushgate.model.endpoint_parts import endpoint_parts
from pushgate.model.host_name import is_host_name
from pushgate.model.notification import Delivery
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome_record import Tokens
from pushgate.model.principals import Operation
from pushgate.model.target import TargetForm

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_DURATION_RULE: Final = "a number with its unit: 250ms, 5s, 30m, 1h, 1d"
_PROXY: Final = re.compile(r"http://(?:\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|([^:\[\]]+)):([0-9]{1,5})")


def parse_duration(text: object) -> float:
    """Seconds from ``"250ms"``, ``"5s"``, ``"30m"``, ``"1h"`` or ``"1d"``; raise ValueError otherwise."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"must be {_DURATION_RULE}")
    return float(match[1]) * _UNITS[match[2]]


def _endpoint(text: str) -> str:
    if text.partition(":")[0] not in {"tcp", "ssl", "unix", "tcp6", "systemd"}:
        raise ValueError("must be a Twisted server endpoint such as tcp:7215:interface=127.0.0.1")
    if text.startswith("tcp"):
        _check_tcp(text)
    return text


def _check_tcp(text: str) -> None:
    """Find what Twisted itself would report only at the start, as an error of Python."""
    _, words, keyed = endpoint_parts(text)
    ports = [keyed["port"]] if "port" in keyed else words
    good = ports and re.fullmatch(r"[0-9]{1,5}", ports[0]) and int(ports[0]) <= 65535
    if not good or keyed.keys() - {"port", "interface", "backlog"}:
        raise ValueError("must be tcp:PORT or tcp:PORT:interface=ADDRESS, with a port up to 65535")


def _host_name(text: str) -> str:
    if not is_host_name(text):
        raise ValueError("must be a host name or an IP address, without scheme, port, brackets and blanks")
    return text


def proxy_address(url: str) -> tuple[str, int]:
    """Host and port of a proxy from ``http://host:port``.

    :raises ValueError: it is none, or has more in it.
    """
    if "@" in url:
        raise ValueError("must have no user and no password in it")
    match = _PROXY.fullmatch(url)
    host, port = (match[1] or match[2], int(match[3])) if match else ("", 0)
    if not is_host_name(host) or not 1 <= port <= 65535:
        raise ValueError("must be http://HOST:PORT, with nothing behind it, and IPv6 addresses in brackets")
    return host, port


def _proxy_url(text: str) -> str:
    proxy_address(text)
    return text


def _possible(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must be a path, which has no NUL in it")
    return path


def _one_of(section: str, word: str) -> AfterValidator:
    """Refuse a name without a table in a section of the same file."""

    def check(name: str, info: ValidationInfo) -> str:
        known = (info.context or {}).get(section)
        if known is not None and name not in known:
            raise PydanticCustomError(
                UNKNOWN_NAME, "no {word} of this name", {"word": word, "section": section, "known": known}
            )
        return name

    return AfterValidator(check)


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, written with a unit."""
ServerEndpoint = Annotated[str, AfterValidator(_endpoint)]
"""A Twisted server endpoint description."""
FilePath = Annotated[Path, Field(strict=False), AfterValidator(_possible)]
"""The path of a file, which is not opened here."""
HostName = Annotated[str, AfterValidator(_host_name)]
"""A host name or an IP address."""
ProxyURL = Annotated[str, AfterValidator(_proxy_url)]
"""The address of an HTTP proxy, ``http://host:port``; `pushgate.net.proxy_endpoint` connects through it."""
Port = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port."""
UNKNOWN_NAME: Final = "unknown_name"
"""The type of the error about a name without a table."""
AppName = Annotated[str, _one_of("apps", "app")]
"""The name of an app of the same configuration."""
HubName = Annotated[str, _one_of("hubs", "hub")]
"""The name of a hub of the same configuration."""
PrincipalName = Annotated[str, _one_of("principals", "principal")]
"""The name of a principal of the same configuration."""


class Table(BaseModel):
    """A table of the configuration: unknown keys are refused, values are not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)

    def files(self) -> dict[str, Path]:
        """The files that are read for it, by key: a reload says which of them were renewed."""
        return {}

    def given(self, *keys: str) -> dict[str, Path]:
        """Return those of its keys of files that have a value, for `files`."""
        return {key: path for key in keys if (path := getattr(self, key)) is not None}


class AppTable(Table):
    """The keys of every app; an upstream's table extends it. A change of its `files` makes a new upstream.

    :param rate: notifications per second at most; 0 sets no limit.
    :param max_payload: bytes.
    :cvar RULES: what the push service takes; by default targets are in hex, and payloads are JSON objects.
    """

    RULES: ClassVar[NotificationRules] = NotificationRules(form=TargetForm.HEX)
    upstream: str
    topic: str | None = None
    delivery: Annotated[Delivery, Field(strict=False)] = Delivery.AT_LEAST_ONCE
    max_payload: int = Field(default=2048, ge=1, le=65535)
    rate: float = Field(default=0, ge=0, allow_inf_nan=False)

    def notification_rules(self) -> NotificationRules:
        """What the push service takes from this app: `RULES`, unless another key decides."""
        return self.RULES


class InputTable(Table):
    """The keys of every input."""

    type: str


class ListeningTable(InputTable):
    """The keys of every input that listens, for `pushgate.net.listener`.

    :param listen: the address.
    :param certificate: PEM with its chain, for TLS.
    :param private_key: PEM; in the certificate's file when it is not given.
    :param client_authorities: PEM: the authorities that may sign clients' certificates.
    :param insecure: listen on other addresses than loopback without TLS or without principals.
    """

    listen: ServerEndpoint
    certificate: FilePath | None = None
    private_key: FilePath | None = None
    client_authorities: FilePath | None = None
    insecure: bool = False

    @property
    def certified(self) -> bool:
        """Whether it accepts only peers with a certificate that it knows, and so needs no principals."""
        return False

    def endpoints(self) -> dict[str, str]:
        """The addresses that it listens on, by key."""
        return {"listen": self.listen}

    def files(self) -> dict[str, Path]:
        return self.given("certificate", "private_key", "client_authorities")


class PrincipalTable(Table):
    """``[principals.NAME]``: a caller that may log in.

    :param secret_file: holds hashes of secrets, any of which is accepted.
    :param certificate: the subject of a client certificate, as RFC 4514 writes it: ``"CN=shop,O=Example"``.
    :param apps: None: all.
    :param rate: notifications a second; 0 sets no limit.
    :param max_batch: notifications of one submission; 0 sets no limit.
    """

    secret_file: FilePath | None = None
    certificate: str | None = None
    apps: list[AppName] | None = None
    operations: list[Annotated[Operation, Field(strict=False)]] = [Operation.PUSH, Operation.READ]
    rate: float = Field(default=0, ge=0, allow_inf_nan=False)
    max_batch: int = Field(default=0, ge=0)

    def files(self) -> dict[str, Path]:
        return self.given("secret_file")


class SinkTable(Table):
    """The keys of every sink.

    :param tokens: the form of device tokens in records.
    :param buffer: reports (ranges of notifications with one outcome) that may wait for a slow sink.
    :cvar ONE: a configuration may have one of this kind only.
    """

    ONE: ClassVar[bool] = False
    type: str
    tokens: Annotated[Tokens, Field(strict=False)] = Tokens.FULL
    buffer: int = Field(default=100_000, ge=1)

    def endpoints(self) -> dict[str, str]:
        """The addresses that it listens on, by key."""
        return {}
