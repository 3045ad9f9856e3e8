"""What a push service that is down costs the others in one gateway: an app on each, pushed at the same time.

    python -m bench.service_neighbours [--count 4000] [--rounds 5] [--hub]

COUNT is of each app. In turns: without the app whose service is down, and with it, when as many notifications
wait for it as are sent to all others. The rate is of the others, until their far end had accepted the last,
each once. Durable spool, outcomes to jsonl, over AMP.

With --hub the devices are registered in a hub over all apps, each with a template, and one send goes to all:
COUNT of each service, in turn, those of the service that is down among them. Hubs have no platform for HMS.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.hub_stand import HubClient, rules_and_input
from bench.neighbours import closed_port
from bench.parts import free_port, python, running, spread, twistd, wait_for_port, workspace
from bench.service_hub import PLATFORMS, tables
from bench.services import MESSAGE, Stand
from bench.throughput import ask

RATIO = 0.95
DOWN = "adm"
SECRET: dict[str, object] = {"client_id": "x", "token_url": "https://localhost:{port}/token"}
TABLES: dict[str, dict[str, object]] = {
    "fcm": {"service_account_file": "{fcm}", "host": "localhost", "port": "{port}"},
    "webpush": {
        "vapid_key_file": "{webpush}", "subject": "mailto:ops@example.org", "allow_hosts": ["localhost"],
    },
    "wns": {**SECRET, "client_secret_file": "{secret}", "allow_hosts": ["localhost"]},
    "adm": {**SECRET, "client_secret_file": "{secret}", "host": "localhost", "port": "{down}"},
    "hms": {
        "app_id": "x", "app_secret_file": "{secret}", "token_url": SECRET["token_url"], "host": "localhost",
        "port": "{port}",
    },
    "baidu": {"api_key": "x", "secret_file": "{secret}", "host": "localhost", "port": "{port}"},
}  # fmt: skip
"""An app on each; names in braces are filled in."""
PAYLOADS = {
    "wns": "<toast><visual/></toast>", "adm": '{"data":{"k":"v"}}', "hms": '{"data":"x"}',
    "baidu": '{"title":"Hi","description":"x"}',
}  # fmt: skip


class Services:
    """The far end of all, and the files that apps on it need."""

    def __init__(self, stand: Stand, down: int, count: int) -> None:
        self._stand, self._count = stand, count
        secret = stand.directory / "secret"
        secret.write_text("hush\n")
        self._filled = {
            "port": stand.port, "down": down, "secret": secret, **stand.credentials,
        }  # fmt: skip
        for kind in TABLES.keys() - {"fcm", "webpush"}:
            url = f"https://localhost:{stand.port}/wns/" if kind == "wns" else "device"
            stand.write(kind, [f"{url}{number}".encode() for number in range(count)])

    def rate(self, apps: list[str]) -> float:
        """Notifications a second to all of these but the one that is down."""
        others = [app for app in apps if app != DOWN]
        with TemporaryDirectory(dir=self._stand.directory) as name:
            directory, amp = Path(name), free_port()
            config = self._config(directory, amp, apps)
            log = directory / "gateway.log"
            with running(*twistd("pushgate", "--config", config), log=log) as process:
                wait_for_port(amp, process)
                if DOWN in apps:
                    self._push(amp, [(DOWN, self._count * len(others))])
                ask(self._stand.far_end, "reset")
                began = self._push(amp, [(app, self._count) for app in others])
                ended = float(ask(self._stand.far_end, f"wait {self._count * len(others)}"))
                _wait_for(directory / "outcomes.jsonl", self._count * len(others))
        return self._count * len(others) / (ended - began)

    def _push(self, amp: int, apps: list[tuple[str, int]]) -> float:
        """Push so many to each app; return when it began."""
        tasks = [
            [app, str(self._stand.targets(app)), count, PAYLOADS.get(app, MESSAGE)] for app, count in apps
        ]
        with running(*python("service_pusher.py", amp, 8, json.dumps(tasks))) as pusher:
            began = float(ask(pusher, "go"))
            if pusher.wait(120):
                raise SystemExit("pushing failed")
        return began

    def _config(self, directory: Path, amp: int, apps: list[str]) -> Path:
        lines = [f'[gateway]\nstate_dir = "{directory}/state"\nqueue_limit = 10000000']
        for app in apps:
            lines += [f'[apps.{app}]\nupstream = "{app}"\ntrust = "{self._stand.certificates.ca}"']
            lines += [f"{key} = {self._value(value)}" for key, value in TABLES[app].items()]
        lines += [
            f'[inputs.amp]\ntype = "amp"\nlisten = "tcp:{amp}:interface=127.0.0.1"',
            f'[sinks.file]\ntype = "jsonl"\npath = "{directory}/outcomes.jsonl"',
        ]
        path = directory / "pushgate.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _value(self, value: object) -> str:
        text = json.dumps(value)
        if not isinstance(value, str):
            return text
        text = value.format(**self._filled)
        return text if text.isdigit() and value in {"{port}", "{down}"} else json.dumps(text)


class HubServices(Services):
    """Has one send of a hub go to all devices, instead of batches."""

    def rate(self, apps: list[str]) -> float:
        """Notifications a second to all of these but the one that is down."""
        others = self._count * len([app for app in apps if app != DOWN])
        with TemporaryDirectory(dir=self._stand.directory) as name:
            directory, listening = Path(name), free_port()
            config = self._config(directory, free_port(), apps)
            config.write_text(config.read_text() + rules_and_input(directory, listening) + tables(apps))
            tasks = [[PLATFORMS[app], app, str(self._stand.targets(app)), self._count] for app in apps]
            with running(*python("service_hub.py", directory / "state", json.dumps(tasks))) as filling:
                if filling.wait():
                    raise SystemExit("the import failed")
            log = directory / "gateway.log"
            with running(*twistd("pushgate", "--config", config), log=log) as process:
                wait_for_port(listening, process)
                ask(self._stand.far_end, "reset")
                began = time.monotonic()
                HubClient(listening).send(b'{"title":"Hi"}', form="template")
                ended = float(ask(self._stand.far_end, f"wait {others}"))
                _wait_for(directory / "outcomes.jsonl", others)
        return others / (ended - began)


def _wait_for(file: Path, count: int) -> None:
    """Wait until so many outcomes were written, each of them accepted."""
    while not file.exists() or file.read_bytes().count(b"\n") < count:
        time.sleep(0.1)
    states = {json.loads(line)["state"] for line in file.read_text().splitlines()}
    assert states == {"accepted"}, states


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hub", action="store_true")
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {"without": [], "beside it": []}
    with workspace() as (directory, certificates), closed_port() as down:
        port = free_port()
        with running(*python("service_far_end.py", port, certificates.server)) as far_end:
            wait_for_port(port, far_end)
            kind = HubServices if arguments.hub else Services
            services = kind(Stand(directory, certificates, far_end, port), down, arguments.count)
            apps = [app for app in TABLES if app in PLATFORMS or not arguments.hub]
            for _ in range(arguments.rounds):
                rates["without"].append(services.rate([app for app in apps if app != DOWN]))
                rates["beside it"].append(services.rate(apps))
    for name, values in rates.items():
        print(spread(f"rate of the others, {name}", values, "/s", ",.0f"))
    ratios = [one / other for one, other in zip(rates["beside it"], rates["without"], strict=True)]
    print(spread("beside one that is down / without", ratios, ""))
    good = statistics.median(ratios) >= RATIO
    print(f"at least {RATIO}: {'yes' if good else 'NO'}")
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
