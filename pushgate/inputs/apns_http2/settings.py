"""The configuration of the APNs HTTP/2 input."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from pushgate.inputs.common.login_settings import LoginTable
from pushgate.plugin.settings import AppName, Duration, FilePath, ServerEndpoint


class ApnsHTTP2InputTable(LoginTable):
    """The keys of an APNs HTTP/2 input.

    :param app: the app of notifications whose topic is not in `topics`, and of those without one.
    :param topics: the app by topic, which is the bundle id without the suffix of a push type.
    :param answer: `outcome`: a request is answered with what became of it at the push service; `accepted`: as
        soon as the gateway keeps it.
    :param provider_keys: a directory of public keys, PEM, each named by its key id: provider tokens are
        verified by them, and suffice to push.
    :param outcome_timeout: how long a request waits for its outcome.
    :param remember: given ``apns-id`` values that are known again, at most.
    :param max_connections: more than so many at a time are closed at once.
    :param max_waiting: requests of all connections that wait for their answer, before no more are read.
    :param streams: requests under way on one connection, before the peer has to wait.
    :param idle_timeout: a connection without a request is closed after so long.
    :param header_timeout: how long a request's head may take from its first byte.
    :param body_timeout: how long a body may take; longer by a second for each KiB that came.
    :param unread_timeout: how long a peer may take nothing of an answer that waits for it.
    """

    listen: ServerEndpoint = "tcp:2197:interface=127.0.0.1"
    app: AppName | None = None
    topics: dict[str, AppName] = {}
    answer: Literal["outcome", "accepted"] = "outcome"
    provider_keys: FilePath | None = None
    outcome_timeout: Duration = Field(default=30.0, gt=0)
    remember: int = Field(default=1_000_000, ge=0)
    max_connections: int = Field(default=1000, ge=1)
    max_waiting: int = Field(default=20_000, ge=1)
    streams: int = Field(default=1000, ge=1, le=100_000)
    idle_timeout: Duration = Field(default=3600.0, gt=0)
    header_timeout: Duration = Field(default=10.0, gt=0)
    body_timeout: Duration = Field(default=30.0, gt=0)
    unread_timeout: Duration = Field(default=60.0, gt=0)

    @property
    def certified(self) -> bool:
        return self.provider_keys is not None

    def files(self) -> dict[str, Path]:
        return {**super().files(), **self.given("provider_keys")}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.app is None and not self.topics:
            raise ValueError("one of app and topics is required")
        return self
