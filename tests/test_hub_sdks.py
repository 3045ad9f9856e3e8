"""Microsoft's own SDK, unmodified, at a real gateway, and what the push services received in the end."""

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from pushgate.cli.demo.directory import free_ports
from pushgate.protocols.notification_hubs.sas import sign
from tests.cli.programs import wait_until
from tests.hub_clients import connection_string
from tests.javascript_rig import NODE, SCRIPTS
from tests.test_every_service import PAYLOADS, Newcomer

KEY: Final = "0123456789abcdef0123456789abcdef"
HUB: Final = """
[hubs.main]
apns = "apns"
fcmv1 = "fcm"
gcm = "fcm"
wns = "wns"
mpns = "mpns"
adm = "adm"
baidu = "baidu"
browser = "webpush"
xiaomi = "xiaomi"
[hubs.main.rules.Full]
rights = ["listen", "send", "manage"]
key_file = "hub.key"
[inputs.hub]
type = "hub"
listen = "tcp:{port}:interface=127.0.0.1"
certificate = "hub.pem"
hubs = ["main"]
"""
PYTHON_CLIENT: Final = Path(__file__).parent / "notification_hubs_client.py"
JSON: Final = "application/json;charset=utf-8"
XML: Final = "application/xml"
FCM: Final = '{"message":{"notification":{"title":"Hello"}}}'
NOTIFICATIONS: Final[dict[str, dict[str, Any]]] = {
    "Apple": {"platform": "apple", "contentType": JSON, "body": PAYLOADS["apns"]},
    "FcmV1": {"platform": "fcmv1", "contentType": JSON, "body": FCM},
    "Gcm": {"platform": "gcm", "contentType": JSON, "body": FCM},
    "Windows": {
        "platform": "windows", "contentType": XML, "body": PAYLOADS["wns"],
        "headers": {"X-WNS-Type": "wns/toast"},
    },
    "Adm": {"platform": "adm", "contentType": JSON, "body": PAYLOADS["adm"]},
    "Baidu": {"platform": "baidu", "contentType": JSON, "body": PAYLOADS["baidu"]},
    "Browser": {"platform": "browser", "contentType": JSON, "body": "Hello"},
    "Xiaomi": {"platform": "xiaomi", "contentType": JSON, "body": PAYLOADS["xiaomi"]},
}  # fmt: skip
"""A native notification of each platform that the SDK sends to, by the kind of registration."""
APPLE: Final = NOTIFICATIONS["Apple"]
NEWS: Final = {
    "platform": "template",
    "contentType": JSON,
    "body": '{"headline":"It \\"rains\\"","unread":"3"}',
}
TEMPLATES: Final = {
    "Apple": '{"aps":{"alert":"$(headline)","badge":"#(unread)"}}',
    "FcmV1": '{"message":{"notification":{"title":"{\'News: \' + $(headline)}"}}}',
    "Gcm": '{"message":{"notification":{"title":"$(headline)"}}}',
    "Windows": PAYLOADS["wns"].replace("Hello", "$(headline)"),
    "Mpns": PAYLOADS["mpns"].replace("Hello", "$(headline)"),
    "Adm": '{"data":{"title":"$(headline)"}}',
    "Baidu": '{"title":"$(headline)","description":"there"}',
    "Browser": '{"title":"$(headline)"}',
    "Xiaomi": '{"title":"$(headline)","description":"there","pass_through":0,"notify_type":-1}',
}
HEADERS: Final = {
    "Apple": {"apnsHeaders": {"apns-priority": "5"}},
    "Windows": {"wnsHeaders": {"X-WNS-Type": "wns/toast"}},
    "Mpns": {"mpnsHeaders": {"X-WindowsPhone-Target": "toast", "X-NotificationClass": "2"}},
}
SERVICES: Final = {
    "Apple": "apns", "FcmV1": "fcm", "Gcm": "fcm", "Windows": "wns", "Mpns": "mpns", "Adm": "adm", "Baidu": "baidu",
    "Browser": "webpush", "Xiaomi": "xiaomi",
}  # fmt: skip
"""The push service of each kind of registration."""
Received = Counter[tuple[str, str]]


