"""Official clients of push services as programs of their own, which meet the simulator in place of the service."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from pushgate.simulator.service import Simulator
from tests.javascript_rig import NODE, SCRIPTS

_CLIENTS = Path(__file__).parent / "service_clients.py"
GOOGLE = ("fcm.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
"""Hosts that firebase-admin of npm knows, and no others."""


def python(name: str) -> list[str]:
    """The command of a client of `tests/service_clients.py`."""
    return [sys.executable, str(_CLIENTS), name]


def node(script: str) -> list[str]:
    """The command of a client in `tests/javascript`; Google's hosts are the simulator for it."""
    return [str(NODE), "--require", str(SCRIPTS / "map_hosts.cjs"), str(SCRIPTS / script)]


def said_by(simulator: Simulator, command: Sequence[str], task: dict[str, Any]) -> Deferred[Any]:
    """What a client says of a task; the reactor goes on meanwhile."""
    ca = str(simulator.certificates.ca)
    environment = {
        **os.environ,
        "REQUESTS_CA_BUNDLE": ca,
        "SSL_CERT_FILE": ca,
        "NODE_EXTRA_CA_CERTS": ca,
        "HOSTS_TO_MAP": ",".join(GOOGLE),
        "PORT_TO_MAP": str(simulator.services_port),
    }
    return deferToThread(_finish, command, environment, task)


def _finish(command: Sequence[str], environment: dict[str, str], task: dict[str, Any]) -> Any:
    done = subprocess.run(
        command, input=json.dumps(task), env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
