"""A RabbitMQ broker of one's own: on its own ports and directory, stopped by its process id."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pika

from bench.parts import free_port, wait_for_port

SERVERS: Final = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""Where Debian has the program that runs in the foreground as its caller; else what is on the PATH."""
START: Final = 90.0
"""Seconds a broker has to start on a busy machine."""


def missing() -> str | None:
    """Why there can be no broker here; None when there can."""
    if _server() is None:
        return "rabbitmq-server is not installed (Debian: apt-get install rabbitmq-server)"
    return None if shutil.which("epmd") else "epmd, a part of Erlang, is not on the PATH"


class Broker:
    """A broker that can be stopped and started again, with what it keeps.

    :ivar port: AMQP without TLS.
    :ivar tls_port: with TLS, when there are certificates.
    :param certificates: paths of CA, certificate and key in PEM.
    """

    def __init__(self, directory: Path, certificates: tuple[Path, Path, Path] | None = None) -> None:
        self.directory = directory
        self.port, self.tls_port = free_port(), free_port()
        self._epmd_port, self._dist_port = free_port(), free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "plugins").write_text("[].\n")
        (directory / "rabbitmq.conf").write_text(self._config(certificates))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"amqp://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it; return when it takes connections."""
        if not self._processes:
            self._spawn("epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1")
            wait_for_port(self._epmd_port, self._processes[0])
        server = _server()
        assert server is not None
        wait_for_port(self.port, self._spawn(server), START)
        self._wait_until_it_answers()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the broker, not what it keeps; with SIGKILL it is a crash."""
        shell = self._processes.pop()
        pid = self.directory / "pid"
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(pid.read_text()), number)
        if number is not signal.SIGKILL:
            with contextlib.suppress(subprocess.TimeoutExpired):
                shell.wait(30)
        _end(shell)
        pid.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop everything."""
        if len(self._processes) > 1:
            self.stop()
        while self._processes:
            _end(self._processes.pop())

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says."""
        server = _server()
        assert server is not None
        command = [str(Path(server).with_name("rabbitmqctl")), "-q", *arguments]
        done = subprocess.run(
            command,
            env=self._environ(),
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout

    @contextlib.contextmanager
    def channel(self) -> Iterator[Any]:
        """A channel that publishes with confirms."""
        parameters = pika.URLParameters(f"amqp://guest:guest@127.0.0.1:{self.port}/%2F?heartbeat=60")
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel
        finally:
            if connection.is_open:
                connection.close()

    def _spawn(self, *command: str) -> "subprocess.Popen[bytes]":
        with (self.directory / "out.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self._environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._processes.append(process)
        return process

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START
        while True:
            try:
                with self.channel():
                    return
            except pika.exceptions.AMQPError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _config(self, certificates: tuple[Path, Path, Path] | None) -> str:
        lines = ["loopback_users = none", "disk_free_limit.absolute = 1MB"]
        if certificates is not None:
            lines += [f"listeners.ssl.default = 127.0.0.1:{self.tls_port}"]
            lines += [
                f"ssl_options.{key} = {path}"
                for key, path in zip(("cacertfile", "certfile", "keyfile"), certificates, strict=True)
            ]
            lines += ["ssl_options.verify = verify_none", "ssl_options.fail_if_no_peer_cert = false"]
        return "\n".join(lines) + "\n"

    def _environ(self) -> dict[str, str]:
        path = self.directory
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")},
            "HOME": str(path),  # the cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"pushgate{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(path / "mnesia"),
            "RABBITMQ_LOG_BASE": str(path / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(path / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(path / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(path / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(path / "no-environment"),
        }


@contextlib.contextmanager
def running_broker(directory: Path, certificates: tuple[Path, Path, Path] | None = None) -> Iterator[Broker]:
    """A broker, stopped at the end."""
    broker = Broker(directory, certificates)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


def _server() -> str | None:
    return next((found for name in SERVERS if (found := shutil.which(name))), None)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
