"""What etc/container starts, as processes, with apps and sinks in trouble; see `bench.dashboards`."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from bench.broker import Broker
from bench.parts import ENVIRON, HERE, free_port, running, twistd, wait_for_port
from bench.service_apps import write_vapid_key

ETC: Final = HERE.parent / "etc"
CONTROL, HTTP, AMP, METRICS = 2190, 7216, 7215, 7217
ALERT: Final = {"aps": {"alert": "Hello"}}
GATEWAY: Final = """expiry = "4s"
queue_limit = 2000
plugins = ["{directory}/plugins"]
"""
TROUBLE: Final = """
[apps.away]
upstream = "apns-stream"
certificate = "{client}"
trust = "{ca}"
host = "localhost"
port = {closed}
feedback = false
[apps.stream]
upstream = "apns-stream"
certificate = "{client}"
trust = "{ca}"
host = "localhost"
port = 2195
feedback = false
response_timeout = "300ms"
[apps.web]
upstream = "webpush"
vapid_key_file = "{directory}/vapid.pem"
subject = "mailto:ops@example.org"
allow_hosts = ["localhost"]
trust = "{ca}"
[apps.devices]
upstream = "apns-http2"
certificate = "{directory}/mdm.pem"
mdm = true
host = "localhost"
port = 2197
trust = "{ca}"
[apps.raising]
upstream = "raising"
[sinks.gone]
type = "webhook"
url = "http://127.0.0.1:{closed}/"
allow_private = true
secret_file = "{directory}/secret"
max_age = "3s"
[sinks.narrow]
type = "webhook"
url = "http://127.0.0.1:{closed}/"
allow_private = true
secret_file = "{directory}/secret"
buffer = 5
[sinks.held-up]
type = "held-up"
"""
"""What is added to the configuration of the gateway."""


def ask(address: str, body: object = None, method: str | None = None) -> Any:
    """What HTTP on loopback answers, read from JSON; what it refuses is no error here."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{address}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError:
        return None


def replaced(text: str, others: dict[str, str]) -> str:
    """A text with other words in the place of some, each of which has to be there, but for variables."""
    for name, other in others.items():
        assert name in text or name.startswith("$"), f"{name} is not in the file"
        text = text.replace(name, other)
    return text


