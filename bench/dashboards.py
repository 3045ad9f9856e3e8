"""Whether every query of the dashboard has data, with the gateway, simulator and Prometheus of etc/container.

    python -m bench.dashboards [--prometheus PROGRAM] [--seconds 180]

Their configurations run as plain processes on loopback, with host names, paths and the time between two
scrapes replaced, beside a RabbitMQ and a PostgreSQL of its own. Apps and sinks in trouble are added, and all
that panels count is made to happen until each query has an answer. Prints the queries that have none, and the
rules that Prometheus could not evaluate. The simulator's usual ports and 7215 to 7217 have to be free.
"""

import argparse
import contextlib
import json
import time
import urllib.parse
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.broker import Broker
from bench.dashboards_stand import ETC, Stand, ask, replaced
from bench.parts import free_port


def queries() -> list[tuple[str, str]]:
    """The title of its panel, and each query of the dashboard, for all apps and instances."""
    dashboard = json.loads((ETC / "grafana" / "pushgate.json").read_text())
    found = [
        (panel["title"], target["expr"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    meant = {"$__rate_interval": "30s", "$instance": ".*", "$app": ".*"}
    return [(title, replaced(text, meant)) for title, text in found]


def without_data(stand: Stand, port: int, seconds: float) -> list[tuple[str, str]]:
    """The queries that had no answer after so long, in which everything happens again and again."""
    left, ends = queries(), time.monotonic() + seconds
    while left and time.monotonic() < ends:
        stand.trouble()
        time.sleep(2)
        left = [each for each in left if not _result(port, each[1])]
        print(f"{len(left)} queries without data", flush=True)
    return left


def _result(port: int, query: str) -> list[Any]:
    answer = ask(f"{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    assert answer is not None, f"Prometheus does not take {query}"
    found: list[Any] = answer["data"]["result"]
    return found


def broken_rules(port: int) -> list[str]:
    """The rules that Prometheus could not evaluate."""
    groups = ask(f"{port}/api/v1/rules")["data"]["groups"]
    return [rule["name"] for group in groups for rule in group["rules"] if rule["health"] != "ok"]


def main() -> None:
    """Run everything, and print what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--prometheus", default="prometheus")
    parser.add_argument("--seconds", type=float, default=180)
    arguments = parser.parse_args()
    server: Any = import_module("tests.postgresql_rig").PostgresqlServer()
    port = free_port()
    with TemporaryDirectory(prefix="pushgate-bench-") as name, contextlib.ExitStack() as stack:
        stack.callback(server.remove)
        server.start()
        broker = Broker(Path(name) / "broker")
        stack.callback(broker.close)
        broker.start()
        stand = Stand(Path(name), broker, server.url)
        with stand.everything(arguments.prometheus, port):
            missing, broken = without_data(stand, port, arguments.seconds), broken_rules(port)
    for title, query in missing:
        print(f"no data: {title}: {query}")
    count = len(queries())
    print(f"{count - len(missing)} of {count} queries have data; rules that are broken: {broken or 'none'}")
    raise SystemExit(bool(missing or broken))


if __name__ == "__main__":
    main()
