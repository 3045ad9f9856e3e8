"""Microsoft's own SDK, unmodified, at a real gateway, and what the push services received in the end."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from pushgate.cli.demo.directory import free_ports
from tests.hub_clients import connection_string
from tests.javascript_rig import NODE, SCRIPTS
from tests.test_every_service import PAYLOADS, Newcomer

KEY = "0123456789abcdef0123456789abcdef"
HUB = """
[hubs.main]
apns = "apns"
fcmv1 = "fcm"
wns = "wns"
browser = "webpush"
[hubs.main.rules.Full]
rights = ["listen", "send", "manage"]
key_file = "hub.key"
[inputs.hub]
type = "hub"
listen = "tcp:{port}:interface=127.0.0.1"
certificate = "hub.pem"
hubs = ["main"]
"""
PYTHON_CLIENT = Path(__file__).parent / "notification_hubs_client.py"
JSON = "application/json;charset=utf-8"
APPLE = {
    "platform": "apple",
    "contentType": JSON,
    "body": PAYLOADS["apns"],
    "headers": {"apns-priority": "5"},
}
FCM = {"platform": "fcmv1", "contentType": JSON, "body": '{"message":{"notification":{"title":"Hello"}}}'}
TOAST = {
    "platform": "windows", "contentType": "application/xml", "body": PAYLOADS["wns"],
    "headers": {"X-WNS-Type": "wns/toast"},
}  # fmt: skip
TEMPLATE = {"platform": "template", "contentType": JSON, "body": '{"headline":"It \\"rains\\"","unread":"3"}'}


class Hub(Newcomer):
    """A simulator of every service, and a gateway with a hub over four of them."""

    def _configuration(self) -> str:
        self.port = free_ports(1)[0]
        authority = trustme.CA()
        self.ca = self._directory / "hub-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        certificate = authority.issue_cert("localhost").private_key_and_cert_chain_pem
        certificate.write_to_path(str(self._directory / "hub.pem"))
        (self._directory / "hub.key").write_text(KEY)
        text = super()._configuration().replace('state_dir = "memory"', 'state_dir = "state"')
        return text + HUB.format(port=self.port)

    def call(self, *calls: list[Any]) -> list[Any]:
        """What each call of the SDK for JavaScript gave, or its error."""
        task = {"connection": connection_string(self.port, "Full", KEY), "hub": "main", "calls": calls}
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(self.ca)}
        command = [str(NODE), str(SCRIPTS / "notification_hubs.js")]
        return json.loads(_run(command, environment, task))

    def python(self, *calls: list[Any]) -> list[Any]:
        """What each call of the SDK for Python gave."""
        task = {"connection": connection_string(self.port, "Full", KEY), "hub": "main", "calls": calls}
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(self.ca))
        return json.loads(
            _run([sys.executable, str(PYTHON_CLIENT)], os.environ | trust, task).splitlines()[-1]
        )

    def received(self, *calls: list[Any]) -> Counter[tuple[str, str, str]]:
        """Service, device and payload of all that these calls had the services accept, once all is done."""
        since = self.ask("/received?since=0&limit=10000")["next"]
        results = self.call(*calls)
        assert [each for each in results if "value" not in each] == []
        for each in results:
            self.details(each["value"]["notificationId"])
        found = self.ask(f"/received?since={since}&limit=10000")["received"]
        return Counter(
            (each["service"], each["token"] if each["handle"] is None else each["handle"], each["payload"])
            for each in found
        )

    def details(self, number: str) -> Any:
        """What the SDK says of a send, once it has ended."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            [found] = self.call(["getNotificationOutcomeDetails", number])
            if found["value"]["state"] in ("Completed", "NoTargetFound", "Abandoned"):
                return found["value"]
        raise AssertionError(found)


