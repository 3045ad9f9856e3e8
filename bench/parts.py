"""What the benchmarks share: processes that are stopped by their pid, certificates, a cheap far end."""

import contextlib
import json
import os
import random
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pushgate.cli.demo.directory import free_ports
from pushgate.protocols.apns_binary.frames import encode_run
from pushgate.simulator.certificates import Certificates

HERE = Path(__file__).parent
PAYLOAD = b'{"aps":{"alert":"Your order 4711 is on its way and will arrive today"},"order":4711}'
BATCH = 500
FIGURES = "PUSHGATE_BENCH_FIGURES"
"""The environment variable that names a file for the figures, a JSON object a line; see `bench.suite`."""
DEAD = b"\xba\xd8"
"""What dead tokens begin with, where there are any."""
ENVIRON = {**os.environ, "PYTHONPATH": str(HERE.parent)}
"""So that the programs run the code of this checkout, whatever is installed."""


def free_port() -> int:
    """A TCP port on loopback that nothing listens on just now, and no connection gets."""
    return free_ports(1)[0]


def wait_for_port(port: int, process: "subprocess.Popen[Any]", seconds: float = 20) -> None:
    """Return when something listens on `port`; fail when the process ends or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"process {process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port} after {seconds} s")


@contextlib.contextmanager
def running(
    *command: str, cwd: Path | None = None, log: Path | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A process, terminated by its pid at the end."""
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(log.open("w")) if log else subprocess.PIPE
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=ENVIRON,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT if log else None,
            text=True,
        )
        try:
            yield process
        except BaseException as error:
            if log is not None:
                error.add_note("".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:]))
            raise
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def python(script: str, *arguments: object) -> tuple[str, ...]:
    """The command that runs one of the programs beside this file."""
    return (sys.executable, str(HERE / script), *map(str, arguments))


def twistd(*arguments: object) -> tuple[str, ...]:
    """The command that runs twistd in the foreground."""
    return (str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", *map(str, arguments))


@contextlib.contextmanager
def workspace() -> Iterator[tuple[Path, Certificates]]:
    """A temporary directory with throw-away certificates."""
    with tempfile.TemporaryDirectory(prefix="pushgate-bench-") as name:
        directory = Path(name)
        yield directory, Certificates.in_directory(directory / "certificates")


def app_table(name: str, certificates: Certificates, port: object, **settings: object) -> list[str]:
    """The lines that configure an app on the binary service at `port`; a setting of None is left out."""
    every = {
        "upstream": "apns-stream", "certificate": str(certificates.client), "trust": str(certificates.ca),
        "host": "localhost", "port": port, "feedback": False, **settings,
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in every.items() if value is not None]
    return [f"[apps.{name}]", *lines]


def gateway_config(
    directory: Path, certificates: Certificates, port: int, amp: int, state_dir: str = "memory", **app: object
) -> Path:
    """A configuration file: one app on the binary service at `port`, an AMP input, no sinks."""
    lines = [
        "[gateway]", f"state_dir = {json.dumps(state_dir)}", "queue_limit = 10000000",
        *app_table("news", certificates, port, **app),
        "[inputs.amp]", 'type = "amp"', f'listen = "tcp:{amp}:interface=127.0.0.1"',
    ]  # fmt: skip
    path = directory / "pushgate.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def frame_size(payload: bytes = PAYLOAD) -> int:
    """Bytes of one frame as the gateway writes it, with a token of 32 bytes."""
    return len(encode_run([bytes(32)], [payload], [1], None, 10)[0])


def spread(name: str, values: Sequence[float], unit: str, form: str = ".3g") -> str:
    """One line: median and range; the values too for the program that asked for them, see `FIGURES`."""
    if FIGURES in os.environ:
        with Path(os.environ[FIGURES]).open("a") as file:
            print(json.dumps({"name": name, "unit": unit.strip(), "values": list(values)}), file=file)
    return (
        f"{name}: median {statistics.median(values):{form}}{unit}"
        f" (from {min(values):{form}} to {max(values):{form}}, n={len(values)})"
    )


def tokens(count: int, start: int = 0, dead: float = 0.0) -> list[bytes]:
    """Different device tokens of 32 bytes.

    :param dead: the share of those that begin with `DEAD`, at places that are the same each time.
    """
    chosen = set(random.Random(1).sample(range(count), round(count * dead)))
    return [
        (DEAD if index in chosen else b"\x00\x01") + (start + index).to_bytes(30, "big")
        for index in range(count)
    ]


def connected(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS connection to a service on loopback."""
    plain = socket.create_connection(("127.0.0.1", port), 10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost")


Measure = Callable[[], float]
