"""Examining apps as `pushgate doctor` does, and the tables of its page."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pushgate.model.finding import Finding, Level
from pushgate.model.metrics import Metrics
from pushgate.plugin.checks import guarded
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.factories import UpstreamFactory
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable
from tests.steady_reactor import SteadyReactor

PAGE = (Path(__file__).parents[1] / "docs" / "doctor.md").read_text("utf-8")
REACTOR = SteadyReactor()
"""Of the doctor and of the simulator: their times pass together."""
ENDPOINTS = ("listen", "feedback_listen", "control_listen", "http2_listen", "services_listen")


def examination(*, offline: bool = False, timeout: float = 1.0, wall: Any = time.time) -> Examination:
    """One on the real network of loopback, where a second is long, as long as this process does not stand still."""
    context = Context(reactor=REACTOR, wall=wall, jitter=lambda: 0.0, metrics=Metrics())
    return Examination(context=context, timeout=timeout, offline=offline)


async def examine(factory: UpstreamFactory, given: Examination, **keys: Any) -> list[Finding]:
    """The findings about an app ``news``, as the command has them."""
    table = factory.config.model_validate({"upstream": factory.name, **keys})
    return [each async for each in guarded(factory.diagnose("news", table, given), given)]


def amiss(findings: list[Finding]) -> frozenset[str]:
    """The checks that are not ok."""
    return frozenset(each.check for each in findings if each.level is not Level.OK)


def simulator(directory: str) -> Simulator:
    """The push services, on free ports."""
    keys = dict.fromkeys(ENDPOINTS, "tcp:0:interface=127.0.0.1")
    table = SimulatorTable.model_validate(keys).model_copy(update={"state_dir": Path(directory).absolute()})
    return Simulator(table, REACTOR)


def documented(heading: str) -> dict[str, frozenset[str]]:
    """The table of a section of the page: what is wrong, and the checks that are not ok then."""
    [section] = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {
        row[0].removeprefix("| "): frozenset(re.findall(r"`([a-z0-9-]+)`", row[1]))
        for row in rows
        if row[1] != "not ok"
    }


def told_apart(found: Mapping[str, frozenset[str]]) -> bool:
    """Whether no fault reads as another, but those that the page lists as one that cannot be seen."""
    seen = [each for each in found.values() if each]
    return len(seen) == len(set(seen))