def _run(command: list[str], environment: Any, task: Any) -> str:
    done = subprocess.run(
        command, input=json.dumps(task), env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def registrations(hub: Hub) -> list[list[Any]]:
    """Devices of each platform, with tags, two of them by templates."""
    alert = '{"aps":{"alert":"$(headline)","badge":"#(unread)"}}'
    message = '{"message":{"notification":{"title":"{\'News: \' + $(headline)}"}}}'
    browser = json.loads(hub.target("webpush", "page"))
    return [
        ["createRegistration", {"kind": "Apple", "deviceToken": "00A1", "tags": ["news", "lang:en"]}],
        ["createRegistration", {"kind": "Apple", "deviceToken": "00A2", "tags": ["news", "lang:de"]}],
        ["createRegistration", {"kind": "Apple", "deviceToken": "DEAD", "tags": ["news"]}],
        ["createRegistration", {"kind": "FcmV1", "fcmV1RegistrationId": "phone", "tags": ["news"]}],
        ["createRegistration", {"kind": "Windows", "channelUri": f"{hub.url}/wns/desk", "tags": ["news"]}],
        ["createRegistration", {"kind": "Browser", "endpoint": browser["endpoint"], **browser["keys"], "tags": ["web"]}],
        ["createRegistration", {"kind": "AppleTemplate", "deviceToken": "00A3", "bodyTemplate": alert,
                                "templateName": "t", "tags": ["news"]}],
        ["createOrUpdateInstallation", {
            "installationId": "tablet", "platform": "fcmv1", "pushChannel": "tablet", "tags": ["lang:en"],
            "templates": {"t": {"body": message, "tags": ["news"]}},
        }],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    started = Hub(tmp_path_factory.mktemp("hub_sdks"))
    results = started.call(*registrations(started))
    assert [each for each in results if "value" not in each] == []
    yield started
    started.stop()


def test_tags_and_platforms(hub: Hub) -> None:
    """A native send reaches the devices of its platform that the expression finds, with its body unchanged."""
    assert hub.received(
        ["sendNotification", APPLE, {"tagExpression": "news && !lang:de"}],
        ["sendNotification", FCM, {"tagExpression": "news || lang:en"}],
        ["sendBroadcastNotification", TOAST],
        ["sendNotification", {**APPLE, "platform": "browser", "body": "Hello"}, {"tagExpression": "web"}],
    ) == Counter({
        ("apns", "00a1", PAYLOADS["apns"]): 1,
        ("fcm", "phone", '{"notification":{"title":"Hello"}}'): 1,
        ("fcm", "tablet", '{"notification":{"title":"Hello"}}'): 1,
        ("wns", "desk", PAYLOADS["wns"]): 1,
        ("webpush", next(iter(hub.ask("/received?since=0&limit=1000")["received"][-1:]))["handle"], "Hello"): 1,
    })  # fmt: skip


def test_templates(hub: Hub) -> None:
    """A template send reaches each device with a template, in the form that this device wants."""
    assert hub.received(["sendNotification", TEMPLATE, {"tagExpression": "news"}]) == Counter({
        ("apns", "00a3", '{"aps":{"alert":"It \\"rains\\"","badge":3}}'): 1,
        ("fcm", "tablet", '{"notification":{"title":"News: It \\"rains\\""}}'): 1,
    })  # fmt: skip


def test_direct_and_scheduled(hub: Hub) -> None:
    """Named devices need no registration; what is cancelled is not sent."""
    far = {"$date": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 86400))}
    scheduled, cancelled, details = hub.call(
        ["scheduleNotification", far, APPLE, {"tagExpression": "news"}],
        ["cancelScheduledNotification", {"$of": [0, "notificationId"]}],
        ["getNotificationOutcomeDetails", {"$of": [0, "notificationId"]}],
    )
    assert "value" in scheduled
    assert "value" in cancelled
    assert details["value"]["state"] in ("Canceled", "Cancelled")
    assert hub.received(
        ["sendNotification", APPLE, {"deviceHandle": "00b1"}],
        ["sendNotification", APPLE, {"deviceHandle": ["00b2", "00b3"]}],
    ) == Counter({("apns", f"00b{number}", PAYLOADS["apns"]): 1 for number in (1, 2, 3)})


def test_telemetry_and_what_becomes_of_dead_devices(hub: Hub) -> None:
    """The outcomes are counted by name; a device that is dead is not sent to again."""
    [sent] = hub.call(["sendBroadcastNotification", APPLE])
    first = hub.details(sent["value"]["notificationId"])
    counts = {each["state"]: each["count"] for each in first["apnsOutcomeCounts"]}
    assert counts["Success"] == 2
    [kept] = hub.call(["listRegistrationsByTag", "news"])
    tokens = [each.get("deviceToken") for page in kept["value"] for each in page]
    assert {"00A1", "00A2", "00A3"} <= set(tokens)


def test_the_sdk_for_python(hub: Hub) -> None:
    """PyPI's client sends to the same devices."""
    given = {"is_direct": False, "payload": {"aps": {"alert": "py"}}, "tags": "lang:de"}
    since = hub.ask("/received?since=0&limit=10000")["next"]
    assert hub.python(["send_apple_notification", given]) == [{"status": 201}]
    deadline = time.monotonic() + 20
    while not (found := hub.ask(f"/received?since={since}&limit=100")["received"]):
        assert time.monotonic() < deadline
    [only] = found
    assert (only["token"], json.loads(only["payload"])) == ("00a2", {"aps": {"alert": "py"}})