class Hub(Newcomer):
    """A simulator of every service, and a gateway with a hub over all that a hub has platforms for."""

    def _configuration(self) -> str:
        self.port = free_ports(1)[0]
        authority = trustme.CA()
        self.ca = self._directory / "hub-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        certificate = authority.issue_cert("localhost").private_key_and_cert_chain_pem
        certificate.write_to_path(str(self._directory / "hub.pem"))
        (self._directory / "hub.key").write_text(KEY)
        text = super()._configuration().replace('state_dir = "memory"', 'state_dir = "state"')
        text = text.replace("[apps.baidu]", '[apps.baidu]\nretry_delay = "1s"')
        return text + HUB.format(port=self.port)

    def attempt(self, *calls: list[Any]) -> list[Any]:
        """What each call of the SDK for JavaScript gave, or its error."""
        task = {"connection": connection_string(self.port, "Full", KEY), "hub": "main", "calls": calls}
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(self.ca)}
        command = [str(NODE), str(SCRIPTS / "notification_hubs.js")]
        results: list[Any] = json.loads(_run(command, environment, task))
        return results

    def call(self, *calls: list[Any]) -> list[Any]:
        """What each call gave; none may fail."""
        results = self.attempt(*calls)
        assert [each for each in results if "value" not in each] == []
        return [each["value"] for each in results]

    def python(self, *calls: list[Any]) -> list[Any]:
        """What each call of the SDK for Python gave."""
        task = {"connection": connection_string(self.port, "Full", KEY), "hub": "main", "calls": calls}
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(self.ca))
        output = _run([sys.executable, str(PYTHON_CLIENT)], os.environ | trust, task)
        results: list[Any] = json.loads(output.splitlines()[-1])
        return results

    def sent(self, *sends: list[Any]) -> tuple[list[Any], list[Any]]:
        """What became of each send in the end, and what the services received by then."""
        since = self.ask("/received?since=0&limit=1")["total"]
        ends = [["ended", {"$of": [at, "notificationId"]}] for at in range(len(sends))]
        details = self.call(*sends, *ends)[len(sends) :]
        return details, self.received(since)

    def received(self, since: int) -> list[Any]:
        """What the services received from the one with this index on."""
        found: list[Any] = self.ask(f"/received?since={since}&limit=1000")["received"]
        return found

    def container(self) -> str:
        """The address of a new container for files of jobs."""
        url = f"https://localhost:{self.port}/main/containers"
        headers = {"Authorization": sign(url, KEY.encode(), int(time.time()) + 600, "Full")}
        request = urllib.request.Request(url, b"", headers)
        trust = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=trust) as answer:
            address: str = answer.read().decode()
            return address

    def fetch(self, address: str, *path: str, data: bytes | None = None) -> bytes:
        """A file of a container, or what is answered when one is put there."""
        base, _, signature = address.partition("?")
        headers = {"x-ms-blob-type": "BlockBlob"}
        method = "GET" if data is None else "PUT"
        url = "/".join((base, *path)) + f"?{signature}"
        request = urllib.request.Request(url, data, headers, method=method)
        trust = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=trust) as answer:
            found: bytes = answer.read()
            return found


