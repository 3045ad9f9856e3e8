"""The SDKs of notification hubs as programs of their own, and the addresses by which they are pointed at an input."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.javascript_rig import NODE, SCRIPTS


def connection_string(port: int, rule: str, key: str) -> str:
    """What an SDK is given, and all that it is given."""
    return f"Endpoint=sb://localhost:{port}/;SharedAccessKeyName={rule};SharedAccessKey={key}"


def javascript(
    connection: str, hub: str, calls: list[list[Any]], ca: Path
) -> "Deferred[list[dict[str, Any]]]":
    """What @azure/notification-hubs gives for each call; see the script."""
    task = {"connection": connection, "hub": hub, "calls": calls}
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(ca)}
    command = [str(NODE), str(SCRIPTS / "notification_hubs.js")]
    return deferToThread(_finish, command, environment, task)


def _finish(command: list[str], environment: dict[str, str], task: dict[str, Any]) -> Any:
    done = subprocess.run(
        command, input=json.dumps(task), env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
