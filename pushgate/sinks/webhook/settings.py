"""The webhook sink's configuration."""

from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from pushgate.model.host_name import is_host_name
from pushgate.model.outcome import State
from pushgate.plugin.settings import AppName, Duration, FilePath, SinkTable

_RULE: Final = "must be https://host/path, without user, password and fragment"


def _url(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{_RULE}, in ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(_RULE) from None
    odd = parts.username is not None or parts.password is not None or parts.fragment or port == 0
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or odd
        or not (parts.path or not parts.query)
    ):
        raise ValueError(_RULE)
    if not is_host_name(parts.hostname):
        raise ValueError(f"{_RULE}; the host is neither an address nor a name as the DNS has them")
    return text


def _final(state: State) -> State:
    if state in {State.QUEUED, State.WRITTEN}:
        raise ValueError("no outcome: it is never reported")
    return state


class WebhookTable(SinkTable):
    """Where records go, and which.

    :param secret_file: holds the secret that requests are signed with, or two, a line each.
    :param trust: who may vouch for the receiver: PEM; the system's authorities when None.
    :param apps: only of these; of all when empty.
    :param states: only these; all when empty.
    :param batch: records of one request at most.
    :param timeout: seconds until a request must be answered.
    :param max_age: seconds after which an outcome that could not be delivered is given up.
    :param allow_private: the receiver may be on this machine or in its networks.
    """

    url: Annotated[str, AfterValidator(_url)]
    secret_file: FilePath
    trust: FilePath | None = None
    apps: list[AppName] = Field(default_factory=list)
    states: list[Annotated[State, Field(strict=False), AfterValidator(_final)]] = Field(default_factory=list)
    batch: int = Field(default=500, ge=1, le=2048)
    timeout: Duration = Field(default=30.0, gt=0)
    max_age: Duration = Field(default=86400.0, gt=0)
    allow_private: bool = False

    @model_validator(mode="after")
    def _plain_only_at_home(self) -> Self:
        if self.url.startswith("http:") and not self.allow_private:
            raise ValueError(
                "url: http:// is for private addresses only; use https://, or allow_private = true"
            )
        return self

    def files(self) -> dict[str, Path]:
        return self.given("secret_file", "trust")

    @property
    def origin(self) -> str:
        """Where it is, for people: without the path, which may be a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"