def _run(command: list[str], environment: Any, task: Any) -> str:
    done = subprocess.run(
        command, input=json.dumps(task), env=environment, capture_output=True, text=True, timeout=80
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def device(each: Any) -> tuple[str, str]:
    """The service and the device of what was received."""
    return each["service"], each["token"] if each["handle"] is None else each["handle"]


def devices(received: list[Any]) -> Received:
    """How often each device received something."""
    return Counter(map(device, received))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    started = Hub(tmp_path_factory.mktemp("hub_sdks"))
    try:
        yield started
    finally:
        started.stop()


class Kinds:
    """Two devices of each kind of registration: one that is native, and one with a template.

    :ivar native, template: the registrations, by kind.
    :ivar devices: what the services call them, the native one and the other, by kind.
    """

    def __init__(self, hub: Hub) -> None:
        both = [self._handles(hub, name) for name in ("native", "template")]
        self.devices = {kind: [each[kind][1] for each in both] for kind in SERVICES}
        self.native = {
            kind: {"kind": kind, **handle, "tags": [kind, "native"]} for kind, (handle, _) in both[0].items()
        }
        self.template = {
            kind: {
                "kind": f"{kind}Template", **handle, **HEADERS.get(kind, {}), "bodyTemplate": TEMPLATES[kind],
                "templateName": "news", "tags": ["templates"],
            }
            for kind, (handle, _) in both[1].items()
        }  # fmt: skip

    def _handles(self, hub: Hub, name: str) -> dict[str, tuple[dict[str, str], tuple[str, str]]]:
        page = json.loads(hub.target("webpush", name))
        token = f"00{name.encode().hex()}"
        return {
            "Apple": ({"deviceToken": token.upper()}, ("apns", token)),
            "FcmV1": ({"fcmV1RegistrationId": name}, ("fcm", name)),
            "Gcm": ({"gcmRegistrationId": f"{name}-gcm"}, ("fcm", f"{name}-gcm")),
            "Windows": ({"channelUri": f"{hub.url}/wns/{name}"}, ("wns", name)),
            "Mpns": ({"channelUri": f"{hub.url}/mpns/{name}"}, ("mpns", name)),
            "Adm": ({"admRegistrationId": name}, ("adm", name)),
            "Baidu": ({"baiduUserId": "123", "baiduChannelId": name}, ("baidu", name)),
            "Browser": (
                {"endpoint": page["endpoint"], **page["keys"]},
                ("webpush", page["endpoint"].rpartition("/")[2]),
            ),
            "Xiaomi": ({"xiaomiRegistrationId": name}, ("xiaomi", name)),
        }


@pytest.fixture(scope="module")
def kinds(hub: Hub) -> Kinds:
    """Registered, each of which came back as it was given."""
    made = Kinds(hub)
    given = [*made.native.values(), *made.template.values()]
    kept = hub.call(*(["createRegistration", each] for each in given))
    for before, after in zip(given, kept, strict=True):
        assert {key: after.get(key) for key in before} == before
        assert after["registrationId"]
    return made


def body(each: Any) -> str:
    """The payload of what was received; Xiaomi's is in fields among others."""
    return each["headers"]["title"] if each["service"] == "xiaomi" else each["payload"]


def test_a_native_send_to_each_platform(hub: Hub, kinds: Kinds) -> None:
    """It reaches the device of its platform that has the tag, once, with its body."""
    sends = [
        ["sendNotification", each, {"tagExpression": f"native && {kind}"}]
        for kind, each in NOTIFICATIONS.items()
    ]
    details, received = hub.sent(*sends)
    assert [each["state"] for each in details] == ["Completed"] * len(sends)
    assert devices(received) == Counter(kinds.devices[kind][0] for kind in NOTIFICATIONS)
    fields = '{"title":"Hello","description":"there"}'
    message = '{"notification":{"title":"Hello"}}'
    wanted = {
        "Apple": PAYLOADS["apns"], "FcmV1": message, "Gcm": message, "Windows": PAYLOADS["wns"],
        "Adm": '{"title":"Hello"}', "Baidu": fields, "Browser": "Hello", "Xiaomi": "Hello",
    }  # fmt: skip
    bodies = {device(each): body(each) for each in received}
    assert {kind: bodies[kinds.devices[kind][0]] for kind in wanted} == wanted


def test_a_template_send_to_all_platforms(hub: Hub, kinds: Kinds) -> None:
    """It reaches each device with a template once, in the form that this device wants."""
    [details], received = hub.sent(["sendNotification", NEWS, {"tagExpression": "templates"}])
    assert devices(received) == Counter(each for _, each in kinds.devices.values())
    text = 'It "rains"'
    wanted = {
        "Apple": json.dumps({"aps": {"alert": text, "badge": 3}}),
        "FcmV1": json.dumps({"notification": {"title": f"News: {text}"}}),
        "Gcm": json.dumps({"notification": {"title": text}}),
        "Windows": PAYLOADS["wns"].replace("Hello", "It &quot;rains&quot;"),
        "Mpns": PAYLOADS["mpns"].replace("Hello", "It &quot;rains&quot;"),
        "Adm": json.dumps({"title": text}),
        "Baidu": json.dumps({"title": text, "description": "there"}),
        "Browser": json.dumps({"title": text}),
        "Xiaomi": text,
    }
    bodies = {device(each): body(each) for each in received}
    found = {kind: bodies[kinds.devices[kind][1]] for kind in wanted}
    xml = {"Windows", "Mpns", "Xiaomi"}
    assert {kind: each if kind in xml else json.loads(each) for kind, each in found.items()} == {
        kind: each if kind in xml else json.loads(each) for kind, each in wanted.items()
    }
    groups = ("apns", "adm", "baidu", "browser", "fcm", "fcmV1", "xiaomi", "wns")
    for group in groups:
        assert details[f"{group}OutcomeCounts"] == [{"state": "Success", "count": 1}]


def test_a_service_that_is_down_delays_no_other(hub: Hub, kinds: Kinds) -> None:
    """A template send reaches the devices of all others meanwhile, and its own when it is back, each once."""
    since = hub.ask("/received?since=0&limit=1")["total"]
    hub.ask("/script", b'[{"act": "answer", "service": "baidu", "status": 503}]', method="PUT")
    [sent] = hub.call(["sendNotification", NEWS, {"tagExpression": "templates"}])
    everybody = Counter(each for _, each in kinds.devices.values())
    others = everybody - Counter([kinds.devices["Baidu"][1]])
    wait_until(lambda: devices(hub.received(since)) == others)
    [during] = hub.call(["getNotificationOutcomeDetails", sent["notificationId"]])
    assert during["state"] == "Processing"
    hub.ask("/script", b"[]", method="PUT")
    [after] = hub.call(["ended", sent["notificationId"]])
    assert after["state"] == "Completed"
    assert devices(hub.received(since)) == everybody


def test_expressions_and_broadcasts(hub: Hub, kinds: Kinds) -> None:
    """Devices are found by all of their tags, those of installations too, and each once."""
    phones = [
        ["createRegistration", {"kind": "Apple", "deviceToken": f"00B{at}", "tags": ["news", *tags]}]
        for at, tags in enumerate((["lang:en"], ["lang:de"], ["lang:en", "trial"]))
    ]
    tablet = {
        "installationId": "tablet", "platform": "apns", "pushChannel": "00BF", "tags": ["lang:en"], "userId": "anna",
        "templates": {"t": {"body": TEMPLATES["Apple"], "tags": ["tablets"]}},
    }  # fmt: skip
    hub.call(*phones, ["createOrUpdateInstallation", tablet])
    sends = {
        "(news && !lang:de) && !trial": {"00b0"},
        "lang:en || lang:de": {"00b0", "00b1", "00b2", "00bf"},
        "$UserId:{anna}": {"00bf"},
        "$InstallationId:{tablet}": {"00bf"},
    }
    for expression, tokens in sends.items():
        [details], received = hub.sent(["sendNotification", APPLE, {"tagExpression": expression}])
        assert devices(received) == Counter(("apns", token) for token in tokens), expression
    _, received = hub.sent(["sendBroadcastNotification", APPLE])
    native = kinds.devices["Apple"][0][1]
    assert devices(received) == Counter(("apns", each) for each in (native, "00b0", "00b1", "00b2", "00bf"))
    [details], received = hub.sent(["sendNotification", APPLE, {"tagExpression": "nothing:has-it"}])
    assert (details["state"], received) == ("NoTargetFound", [])


def test_the_life_of_registrations_and_installations(hub: Hub) -> None:
    """What was changed or deleted is sent to as it is now, or not at all."""
    phone = {"kind": "Apple", "registrationId": {"$of": [0]}, "deviceToken": "00C0", "tags": ["old"]}
    own = {"installationId": "own", "platform": "apns", "pushChannel": "00C1", "tags": ["old"]}
    results = hub.attempt(
        ["createRegistrationId"],
        ["createOrUpdateRegistration", phone],
        ["updateRegistration", {**phone, "etag": {"$of": [1, "etag"]}, "tags": ["changed"]}],
        ["updateRegistration", {**phone, "etag": "0"}],
        ["createOrUpdateInstallation", own],
        ["updateInstallation", "own", [{"op": "replace", "path": "/tags/old", "value": "changed"}]],
        ["getRegistration", {"$of": [0]}],
        ["getInstallation", "own"],
    )
    assert [each.get("status") for each in results] == [None, None, None, 412, None, None, None, None]
    assert [each["value"]["tags"] for each in results[-2:]] == [["changed"]] * 2
    _, received = hub.sent(["sendNotification", APPLE, {"tagExpression": "old || changed"}])
    assert devices(received) == Counter({("apns", "00c0"): 1, ("apns", "00c1"): 1})
    _, received = hub.sent(["sendNotification", APPLE, {"tagExpression": "old"}])
    assert received == []
    [listed] = hub.call(["listRegistrationsByTag", "changed", {"top": 1}])
    assert [len(page) for page in listed] == [1, 1]
    number = results[1]["value"]["registrationId"]
    gone = hub.attempt(
        ["deleteRegistration", number],
        ["deleteInstallation", "own"],
        ["getRegistration", number],
        ["getInstallation", "own"],
        ["listRegistrationsByChannel", {"kind": "apple", "deviceToken": "00C0"}],
    )
    assert [each.get("status") for each in gone] == [None, None, 404, 404, None]
    assert gone[-1]["value"] == [[]]
    _, received = hub.sent(["sendNotification", APPLE, {"tagExpression": "changed"}])
    assert received == []


def test_direct_and_scheduled(hub: Hub, kinds: Kinds) -> None:
    """Named devices need no registration; what is scheduled comes then, and what is cancelled never."""
    far, near = (
        {"$date": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + later))}
        for later in (86400, 2)
    )
    page = kinds.native["Browser"]
    subscription = {each: page[each] for each in ("endpoint", "p256dh", "auth")}
    cancelled, kept = hub.call(
        ["scheduleNotification", far, APPLE, {"tagExpression": "native"}],
        ["scheduleBroadcastNotification", far, APPLE],
    )
    results = hub.attempt(
        ["cancelScheduledNotification", cancelled["notificationId"]],
        ["cancelScheduledNotification", kept["notificationId"]],
        ["cancelScheduledNotification", kept["notificationId"]],
        ["ended", cancelled["notificationId"]],
    )
    assert [each.get("status") for each in results] == [None, None, 409, None]
    details, received = hub.sent(
        ["sendNotification", APPLE, {"deviceHandle": "00D1"}],
        ["sendNotification", APPLE, {"deviceHandle": ["00D2", "00D3"]}],
        ["sendNotification", NOTIFICATIONS["Browser"], {"deviceHandle": subscription}],
        ["scheduleNotification", near, APPLE, {"tagExpression": "native"}],
    )
    wanted = [("apns", "00d1"), ("apns", "00d2"), ("apns", "00d3")]
    assert devices(received) == Counter([*wanted, kinds.devices["Browser"][0], kinds.devices["Apple"][0]])
    assert details[-1]["startTime"] >= near["$date"]


