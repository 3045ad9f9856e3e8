"""The simulator's table of the configuration."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pushgate.plugin.settings import Duration, FilePath, ServerEndpoint, Table
from pushgate.protocols.apns_http2.token_check import LIFETIME
from pushgate.simulator.fault_rules import Rule
from pushgate.simulator.provider_credential import UPDATE_INTERVAL
from pushgate.simulator.rule_conditions import HexBytes


def _without_tls(endpoint: str) -> str:
    if endpoint.startswith("ssl:"):
        raise ValueError("must be a tcp: or unix: endpoint; the simulator adds TLS and certificates itself")
    return endpoint


PlainEndpoint = Annotated[ServerEndpoint, AfterValidator(_without_tls)]
"""A Twisted server endpoint description, without TLS."""


class SimulatorTable(Table):
    """``[simulator]``: everything has a default.

    :param http2_listen: the provider API over HTTP/2: pushes, channels and broadcasts.
    :param services_listen: all other push services, over HTTP/1.1 and HTTP/2; None: there are none.
    :param state_dir: where the throw-away certificates and the key for provider tokens are kept.
    :param max_payload: bytes; more is answered with status 7. Over HTTP/2 push types have Apple's limits.
    :param seed: makes the chances of the script repeatable.
    :param record_limit: accepted notifications kept; beyond it they are only counted.
    :param dead: prefixes of tokens answered with status 8, over HTTP/2 with 410 Unregistered, unless a rule
        of the script matches first.
    :param environment: what a certificate must be for that says what it is for.
    :param topics: bundle ids that can be pushed to over HTTP/2; none: any.
    :param provider_keys: a directory with public keys, ``KEYID.pem``, for provider tokens, beside the
        throw-away one.
    :param streams: concurrent ones on a connection over HTTP/2; 1 before the first good provider token.
    :param token_lifetime: of a provider token.
    :param token_update_interval: between renewals of the provider token on one connection.
    :param dead_handles: patterns of handles that the services other than Apple's answer as dead, with ``*``,
        ``?`` and ``[…]`` as in a shell.
    :param access_token_lifetime: of the access tokens of these services, as clients are told.
    :param access_token_good_for: the time for which they are good in truth; by default as long.
    :param script: see `pushgate.simulator.fault_rules`.
    """

    listen: PlainEndpoint = "tcp:2195:interface=127.0.0.1"
    feedback_listen: PlainEndpoint = "tcp:2196:interface=127.0.0.1"
    control_listen: PlainEndpoint = "tcp:2190:interface=127.0.0.1"
    http2_listen: PlainEndpoint = "tcp:2197:interface=127.0.0.1"
    services_listen: PlainEndpoint | None = "tcp:2198:interface=127.0.0.1"
    state_dir: FilePath = Path("pushgate-state/simulator")
    max_payload: int = Field(default=2048, ge=1, le=4096)
    seed: int | None = None
    record_limit: int = Field(default=1_000_000, ge=0)
    dead: list[HexBytes] = []
    environment: Literal["production", "sandbox"] = "production"
    topics: list[str] = []
    provider_keys: FilePath | None = None
    streams: int = Field(default=1000, ge=1, le=100_000)
    token_lifetime: Duration = LIFETIME
    token_update_interval: Duration = UPDATE_INTERVAL
    dead_handles: list[Annotated[str, Field(min_length=1)]] = []
    access_token_lifetime: Duration = 3600.0
    access_token_good_for: Duration | None = None
    script: list[Rule] = []


class SimulatorFile(Table):
    """A configuration file of the simulator."""

    simulator: SimulatorTable = SimulatorTable()
