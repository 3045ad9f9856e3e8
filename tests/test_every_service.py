"""One gateway with an app on every push service, and the simulator: what a newcomer types, and what he reads."""

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cli.programs import TWISTD, RunningGateway, end, pushgate

SIMULATOR: Final = """
[simulator]
listen = "tcp:0:interface=127.0.0.1"
feedback_listen = "tcp:0:interface=127.0.0.1"
http2_listen = "tcp:0:interface=127.0.0.1"
services_listen = "tcp:0:interface=127.0.0.1"
control_listen = "tcp:0:interface=127.0.0.1"
state_dir = "simulator"
dead = ["dead"]
dead_handles = ["gone*"]
"""
CONFIGURATION: Final = """
[gateway]
state_dir = "memory"

[apps.apns]
upstream = "apns-http2"
topic = "com.example.news"
key_file = "{provider_key[file]}"
key_id = "{provider_key[key_id]}"
team_id = "{provider_key[team_id]}"
trust = "{trust}"
host = "localhost"
port = {http2}

[apps.fcm]
upstream = "fcm"
service_account_file = "{fcm[service_account]}"
trust = "{trust}"
host = "localhost"
port = {port}

[apps.webpush]
upstream = "webpush"
vapid_key_file = "vapid.pem"
subject = "mailto:ops@example.org"
allow_hosts = ["localhost"]
trust = "{trust}"

[apps.wns]
upstream = "wns"
client_id = "{wns[client_id]}"
client_secret_file = "wns.secret"
token_url = "{url}/accesstoken.srf"
allow_hosts = ["localhost"]
trust = "{trust}"

[apps.adm]
upstream = "adm"
client_id = "{adm[client_id]}"
client_secret_file = "adm.secret"
token_url = "{url}/auth/O2/token"
trust = "{trust}"
host = "localhost"
port = {port}

[apps.hms]
upstream = "hms"
app_id = "{hms[client_id]}"
app_secret_file = "hms.secret"
token_url = "{url}/oauth2/v3/token"
trust = "{trust}"
host = "localhost"
port = {port}

[apps.harmony]
upstream = "hms"
service_account_file = "{hms[service_account]}"
trust = "{trust}"
host = "localhost"
port = {port}

[apps.baidu]
upstream = "baidu"
api_key = "{baidu[client_id]}"
secret_file = "baidu.secret"
trust = "{trust}"
host = "localhost"
port = {port}

[apps.mpns]
upstream = "mpns"
allow_hosts = ["localhost"]
trust = "{trust}"

[apps.xiaomi]
upstream = "xiaomi"
app_secret_file = "xiaomi.secret"
package = "{xiaomi[client_id]}"
trust = "{trust}"
host = "localhost"
port = {port}

[inputs.amp]
type = "amp"
listen = "tcp:{{port}}:interface=127.0.0.1"
"""
PAYLOADS: Final = {
    "apns": '{"aps":{"alert":"Hello"}}',
    "fcm": '{"notification":{"title":"Hello"}}',
    "webpush": "Hello, not JSON",
    "wns": '<toast><visual><binding template="ToastText01"><text id="1">Hello</text></binding></visual></toast>',
    "adm": '{"data":{"title":"Hello"}}',
    "hms": '{"data":"Hello"}',
    "harmony": '{"payload":{"notification":{"category":"IM","title":"Hello","body":"there"}}}',
    "baidu": '{"title":"Hello","description":"there"}',
    "mpns": '<?xml version="1.0" encoding="utf-8"?><wp:Notification xmlns:wp="WPNotification">'
    "<wp:Toast><wp:Text1>Hello</wp:Text1></wp:Toast></wp:Notification>",
    "xiaomi": '{"title":"Hello","description":"there","pass_through":0,"notify_type":-1}',
}
"""A good payload for each app."""
_IN_DATA: Final = "Expected `str`, got `int` - at `$.data[...]`"
_ADM_RULE: Final = (
    '{"data": {text: text, …}, …}, and if need be consolidationKey, expiresAfter, md5, notification, priority'
)
_XIAOMI_RULE: Final = (
    'an object of form fields {name: text or number, …} without "registration_id" and the like'
)
_URI: Final = "host localhost, without a user or a fragment"