def test_dead_devices(hub: Hub) -> None:
    """One is counted, is in the feedback and in the details, and its registration is gone."""
    dead, living = (
        {"kind": "Apple", "deviceToken": token, "tags": ["mortals"]} for token in ("DEAD", "00E1")
    )
    hub.call(["createRegistration", dead], ["createRegistration", living])
    [details], received = hub.sent(["sendNotification", APPLE, {"tagExpression": "mortals"}])
    assert devices(received) == Counter({("apns", "00e1"): 1})
    counts = {each["state"]: each["count"] for each in details["apnsOutcomeCounts"]}
    assert counts == {"Success": 1, "ExpiredChannel": 1}
    lines = hub.fetch(details["pnsErrorDetailsUrl"]).decode().splitlines()
    assert len(lines) == 1
    assert "<PnsHandle>DEAD</PnsHandle>" in lines[0]
    [container] = hub.call(["getFeedbackContainerUrl"])
    today = time.strftime("%m%d%Y", time.gmtime())
    assert "<PnsHandle>DEAD</PnsHandle>" in hub.fetch(container, today).decode()
    [kept] = hub.call(["listRegistrationsByTag", "mortals"])
    assert [each["deviceToken"] for each in kept[0]] == ["00E1"]


def test_a_test_send(hub: Hub) -> None:
    """The SDK gives what became of it on each device."""
    phones = [{"kind": "Apple", "deviceToken": token, "tags": ["tried"]} for token in ("00F1", "DEAD")]
    *_, outcome = hub.call(
        *(["createRegistration", each] for each in phones),
        ["sendNotification", APPLE, {"tagExpression": "tried", "enableTestSend": True}],
    )
    assert (outcome["successCount"], outcome["failureCount"]) == (1, 1)
    assert {each["pnsHandle"] for each in outcome["results"]} == {"00F1", "DEAD"}


