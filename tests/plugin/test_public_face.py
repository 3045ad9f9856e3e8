"""`pushgate.plugin`: what plug-ins import."""

import ast
import re
from pathlib import Path

import pytest

from pushgate import plugin

ROOT = Path(__file__).parents[2]
OF_PARTS = {"hub_interface.py", "mdm_interface.py"}
"""What the gateway brings with it: plug-ins use it through `Context`, and few need its values."""
INTERFACES = sorted(
    each for each in (ROOT / "pushgate" / "plugin").glob("*_interface*.py") if each.name not in OF_PARTS
)
NAMES = [
    "AppName",
    "AppTable",
    "Batch",
    "BatchSlice",
    "CannotStart",
    "Channel",
    "Conflict",
    "Context",
    "DeadReason",
    "DeadToken",
    "DeadTokenEntry",
    "Delivery",
    "Duration",
    "Event",
    "Examination",
    "FilePath",
    "Finding",
    "Forbidden",
    "HostName",
    "IAddressed",
    "IChannels",
    "IDeclaresRules",
    "IDiagnosable",
    "IEnrolments",
    "IGateway",
    "IHasChannels",
    "IHistory",
    "IHub",
    "IInFlight",
    "IInput",
    "IInputFactory",
    "IManagedDevices",
    "IOutcomeSink",
    "IOutcomeSinkFactory",
    "IProving",
    "IReadsFiles",
    "IReplays",
    "IUpstream",
    "IUpstreamFactory",
    "IWakesDevices",
    "IWork",
    "InputFactory",
    "InputTable",
    "Invalid",
    "LazyInput",
    "LazySink",
    "LazyUpstream",
    "Level",
    "ListeningTable",
    "Metrics",
    "NotFound",
    "NotLoggedIn",
    "NotificationRules",
    "NotificationTrace",
    "Operation",
    "Outcome",
    "Overloaded",
    "Packed",
    "Port",
    "Principal",
    "PrincipalName",
    "Principals",
    "Priority",
    "PushgateError",
    "Receipt",
    "Refusal",
    "ReplayPage",
    "Report",
    "RouteState",
    "SendTestResult",
    "ServerEndpoint",
    "ServiceFailed",
    "Settled",
    "ShuttingDown",
    "Sink",
    "SinkDown",
    "SinkFactory",
    "SinkTable",
    "State",
    "Step",
    "StoragePolicy",
    "Submission",
    "Table",
    "TargetForm",
    "Terms",
    "Tokens",
    "TooFast",
    "TooLarge",
    "TooOften",
    "TriedDevice",
    "UnknownApp",
    "UpstreamFactory",
    "UpstreamState",
    "Verdict",
    "failure",
    "guarded",
    "id_text",
    "ndjson",
    "ok",
    "parse_id",
    "warning",
]
"""What plug-ins may import: a name that leaves this list breaks some."""


def test_the_names() -> None:
    """A name that plug-ins import stays; one that is added is added here too."""
    assert plugin.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there(name: str) -> None:
    """Each can be imported from `pushgate.plugin`."""
    assert hasattr(plugin, name)


@pytest.mark.parametrize("page", ["README.md", "docs/plugins.md"])
def test_the_pages_import_nothing_else(page: str) -> None:
    """Plug-ins and their tests as the pages show them import `pushgate.plugin` and `pushgate.testing`."""
    shown = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    modules = {
        str(node.module)
        for block in shown
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom)
    }
    ours = {module for module in modules if module.startswith("pushgate")}
    assert ours <= {"pushgate.plugin", "pushgate.testing", "pushgate.client", "pushgate.plugins.builtin"}


def test_the_interfaces_speak_of_what_can_be_imported() -> None:
    """Every class that the signatures of the interfaces name is exported."""
    source = ast.parse("\n".join(each.read_text() for each in INTERFACES))
    imported = {
        alias.name
        for node in source.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pushgate")
        for alias in node.names
    }
    assert imported <= set(NAMES)
