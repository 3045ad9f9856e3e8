"""The simulator's table of the configuration."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pushgate.plugin.settings import FilePath, ServerEndpoint, Table
from pushgate.simulator.fault_rules import HexBytes, Rule


def _without_tls(endpoint: str) -> str:
    if endpoint.startswith("ssl:"):
        raise ValueError("must be a tcp: or unix: endpoint; the simulator adds TLS and certificates itself")
    return endpoint


PlainEndpoint = Annotated[ServerEndpoint, AfterValidator(_without_tls)]
"""A Twisted server endpoint description, without TLS."""


class SimulatorTable(Table):
    """``[simulator]``: everything has a default.

    :param state_dir: where the throw-away certificates are kept.
    :param max_payload: bytes; more is answered with status 7.
    :param seed: makes the chances of the script repeatable.
    :param record_limit: accepted notifications kept; beyond it they are only counted.
    :param dead: prefixes of tokens answered with status 8, unless a rule of the script matches first.
    :param script: see `pushgate.simulator.fault_rules`.
    """

    listen: PlainEndpoint = "tcp:2195:interface=127.0.0.1"
    feedback_listen: PlainEndpoint = "tcp:2196:interface=127.0.0.1"
    control_listen: PlainEndpoint = "tcp:2190:interface=127.0.0.1"
    state_dir: FilePath = Path("pushgate-state/simulator")
    max_payload: int = Field(default=2048, ge=1, le=4096)
    seed: int | None = None
    record_limit: int = Field(default=1_000_000, ge=0)
    dead: list[HexBytes] = []
    script: list[Rule] = []


class SimulatorFile(Table):
    """A configuration file of the simulator."""

    simulator: SimulatorTable = SimulatorTable()