def test_jobs(hub: Hub) -> None:
    """Registrations are imported from a file and exported to one; those that were imported are sent to."""
    line = (
        '<AppleRegistrationDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">'
        "<Tags>imported</Tags><DeviceToken>01%02X</DeviceToken></AppleRegistrationDescription>\n"
    )
    container = hub.container()
    hub.fetch(container, "in.xml", data="".join(line % at for at in range(20)).encode())
    source = container.replace("?", "/in.xml?", 1)
    fast = {"updateIntervalInMs": 50}
    output = {"outputContainerUrl": container}
    imported, exported, read, listed = hub.call(
        [
            "beginSubmitNotificationHubJob",
            {"type": "ImportCreateRegistrations", "importFileUrl": source, **output},
            fast,
        ],
        ["beginSubmitNotificationHubJob", {"type": "ExportRegistrations", **output}, fast],
        ["getNotificationHubJob", {"$of": [1, "jobId"]}],
        ["listNotificationHubJobs"],
    )
    assert (imported["status"], exported["status"], read) == ("Completed", "Completed", exported)
    assert {imported["jobId"], exported["jobId"]} <= {each["jobId"] for each in listed}
    text = hub.fetch(container, exported["outputProperties"]["OutputFilePath"].lstrip("/")).decode()
    assert text.count("<Tags>imported</Tags>") == 20
    _, received = hub.sent(["sendNotification", APPLE, {"tagExpression": "imported"}])
    assert devices(received) == Counter(("apns", f"01{at:02x}") for at in range(20))


