"""The programs in the documents that nothing else runs: each is run as it is shown."""

import base64
import hashlib
import hmac
import inspect
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec
from urllib.parse import parse_qs
from uuid import UUID

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pushgate.client import Client
from pushgate.simulator.fault_rules import parse_rules
from pushgate.simulator.service import Simulator
from pushgate.simulator.services.directory import APPS
from pushgate.simulator.services.subscriptions import SubscriptionRequest
from pushgate.simulator.settings import SimulatorTable
from tests.cli.programs import RunningGateway, read_until
from tests.test_docs import DOCS, PAGES, ROOT, blocks

ELSEWHERE = {"plugins.md", "clients.md"}
"""Pages whose programs tests/test_docs.py runs, or holds to files that are tested; tests/client/test_clients_page.py."""
HERE = {
    "README.md": 2, "contract.md": 2, "hub.md": 1, "mdm.md": 1, "rabbitmq.md": 1, "simulator.md": 1, "webpush.md": 1,
}  # fmt: skip
"""The number of programs of those of which a test is here; README.md has an example of plugins/, too."""


def shown(page: str) -> str:
    """The first program of a page."""
    return blocks((DOCS / page).read_text(), "python")[0]


def test_none_is_left_out() -> None:
    """A page that gets another program needs a test of it."""
    found = {
        page.name: len(blocks(page.read_text(), "python")) for page in PAGES if page.name not in ELSEWHERE
    }
    assert {name: count for name, count in found.items() if count} == HERE


def test_the_client_of_the_readme(tmp_path: Path) -> None:
    """The program pushes a thousand and prints what became of them, until it is interrupted."""
    gateway = RunningGateway(tmp_path)
    [program, _] = blocks((ROOT / "README.md").read_text(), "python")
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program.replace("127.0.0.1:7215", gateway.to)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert read_until(process, "accepted") == "1000 accepted, 0 refused\n"
        assert read_until(process, "presumed").split()[1] == "presumed"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        gateway.stop()


def test_the_id_of_a_member() -> None:
    """The id of a member is that of its batch and its index."""
    names: dict[str, Any] = {"batch": "00000000-0000-4000-8000-0000000000ff", "i": 1}
    exec(shown("contract.md"), names)
    assert UUID(names["member"]).int - UUID(names["batch"]).int == 1


def test_the_token_of_a_hub(tmp_path: Path) -> None:
    """The program prints a token for the address, signed with the key in the file."""
    (tmp_path / "hub.key").write_text("a2V5\n")
    address = "https://push.example.com/main"
    done = subprocess.run(
        [sys.executable, "-c", shown("hub.md"), address],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    kind, _, fields = done.stdout.strip().partition(" ")
    given = {name: value for name, [value] in parse_qs(fields).items()}
    assert (kind, given["sr"]) == ("SharedAccessSignature", address)
    signed = f"https%3a%2f%2fpush.example.com%2fmain\n{given['se']}"
    for text in (signed, signed.replace("%3a", "%3A").replace("%2f", "%2F")):
        if base64.b64encode(hmac.digest(b"a2V5", text.encode(), hashlib.sha256)).decode() == given["sig"]:
            return
    pytest.fail("the signature is not that of the address and the time")


def test_the_message_for_rabbitmq() -> None:
    """pika takes the calls; the message is kept on a disk, must arrive in a queue, and is one notification."""

    class Channel:
        def __init__(self) -> None:
            self.calls: list[inspect.BoundArguments] = []

        def __getattr__(self, name: str) -> Any:
            signature = inspect.signature(getattr(BlockingChannel, name))
            return lambda *args, **kwargs: self.calls.append(signature.bind(self, *args, **kwargs))

    channel = Channel()
    exec(shown("rabbitmq.md"), {"channel": channel, "pika": pika})
    _, published = (call.arguments for call in channel.calls)
    assert json.loads(published["body"])["app"] == "news"
    assert (published["properties"].delivery_mode, published["mandatory"]) == (2, True)


def test_the_calls_of_an_mdm_server() -> None:
    """The client takes them, in the order in which they are shown."""
    gateway = create_autospec(Client, instance=True)
    for name in ("enrol", "check_in", "check_out"):
        getattr(gateway, name).return_value = succeed(None)
    body = "".join(f"    {line}\n" for line in shown("mdm.md").splitlines())
    names: dict[str, Any] = {}
    exec(f"async def use(gateway, token, push_magic, udid):\n{body}", names)
    done = Deferred.fromCoroutine(names["use"](gateway, "0a", "magic", "udid"))
    done.addErrback(Failure.raiseException)
    gateway.enrol.assert_called_once_with("devices", "0a", "magic", device="udid", keep_awake=True)
    gateway.check_in.assert_called_once_with("devices", "0a")
    gateway.check_out.assert_called_once_with("devices", "0a", push_magic="magic")


@pytest.fixture
def requests() -> Iterator[tuple[int, list[bytes]]]:
    """A server that takes every POST: its port, and the bodies."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, bodies
    server.shutdown()
    server.server_close()


def test_the_browser_s_subscription(
    requests: tuple[int, list[bytes]], tmp_path: Path, monkeypatch: Any
) -> None:
    """The subscription as the browser gave it is the token, a text in JSON."""
    port, bodies = requests
    monkeypatch.chdir(tmp_path)
    subscription = '{"endpoint":"https://push.example/1","keys":{"p256dh":"x","auth":"y"}}'
    (tmp_path / "subscription.json").write_text(subscription)
    exec(shown("webpush.md").replace("localhost:7216", f"127.0.0.1:{port}"), {})
    assert json.loads(bodies[0]) == {"token": subscription, "payload": {"title": "Hello"}}


class SimulatorTests(TestCase):
    async def test_the_simulator_in_a_test(self) -> None:
        """Each line works in the order in which they are shown."""
        directory = Path(self.mktemp())
        directory.mkdir()
        listen = '"tcp:0:interface=127.0.0.1"'
        lines = shown("simulator.md").replace("…", listen).splitlines()
        source = "async def use(directory):\n" + "".join(f"    {line}\n" for line in lines)
        names = {
            "APPS": APPS, "Path": Path, "Simulator": Simulator, "SimulatorTable": SimulatorTable, "reactor": reactor,
            "SubscriptionRequest": SubscriptionRequest, "parse_rules": parse_rules,
        }  # fmt: skip
        exec(source, names)
        await names["use"](directory)