class Stand:
    """What runs, and what is made to happen.

    :param store: of the hub, an address of PostgreSQL.
    """

    def __init__(self, directory: Path, broker: Broker, store: str) -> None:
        self._directory, self._broker, self._store = directory, broker, store
        self._rounds = 0
        self._senders: list[subprocess.Popen[bytes]] = []
        self._subscriptions: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def everything(self, prometheus: str, port: int) -> Iterator[None]:
        """Simulator, gateway and Prometheus at `port`, in this order."""
        directory = self._directory
        with contextlib.ExitStack() as stack:
            command = twistd("pushgate-simulator", "--config", self._simulator_file())
            simulator = stack.enter_context(running(*command, log=directory / "simulator.log"))
            wait_for_port(CONTROL, simulator)
            command = twistd("pushgate", "--config", self._gateway_file())
            gateway = stack.enter_context(running(*command, log=directory / "gateway.log"))
            wait_for_port(HTTP, gateway)  # inputs are last to listen
            command = (
                prometheus,
                f"--config.file={self._prometheus_file()}",
                f"--storage.tsdb.path={directory}/tsdb",
                f"--web.listen-address=127.0.0.1:{port}",
            )
            wait_for_port(port, stack.enter_context(running(*command, log=directory / "prometheus.log")))
            stack.callback(self._stop_senders)
            yield

    def trouble(self) -> None:
        """Have everything happen once more that a panel counts."""
        number, self._rounds = self._rounds, self._rounds + 1
        for app in ("demo", "away", "stream", "raising"):
            for token in (f"0a{number:04x}", "dead", f"1a7e{number:04x}", "no token"):
                ask(f"{HTTP}/v1/apps/{app}/notifications", {"token": token, "payload": ALERT})
        for each in self._subscriptions:
            body = {"token": json.dumps(each), "payload": {"a": number}}
            ask(f"{HTTP}/v1/apps/web/notifications", body)
        for what, magic in (("enrolments", {"push_magic": "magic"}), ("checkins", {})):
            ask(f"{HTTP}/v1/apps/devices/{what}", {"token": f"0d{number:04x}", **magic})
        self._hub(number)
        self._broker_messages()
        self._strangers()
        if number % 3 == 0:
            self._fill()
        if number % 3 == 1:
            self._broker.control("close_all_connections", "bench")

    def _hub(self, number: int) -> None:
        for handle in (f"00{number:04x}", "dead"):
            self._pushgate(
                "hub", "register", "--hub", "main", "--platform", "apns", "--handle", handle, "--tag", "news"
            )
        self._pushgate("hub", "send", "--hub", "main", "--tags", "news", "--alert", "Hello")

    def _broker_messages(self) -> None:
        body = json.dumps({"app": "demo", "token": "0a1b", "payload": ALERT}).encode()
        with self._broker.channel() as channel:
            channel.basic_publish("", "pushgate", body, mandatory=True)

    def _strangers(self) -> None:
        """A login that fails, and bytes that are not HTTP."""
        secret = str(self._directory / "secret")
        self._pushgate("status", "--login", "stranger", "--secret-file", secret)
        with socket.create_connection(("127.0.0.1", HTTP), 5) as connection:
            connection.sendall(b"garbage\r\n\r\n")
            connection.recv(1000)

    def _fill(self) -> None:
        """Fill a queue whose service is away, so that the sender has to wait."""
        rows = self._directory / "rows.ndjson"
        lines = (json.dumps({"token": f"{at:08x}", "payload": ALERT}) for at in range(2500))
        rows.write_text("\n".join(lines) + "\n")
        command = [*_command(), "send", "--app", "away", "--file", str(rows)]
        self._senders.append(subprocess.Popen(
            command, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ))  # fmt: skip

    def _pushgate(self, *arguments: str) -> None:
        subprocess.run([*_command(), *arguments], env=ENVIRON, capture_output=True, timeout=60, check=False)

    def _stop_senders(self) -> None:
        for each in self._senders:
            each.terminate()
            each.wait(20)

    def _simulator_file(self) -> Path:
        return self._changed("simulator.toml", {"/var/lib/pushgate": f"{self._directory}/simulator"})

    def _prometheus_file(self) -> Path:
        rules = str(ETC / "prometheus" / "pushgate.rules.yml")
        others = {
            "gateway:7217": f"127.0.0.1:{METRICS}",
            "/etc/prometheus/pushgate.rules.yml": rules,
            "15s": "2s",
        }
        return self._changed("prometheus.yml", others)

    def _gateway_file(self) -> Path:
        directory = self._directory
        self._make_files()
        loopback = {f'"tcp:{port}"': f'"tcp:{port}:interface=127.0.0.1"' for port in (HTTP, AMP, METRICS)}
        others = {
            "/var/lib/pushgate": f"{directory}/state",
            "/simulator/": f"{directory}/simulator/",
            "postgresql://pushgate@postgresql/pushgate": self._store,
            'password_file = "/run/secrets/postgresql"\n': "",
            "/run/secrets/": f"{directory}/",
            "amqp://rabbitmq": f"amqp://127.0.0.1:{self._broker.port}",
            '["push", "read"]': '["push", "read", "admin"]',
            "[gateway]\n": f"[gateway]\n{GATEWAY.format(directory=directory)}",
            **loopback,
        }
        path = self._changed("pushgate.toml", others)
        simulator = directory / "simulator"
        added = TROUBLE.format(
            client=simulator / "client.pem", ca=simulator / "ca.pem", closed=free_port(), directory=directory
        )
        path.write_text(path.read_text() + added)
        return path

    def _changed(self, name: str, others: dict[str, str]) -> Path:
        """A copy of a file of etc/container with other words in it."""
        path = self._directory / name
        path.write_text(replaced((ETC / "container" / name).read_text(), others))
        return path

    def _make_files(self) -> None:
        """What the apps and sinks in trouble need."""
        directory = self._directory
        for control, arguments in (
            ("add_user", ("pushgate", "secret-of-the-bench")),
            ("set_permissions", ("pushgate", ".*", ".*", ".*")),
        ):
            self._broker.control(control, *arguments)
        (directory / "rabbitmq").write_text("secret-of-the-bench")
        (directory / "secret").write_text("a-secret-that-no-principal-of-the-gateway-has")
        (directory / "plugins").mkdir()
        shutil.copy(HERE / "troubled_plugins.py", directory / "plugins")
        mdm: Any = import_module("tests.mdm.test_process")
        mdm.certificate(directory / "mdm.pem", "com.apple.mgmt.External.1")
        write_vapid_key(directory)
        [good] = ask(f"{CONTROL}/subscriptions", {"count": 1})
        origin, _, path = good["endpoint"].partition("/wpush/")
        bad = f"{origin.rpartition(':')[0]}:{free_port()}/wpush/{path}"
        self._subscriptions = [good, {**good, "endpoint": bad}]
        late = [{"act": "reject", "status": 8, "token": "1a7e", "delay": "2500ms"}]
        ask(f"{CONTROL}/script", late, "PUT")


def _command() -> tuple[str, ...]:
    return (sys.executable, "-m", "pushgate")