def test_the_sdk_for_python(hub: Hub, kinds: Kinds) -> None:
    """PyPI's client reaches the same devices, and Windows Phone, which the other one does not know."""
    since = hub.ask("/received?since=0&limit=1")["total"]
    results = hub.python(
        ["send_apple_notification", {"is_direct": False, "payload": {"aps": {"alert": "py"}}, "tags": "native"}],
        ["send_google_notification", {"is_direct": False, "payload": {"message": {"data": {"a": "b"}}}, "tags": "native"}],
        ["send_amazon_notification", {"is_direct": True, "payload": {"data": {"a": "b"}}, "device_handle": "kindle"}],
        ["send_baidu_notification", {"is_direct": False, "payload": {"title": "a", "description": "b"}, "tags": "native"}],
        ["send_windows_notification", {"is_direct": False, "payload": PAYLOADS["wns"], "tags": "native"}],
        ["send_windows_phone_notification", {"is_direct": False, "payload": PAYLOADS["mpns"], "tags": "native"}],
        ["send_template_notification", {"properties": {"headline": "a"}, "tags": "templates"}],
    )  # fmt: skip
    assert results == [{"status": 201}] * 7
    native = {kinds.devices[kind][0] for kind in ("Apple", "Gcm", "Baidu", "Windows", "Mpns")}
    wanted = Counter([*native, ("adm", "kindle"), *(each for _, each in kinds.devices.values())])
    wait_until(lambda: devices(hub.received(since)) >= wanted)
    assert devices(hub.received(since)) == wanted
