"""The directory in which the demonstration takes place, and what stands in it."""

import contextlib
import fcntl
import itertools
import os
import shutil
import socket
from pathlib import Path
from typing import Final

from pushgate.cli.demo.devices import DEAD_PREFIX, Devices
from pushgate.cli.demo.services import DemoService
from pushgate.model.errors import CannotStart

_MARK: Final = ".pushgate-demo"
"""The file that makes a directory a former demonstration, which may be cleared away."""
_PROPS: Final = (
    "simulator.toml", "simulator.log", "gateway.toml", "gateway.log", "outcomes.jsonl", "certificates",
)  # fmt: skip
"""All that a demonstration leaves behind."""

_SIMULATOR: Final = """\
# The push service's side of `pushgate demo`. To run it again, in this directory:
#     twistd -n --pidfile= pushgate-simulator --config simulator.toml

[simulator]
listen = "tcp:{push}:interface=127.0.0.1"
feedback_listen = "tcp:{feedback}:interface=127.0.0.1"
control_listen = "tcp:{control}:interface=127.0.0.1"
http2_listen = "tcp:{http2}:interface=127.0.0.1"
services_listen = "tcp:0:interface=127.0.0.1"
state_dir = "certificates"
record_limit = {limit}
dead = ["{dead}"]           # tokens that begin so are rejected: status 8, over HTTP/2 410

{script}"""
_GATEWAY: Final = """\
# The gateway of `pushgate demo`. To run it again, in this directory, beside the simulator:
#     twistd -n --pidfile= pushgate --config gateway.toml

[gateway]
state_dir = "memory"
drain_timeout = "5s"

[apps.demo]
upstream = "{upstream}"
topic = "com.example.demo"
trust = "certificates/ca.pem"
host = "localhost"
{app}delivery = "at-least-once"  # what a connection that dies without a word means: send again

[inputs.amp]
type = "amp"
listen = "tcp:{amp}:interface=127.0.0.1"

[sinks.outcomes]
type = "jsonl"
path = "outcomes.jsonl"

[sinks.log]
type = "log"
"""


class DemoDirectory:
    """A directory of one demonstration: configuration files, logs, certificates, the outcome file.

    :param directory: made when it is not there; cleared when it holds a former demonstration.
    :raises CannotStart: when it holds anything else, cannot be written, or is in use.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            self._claim()
        except OSError as error:
            where = error.filename or directory
            raise CannotStart([f"{where}: {error.strerror}; choose another directory with --dir"]) from error
        self.push, self.feedback, self.control, self.amp, self.http2 = free_ports(5)

    @property
    def simulator_log(self) -> Path:
        """What the push service's side writes."""
        return self.directory / "simulator.log"

    @property
    def gateway_log(self) -> Path:
        """What the gateway writes."""
        return self.directory / "gateway.log"

    @property
    def outcomes(self) -> Path:
        """The gateway's outcome records, one a line."""
        return self.directory / "outcomes.jsonl"

    def write_configuration(self, devices: Devices, service: DemoService, response_timeout: float) -> None:
        """Write the configuration files of both processes."""
        facts = {
            "push": self.push, "feedback": self.feedback, "control": self.control, "amp": self.amp,
            "http2": self.http2, "dead": DEAD_PREFIX.hex(), "upstream": service.upstream,
            "shutdown_at": devices.shutdown_at.hex(), "close_at": devices.close_at.hex(),
            "limit": 2 * len(devices.tokens),
            "response_timeout": f"{response_timeout:g}s",
        }  # fmt: skip
        script, app = service.script.format(**facts), service.app.format(**facts)
        (self.directory / "simulator.toml").write_text(_SIMULATOR.format(**facts, script=script))
        (self.directory / "gateway.toml").write_text(_GATEWAY.format(**facts, app=app))

    def close(self) -> None:
        """Let others use the directory."""
        os.close(self._mark)

    def _claim(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        mark = self.directory / _MARK
        if not mark.exists() and any(self.directory.iterdir()):
            raise CannotStart([
                f"{self.directory}: holds something else than a former demo; choose another with --dir"
            ])  # fmt: skip
        # Locked as long as this process lives: two demonstrations would clear away each other's files.
        self._mark = os.open(mark, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise CannotStart([
                f"{self.directory}: another demo is running in it; wait, or choose another with --dir"
            ]) from None  # fmt: skip
        for name in _PROPS:
            prop = self.directory / name
            if prop.is_dir() and not prop.is_symlink():
                shutil.rmtree(prop)
            else:
                prop.unlink(missing_ok=True)


FIRST_PORT: Final = 20_000
PORTS: Final = 12_000
"""How many ports from the first are tried."""
_NUMBERS = itertools.count()


def free_ports(count: int) -> list[int]:
    """Different TCP ports on loopback that are free just now.

    They are below those that the system gives to connections (on Linux 32768 and more): until a port is
    listened on, any program that connects somewhere could get it. Each process begins at a place of its own.
    """
    found: list[int] = []
    for number in _NUMBERS:
        port = FIRST_PORT + (os.getpid() * 61 + number) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            break
    return found