class Newcomer:
    """Has started both programs, and uses the command.

    :ivar url: of the simulator's services.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "simulator.toml").write_text(SIMULATOR)
        self._log = (directory / "simulator.log").open("w")
        command = [*TWISTD, "pushgate-simulator", "--config", "simulator.toml"]
        self._simulator = subprocess.Popen(
            command, cwd=directory, stdout=self._log, stderr=self._log, text=True
        )
        try:
            self._control = f"http://{self._wait(r'control on ([0-9.:]+)')}"
            self._gateway = RunningGateway(directory, self._configuration())
        except BaseException:
            self.stop()
            raise
        self.url = self.ask("/")["services"]["url"]

    def stop(self) -> None:
        """End both."""
        if gateway := getattr(self, "_gateway", None):
            gateway.stop()
        end(self._simulator)
        self._log.close()

    def ask(self, path: str, body: bytes | None = None, method: str | None = None) -> Any:
        """What the simulator's control port says; by default to a GET, and with a body to a POST."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._control + path, body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def target(self, app: str, name: str) -> str:
        """What stands for a device: a name, where the service gives no other form to it."""
        if app == "apns":
            return "dead" if name == "gone" else "00aa"
        if app == "webpush":
            return json.dumps(self.ask("/subscriptions", b'{"prefix": "%s-"}' % name.encode())[0])
        return f"{self.url}/{app}/{name}" if app in {"wns", "mpns"} else name

    def send(self, calls: Mapping[str, tuple[str, ...]]) -> dict[str, subprocess.CompletedProcess[str]]:
        """Run `pushgate send` for each app, some at the same time, with these options."""
        with ThreadPoolExecutor(4) as threads:
            done = threads.map(self._send, calls, calls.values())
            return dict(zip(calls, done, strict=True))

    def _send(self, app: str, options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return pushgate("send", "--to", self._gateway.to, "--app", app, *options)

    def _configuration(self) -> str:
        """The gateway's, from what the simulator tells of itself."""
        told = self.ask("/")
        services, addresses = told["services"], told["addresses"]
        for name in ("wns", "adm", "hms", "baidu", "xiaomi"):
            (self._directory / f"{name}.secret").write_text(services[name]["client_secret"])
        key = generate_private_key(SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self._directory / "vapid.pem").write_bytes(pem)
        http2, port = (addresses[name].rpartition(":")[2] for name in ("http2", "services"))
        return CONFIGURATION.format(**told, **services, http2=http2, port=port)

    def _wait(self, pattern: str) -> str:
        """For what the simulator's log says."""
        deadline = time.monotonic() + 30
        while (found := re.search(pattern, Path(self._log.name).read_text())) is None:
            assert self._simulator.poll() is None, Path(self._log.name).read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found[1]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    started = Newcomer(tmp_path_factory.mktemp("every_service"))
    yield started
    started.stop()


def _app(entry: dict[str, Any]) -> str:
    """The app whose notification the simulator has on record."""
    service: str = entry["service"]
    return "harmony" if "push-type" in (entry["headers"] or {}) else service


def test_accepted(newcomer: Newcomer) -> None:
    """A notification through each service: the command ends with 0 and says so, and the service has it."""
    calls = {
        app: ("--token", newcomer.target(app, "device"), "--payload", payload)
        for app, payload in PAYLOADS.items()
    }
    done = newcomer.send(calls)
    said = {app: (each.returncode, *each.stdout.splitlines()[1:], each.stderr) for app, each in done.items()}
    line = "accepted: taken by the push service, which is proven, "
    statuses = dict.fromkeys(PAYLOADS, 200) | {"webpush": 201}
    assert said == {app: (0, f"{line}{status}", "") for app, status in statuses.items()}
    received = newcomer.ask("/received")["received"]
    names = [_app(each) for each in received]
    assert sorted(names) == sorted(PAYLOADS)
    payloads = {name: each["payload"] for name, each in zip(names, received, strict=True)}
    unchanged = PAYLOADS.keys() - {"adm", "hms", "baidu", "xiaomi"}  # whose payloads are fields among others
    assert {app: PAYLOADS[app] for app in unchanged} == {app: payloads[app] for app in unchanged}


def test_dead(newcomer: Newcomer) -> None:
    """A device that is gone: the answer, a word or a number, stands in the outcome, and the command ends with 1."""
    reasons = {
        "apns": "410 Unregistered",
        "fcm": "404 UNREGISTERED",
        "webpush": "410 106 Invalid subscription.",
        "wns": "410",
        "baidu": "404 30608",
        "xiaomi": "200 20301",
        "harmony": "200 80300007",
    }
    done = newcomer.send({
        app: ("--token", newcomer.target(app, "gone"), "--payload", PAYLOADS[app]) for app in reasons
    })  # fmt: skip
    said = {app: (each.returncode, *each.stdout.splitlines()[1:], each.stderr) for app, each in done.items()}
    line = "rejected: refused by the push service, "
    assert said == {app: (1, f"{line}{reason}", "") for app, reason in reasons.items()}


def refused(newcomer: Newcomer, calls: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """What each call says that the gateway refuses."""
    done = newcomer.send(calls)
    assert {app: (each.returncode, each.stdout) for app, each in done.items()} == dict.fromkeys(done, (1, ""))
    return {app: each.stderr.removeprefix("refused, ").rstrip("\n") for app, each in done.items()}


def test_bad_payloads(newcomer: Newcomer) -> None:
    """Refused at once: field, shape and rule."""
    bad = {
        "apns": ("[]", "INVALID: payload: 2 bytes; a JSON object in UTF-8"),
        "fcm": (
            '{"data":{"id":17}}',
            f"INVALID: payload: no message of FCM ({_IN_DATA}); as FCM's Message, without target",
        ),
        "webpush": ("x" * 3994, "TOO_LARGE: payload: 3994 bytes; at most 3993"),
        "wns": (
            "<toast>",
            "INVALID: payload: 7 bytes, not well-formed XML; a well-formed XML document <toast> without a document type",
        ),
        "adm": (
            '{"data":{"id":17}}',
            f"INVALID: payload: no message of ADM ({_IN_DATA}); {_ADM_RULE}",
        ),
        "hms": (
            '{"token":["a"],"data":"x"}',
            "INVALID: payload: it names whom it is for; the message object of v1 without token, topic and condition",
        ),
        "harmony": (
            '{"data":"x"}',
            'INVALID: payload: no payload, or a target; {"payload": {…}, "pushOptions": {…}} without target',
        ),
        "baidu": ("Hello", "INVALID: payload: 5 bytes; a JSON object in UTF-8"),
        "mpns": ("", "INVALID: payload: 0 bytes; 1 to 3072 bytes: XML, or anything for raw"),
        "xiaomi": (
            '{"title":["Hello"]}',
            f"INVALID: payload: no form (Expected `int | str`, got `array` - at `$[...]`); {_XIAOMI_RULE}",
        ),
    }  # fmt: skip
    calls = {
        app: ("--token", newcomer.target(app, "device"), "--payload", payload)
        for app, (payload, _) in bad.items()
    }
    assert refused(newcomer, calls) == {app: text for app, (_, text) in bad.items()}


def test_bad_targets(newcomer: Newcomer) -> None:
    """So is what can be no target of the service."""
    bad = {
        "apns": ("xyz", "text of 3 characters; an even number of hex digits, for 1 to 100 bytes"),
        "fcm": ("a b", "a token with blanks or other characters; printable ASCII, no blanks"),
        "webpush": (
            '{"endpoint":"https://localhost/x"}',
            'no subscription in JSON; {"endpoint", "keys": {"p256dh", "auth"}} as the browser gave it',
        ),
        "wns": ("device", f"no channel URI; a channel URI: https, {_URI}"),
        "adm": ("a b", "3 bytes; a registration id: 1 to 1536 letters, digits and ._~:=+!-"),
        "hms": ("a b", "3 bytes; 1 to 1024 characters of ASCII without blanks"),
        "baidu": ("a b", "3 bytes; a channel id, or a user id, a plus sign and a channel id"),
        "mpns": ("http://example.org/x", f"a URI of another host; a channel URI: https or http, {_URI}"),
        "xiaomi": ("a,b", "3 bytes; 1 to 512 characters of ASCII, no blank or comma"),
    }
    calls = {app: ("--token", target, "--payload", PAYLOADS[app]) for app, (target, _) in bad.items()}
    assert refused(newcomer, calls) == {app: f"INVALID: token: {text}" for app, (_, text) in bad.items()}


def test_alerts(newcomer: Newcomer) -> None:
    """The short form is for apps that take Apple's payload; WNS would take it for a raw notification."""
    done = newcomer.send({
        app: ("--token", newcomer.target(app, "device"), "--alert", "Hello") for app in ("baidu", "fcm", "wns")
    })  # fmt: skip
    taken = done.pop("baidu")
    assert (taken.returncode, taken.stderr) == (0, "")
    why = "refused, INVALID: alert: makes Apple's payload, and the app is on {}; --payload has what its service takes\n"
    assert {app: each.stderr for app, each in done.items()} == {app: why.format(app) for app in done}
    assert {(each.returncode, each.stdout) for each in done.values()} == {(1, "")}
