"""The gateway's CPU and speed over HTTP/2, beside a plain h2 loop in Twisted and beside other clients.

    python -m bench.http2 [--count 100000] [--rounds 3] [--codecs ngh2 h2] [--memory 2000000]

Durable spool, jsonl outcomes, AMP batches of 500 with a payload each, one connection with 1,000 streams. The
rounds alternate, so that what the machine does meanwhile falls on all. The far end is a server of
libnghttp2's in a process of its own. ``@parse/node-apn`` takes part where it is installed (`make venv`).
With ``--memory N`` the gateway's memory is printed over N requests instead.
"""

import argparse
import contextlib
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.parts import ENVIRON, HERE, free_port, python, running, spread, twistd, wait_for_port, workspace
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates

STREAMS = 1000
NODE_MODULES = HERE.parent / "tests" / "javascript" / "node_modules"
SLOWER = 4
"""The clients are so much slower that they send this part only."""


def provider_key(directory: Path) -> Path:
    """A key for provider tokens, as Apple gives it."""
    path = directory / "AuthKey_ABC123DEFG.p8"
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def gateway_config(directory: Path, certificates: Certificates, key: Path, port: int, amp: int) -> Path:
    """A configuration: one app over HTTP/2, an AMP input, outcomes in a file, all in `directory`."""
    path = directory / "pushgate.toml"
    path.write_text(
        f'[gateway]\nstate_dir = "{directory}/state"\nqueue_limit = 10000000\n'
        f'[apps.news]\nupstream = "apns-http2"\nhost = "localhost"\nport = {port}\nconnections = 1\n'
        f'trust = "{certificates.ca}"\nkey_file = "{key}"\n'
        f'team_id = "DEF123GHIJ"\ntopic = "com.example.news"\n'
        f'[inputs.amp]\ntype = "amp"\nlisten = "tcp:{amp}:interface=127.0.0.1"\n'
        f'[sinks.file]\ntype = "jsonl"\npath = "{directory}/outcomes.jsonl"\n'
    )
    return path


def outcomes(directory: Path) -> int:
    """Outcome records that were written."""
    file = directory / "outcomes.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


@contextlib.contextmanager
def without_ngh2(directory: Path, codec: str) -> Iterator[None]:
    """Programs that are started find no ngh2 when `codec` is h2."""
    before = ENVIRON["PYTHONPATH"]
    if codec == "h2":
        hidden = directory / "hidden"
        hidden.mkdir(exist_ok=True)
        (hidden / "ngh2.py").write_text('raise ImportError("hidden")\n')
        ENVIRON["PYTHONPATH"] = f"{hidden}:{before}"
    try:
        yield
    finally:
        ENVIRON["PYTHONPATH"] = before


def through_gateway(stand: "Stand", codec: str, count: int) -> tuple[float, float]:
    """Requests a second through the gateway, and its CPU seconds for each."""
    with (
        TemporaryDirectory(dir=stand.directory) as name,
        without_ngh2(stand.directory, codec),
        stand.gateway(Path(name)) as (gateway, amp),
    ):
        directory, process = Path(name), psutil.Process(gateway.pid)
        ask(stand.far_end, "reset")
        with running(*python("pusher.py", amp, count, "each", 8)) as pusher:
            before = sum(process.cpu_times()[:2])
            began = float(ask(pusher, "go"))
            ended = float(ask(stand.far_end, f"wait {count}"))
            while outcomes(directory) < count:
                time.sleep(0.1)
            spent = sum(process.cpu_times()[:2]) - before
            pusher.wait(20)
    return count / (ended - began), spent / count


