"""The programs as people start them: the command, and a gateway as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pushgate.cli.demo.directory import free_ports

COMMAND = (sys.executable, "-c", "from pushgate.cli import main; main()")
TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=")
CONFIGURATION = """
[gateway]
state_dir = "memory"
[apps.demo]
upstream = "simulator"
response_timeout = "250ms"
simulator = {{ dead = ["dead"] }}
[apps.other]
upstream = "simulator"
response_timeout = "250ms"
[inputs.amp]
type = "amp"
listen = "tcp:{port}:interface=127.0.0.1"
"""
DOWN = CONFIGURATION.replace(
    'upstream = "simulator"',
    'upstream = "apns-stream"\ncertificate = "client.pem"\nhost = "localhost"\nport = 1',
    1,
).replace('simulator = {{ dead = ["dead"] }}\n', "")
"""The push service of `demo` cannot be reached; the certificate is a file beside the configuration."""
LIMITED = (
    CONFIGURATION
    + '[principals.anonymous]\noperations = ["read"]\n[principals.shop]\noperations = ["push"]\n'
    'secret_file = "shop.hash"\n'
)
"""Who does not log in may read; the principal `shop` may push."""


def start(*command: str, cwd: Path | None = None, stdin: int | None = None) -> subprocess.Popen[str]:
    """A process whose output is read through pipes; no terminal is in play."""
    # Unbuffered, as tests read it line by line; and without the tables that a colour variable would bring.
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, cwd=cwd, env=environ, text=True,
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def pushgate(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, text=True, capture_output=True, check=False, timeout=60
    )


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """The next line of its output that holds `word`."""
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f"ended without {word!r}: {process.communicate()}")


def heard(process: subprocess.Popen[str], word: str) -> str:
    """The next line of its standard error that holds `word`; those about a wait may come before."""
    return next(line for line in process.stderr if word in line)


def end(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """Signal this process, and no other; its exit code, and what it still said."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err


class RunningGateway:
    """The gateway with a simulator inside, on a free port, in a process of its own.

    :param configuration: with a place for the port.
    """

    def __init__(self, directory: Path, configuration: str = CONFIGURATION) -> None:
        [port] = free_ports(1)
        self.to = f"127.0.0.1:{port}"
        self.file = directory / "pushgate.toml"
        self.file.write_text(configuration.format(port=port))
        self.restart()

    def restart(self) -> None:
        """Start it, with a new log; return once it is ready."""
        self._log = self.file.with_name("log").open("w+")
        self.process = subprocess.Popen(
            [*TWISTD, "pushgate", "--config", str(self.file)],
            cwd=self.file.parent, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait()

    def log(self) -> str:
        """What it has said by now."""
        return Path(self._log.name).read_text()

    def until_refused(self, app: str) -> None:
        """Wait until a connection of this app's, whose push service is not there, has failed."""
        wait_until(lambda: self._circuit(app)["cause"] == "refused")

    def _circuit(self, app: str) -> Any:
        return json.loads(pushgate("status", "--json", "--to", self.to).stdout)["apps"][app]["circuit"]

    def stop(self) -> None:
        """Stop it, and wait for that."""
        self.process.terminate()
        self.process.wait(60)
        self._log.close()

    def _wait(self) -> None:
        """Until it says that it is ready."""

        def ready() -> bool:
            assert self.process.poll() is None, self.log()
            return "pushgate is ready" in self.log()

        wait_until(ready)


def records(file: Path) -> list[Any]:
    """The records in a file that another program writes: of the lines that are whole."""
    whole, _, _ = file.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what other programs do; fail when it takes longer than any of them may need."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
