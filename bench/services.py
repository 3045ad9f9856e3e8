"""The gateway's CPU and speed to FCM and Web Push, beside the official clients in the same run.

    python -m bench.services [--count 30000] [--rounds 3]

Durable spool, jsonl outcomes, AMP batches with one payload for all. The far end accepts whatever comes, in
a process of its own, over HTTP/2 to the gateway and to firebase-admin, over HTTP/1.1 to pywebpush. CPU is of
the gateway or of the client alone. The rounds alternate, so that what the machine does falls on all.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil

from bench.http2 import outcomes
from bench.parts import ENVIRON, free_port, python, running, spread, twistd, wait_for_port, workspace
from bench.service_apps import write_vapid_key
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.services.service_account import ServiceAccount
from pushgate.simulator.services.subscriptions import SubscriptionRequest, Subscriptions

MESSAGE = '{"notification":{"title":"Your order 4711","body":"is on its way and will arrive today"}}'
LIMITS = {"fcm": 90, "webpush": 300}
"""Microseconds of the gateway's CPU for each notification at most."""
CLIENTS = {"fcm": "firebase", "webpush": "pywebpush"}
SLOWER = 20
"""The clients are so much slower that they send this part only."""
TARGETS = 20_000


class Stand:
    """The far end, and what all that send to it need."""

    def __init__(
        self, directory: Path, certificates: Certificates, far_end: "subprocess.Popen[str]", port: int
    ) -> None:
        self.directory, self.certificates, self.far_end, self.port = directory, certificates, far_end, port
        url = f"https://localhost:{port}"
        account = ServiceAccount(directory)
        account.write(url)
        self.credentials = {"fcm": account.file, "webpush": write_vapid_key(directory)}
        made = Subscriptions().make(SubscriptionRequest(TARGETS), url)
        self.write("webpush", [msgspec.json.encode(each) for each in made])
        self.write("fcm", [b"d%021d:APA91b%0134d" % (number, number) for number in range(TARGETS)])

    def targets(self, kind: str) -> Path:
        """The file with them."""
        return self.directory / f"{kind}.targets"

    def write(self, kind: str, targets: list[bytes]) -> None:
        """Keep these in that file."""
        self.targets(kind).write_bytes(b"\n".join(targets))

    def config(self, kind: str, directory: Path, amp: int) -> Path:
        """A configuration: one app, an AMP input, outcomes in a file, all in `directory`."""
        apps: dict[str, dict[str, object]] = {
            "fcm": {
                "service_account_file": str(self.credentials["fcm"]), "host": "localhost", "port": self.port,
            },
            "webpush": {
                "vapid_key_file": str(self.credentials["webpush"]), "subject": "mailto:ops@example.org",
                "allow_hosts": ["localhost"],
            },
        }  # fmt: skip
        lines = [f"{key} = {json.dumps(value)}" for key, value in apps[kind].items()]
        path = directory / "pushgate.toml"
        path.write_text(
            f'[gateway]\nstate_dir = "{directory}/state"\nqueue_limit = 10000000\n'
            f'[apps.news]\nupstream = "{kind}"\ntrust = "{self.certificates.ca}"\n' + "\n".join(lines) + "\n"
            f'[inputs.amp]\ntype = "amp"\nlisten = "tcp:{amp}:interface=127.0.0.1"\n'
            f'[sinks.file]\ntype = "jsonl"\npath = "{directory}/outcomes.jsonl"\n'
        )
        return path

    @contextlib.contextmanager
    def gateway(self, kind: str, directory: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
        """A gateway with its state in `directory`, and its AMP port."""
        amp = free_port()
        config = self.config(kind, directory, amp)
        with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
            wait_for_port(amp, process)
            yield process, amp

    def through_gateway(self, kind: str, count: int) -> tuple[float, float]:
        """Notifications a second through the gateway, and its CPU seconds for each."""
        with (
            TemporaryDirectory(dir=self.directory) as name,
            self.gateway(kind, Path(name)) as (gateway, amp),
        ):
            directory, process = Path(name), psutil.Process(gateway.pid)
            ask(self.far_end, "reset")
            tasks = json.dumps([["news", str(self.targets(kind)), count, MESSAGE]])
            with running(*python("service_pusher.py", amp, 8, tasks)) as pusher:
                before = sum(process.cpu_times()[:2])
                began = float(ask(pusher, "go"))
                ended = float(ask(self.far_end, f"wait {count}"))
                while outcomes(directory) < count:
                    time.sleep(0.1)
                spent = sum(process.cpu_times()[:2]) - before
                pusher.wait(20)
        return count / (ended - began), spent / count

    def by_client(self, kind: str, count: int) -> tuple[float, float]:
        """The same of an official client."""
        ca = str(self.certificates.ca)
        arguments = CLIENTS[kind], self.port, self.credentials[kind], self.targets(kind), count
        done = subprocess.run(
            python("service_clients.py", *arguments),
            env={**ENVIRON, "REQUESTS_CA_BUNDLE": ca, "SSL_CERT_FILE": ca},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        seconds, cpu = map(float, done.stdout.split())
        return count / seconds, cpu / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    figures: dict[str, list[tuple[float, float]]] = {}
    with workspace() as (directory, certificates):
        port = free_port()
        with running(*python("service_far_end.py", port, certificates.server)) as far_end:
            wait_for_port(port, far_end)
            stand = Stand(directory, certificates, far_end, port)
            for _ in range(arguments.rounds):
                for kind, client in CLIENTS.items():
                    figures.setdefault(kind, []).append(stand.through_gateway(kind, arguments.count))
                    count = arguments.count // SLOWER
                    figures.setdefault(client, []).append(stand.by_client(kind, count))
    for name, values in figures.items():
        print(spread(name, [rate for rate, _ in values], " notifications/s", ",.0f"))
        print(spread(f"{name}, CPU", [cost * 1e6 for _, cost in values], " us each"))
    raise SystemExit(not all(_is_enough(figures, kind) for kind in LIMITS))


def _is_enough(figures: dict[str, list[tuple[float, float]]], kind: str) -> bool:
    cost = statistics.median(cost for _, cost in figures[kind]) * 1e6
    print(f"{kind}: {cost:.0f} us, at most {LIMITS[kind]}: {'yes' if cost <= LIMITS[kind] else 'NO'}")
    return cost <= LIMITS[kind]


if __name__ == "__main__":
    main()