class Stand:
    """The far end, and what all that send to it need."""

    def __init__(
        self, directory: Path, certificates: Certificates, far_end: "subprocess.Popen[str]", port: int
    ) -> None:
        self.directory, self.certificates = directory, certificates
        self.far_end, self.port, self.key = far_end, port, provider_key(directory)

    @contextlib.contextmanager
    def gateway(self, directory: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
        """A gateway with its state in `directory`, and its AMP port."""
        amp = free_port()
        config = gateway_config(directory, self.certificates, self.key, self.port, amp)
        with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
            wait_for_port(amp, process)
            yield process, amp

    def program(self, *command: str) -> list[float]:
        """What a program prints in its last line."""
        done = subprocess.run(command, env=ENVIRON, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not done.stdout.strip():
            raise SystemExit(f"{command}: {done.stderr[-2000:]}")
        return [float(word) for word in done.stdout.splitlines()[-1].split()]

    def plain(self, count: int) -> tuple[float, float]:
        """A plain loop of h2 in Twisted."""
        began, ended, cpu = self.program(*python("plain_h2.py", self.port, self.certificates.ca, count, 300))
        return count / (ended - began), cpu / count

    def aioapns(self, count: int) -> tuple[float, float]:
        """aioapns, unmodified."""
        began, ended, cpu = self.program(
            *python("aioapns_client.py", self.port, self.certificates.ca, self.key, count, 300)
        )
        return count / (ended - began), cpu / count

    def node_apn(self, count: int) -> tuple[float, float]:
        """@parse/node-apn, unmodified."""
        node = shutil.which("node") or "node"
        ENVIRON["NODE_PATH"] = str(NODE_MODULES)
        arguments = map(str, (self.port, self.certificates.ca, self.key, count, 300))
        seconds, cpu = self.program(node, str(HERE / "node_apn_client.js"), *arguments)
        return count / seconds, cpu / count


def compared(stand: Stand, arguments: argparse.Namespace) -> bool:
    """Print the figures of all; return whether they are good enough."""
    figures: dict[str, list[tuple[float, float]]] = {}
    others = {"plain h2 loop": stand.plain, "aioapns": stand.aioapns}
    if (NODE_MODULES / "@parse").is_dir():
        others["node-apn"] = stand.node_apn
    for _ in range(arguments.rounds):
        for codec in arguments.codecs:
            count = arguments.count if codec == "ngh2" else arguments.count // SLOWER
            figures.setdefault(f"gateway ({codec})", []).append(through_gateway(stand, codec, count))
        for name, measure in others.items():
            figures.setdefault(name, []).append(measure(arguments.count // SLOWER))
    for name, values in figures.items():
        print(spread(name, [rate for rate, _ in values], " requests/s", ",.0f"))
        print(spread(name, [cost * 1e6 for _, cost in values], " us of CPU a request"))
    return verdict(figures, arguments.codecs)


def verdict(figures: dict[str, list[tuple[float, float]]], codecs: list[str]) -> bool:
    """Print whether the gateway is as good as it has to be."""
    good = True
    for codec in codecs:
        limit = 60 if codec == "ngh2" else 330
        cost = statistics.median(cost for _, cost in figures[f"gateway ({codec})"]) * 1e6
        good = good and cost <= limit
        print(f"at most {limit} us with {codec}: {'yes' if cost <= limit else 'NO'}")
    best = max(
        statistics.median(rate for rate, _ in values)
        for name, values in figures.items() if name in {"aioapns", "node-apn"}
    )  # fmt: skip
    times = statistics.median(rate for rate, _ in figures[f"gateway ({codecs[0]})"]) / best
    print(f"{times:.1f} times the best client, at least 8: {'yes' if times >= 8 else 'NO'}")
    return good and times >= 8


def memory(stand: Stand, total: int) -> bool:
    """Print the gateway's memory over so many requests; return whether it stays."""
    step, sizes = 200_000, []
    with TemporaryDirectory(dir=stand.directory) as name, stand.gateway(Path(name)) as (gateway, amp):
        process = psutil.Process(gateway.pid)
        for number in range(total // step):
            with running(*python("pusher.py", amp, step, "each", 8)) as pusher:
                ask(pusher, "go")
                while outcomes(Path(name)) < step:
                    time.sleep(0.2)
                pusher.wait(20)
            (Path(name) / "outcomes.jsonl").write_bytes(b"")
            sizes.append(process.memory_info().rss / 1e6)
            print(f"{(number + 1) * step:,} requests: {sizes[-1]:.0f} MB", flush=True)
    grown = sizes[-1] - sizes[len(sizes) // 4]
    print(f"grown by {grown:.1f} MB in the last three quarters")
    return grown < 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codecs", nargs="+", choices=["ngh2", "h2"], default=["ngh2", "h2"])
    parser.add_argument("--memory", type=int, default=0)
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        port = free_port()
        with running(*python("h2_far_end.py", port, certificates.server, STREAMS)) as far_end:
            wait_for_port(port, far_end)
            stand = Stand(directory, certificates, far_end, port)
            good = memory(stand, arguments.memory) if arguments.memory else compared(stand, arguments)
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
