"""The audit: programs that know only the contract push through a gateway to a service of Apple's page alone.

    python -m bench.audit [--count 50000] [--dead 0.01] [SCENARIO …]

For each scenario: submitted, accepted by the service, lost, duplicated, wrongly reported. All but the naive
scenarios must be exactly once; a naive service destroys its own error responses: there nothing may be lost.
"""

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.parts import free_port, gateway_config, python, running, twistd, wait_for_port, workspace

SCENARIOS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "plain": ([], {}),
    "split errors": (["--split"], {}),
    "shutdowns (10)": (["--shutdown-after", "30", "--shutdowns", "200"], {}),
    "errors 3 s late": (["--delay", "3"], {"count": 4000, "dead": 0.002}),
    "closed with unread data": (["--abrupt"], {}),
    "closed with unread data, TLS 1.2": (["--abrupt", "--tls12"], {}),
    "naive: Nagle, closed with unread data": (["--nagle", "--abrupt"], {"exact": False}),
}


def audit(options: list[str], count: int, dead: float) -> dict[str, Any]:
    """Push `count` notifications; compare what the service saw with what the gateway reported."""
    service_port, amp = free_port(), free_port()
    with workspace() as (directory, certificates):
        service_record, client_record = directory / "service.json", directory / "client.json"
        server = python(
            "outside_server.py", service_port, certificates.server, certificates.ca, service_record, *options
        )
        config = gateway_config(directory, certificates, service_port, amp)
        devices = directory / "tokens"
        devices.write_text("\n".join(tokens(count, dead)))
        with running(*server) as service:
            wait_for_port(service_port, service)
            with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
                wait_for_port(amp, gateway)
                began = time.monotonic()
                with running(*python("outside_client.py", amp, devices, client_record)) as client:
                    client.wait(400)
                took = time.monotonic() - began
            assert service.stdin is not None
            service.stdin.write("done\n")
            service.stdin.flush()
            service.wait(20)
        return compare(json.loads(service_record.read_text()), read(client_record), took)


def tokens(count: int, dead_share: float) -> list[str]:
    """In hex; the first and the last are dead, and `dead_share` of the rest."""
    chance = random.Random(1)
    return [
        f"{'dead' if index in {0, count - 1} or chance.random() < dead_share else '0001'}{index:060x}"
        for index in range(count)
    ]


def read(record: Path) -> dict[str, Any]:
    """What the client wrote."""
    outcomes: dict[str, Any] = json.loads(record.read_text())
    return outcomes


def compare(service: dict[str, Any], reported: dict[str, Any], took: float) -> dict[str, Any]:
    """Lost, duplicated and wrongly reported."""
    dead = {token for token in reported if token.startswith("dead")}
    live = set(reported) - dead
    states = Counter(each["state"] for each in reported.values())
    good = {token for token in reported if reported[token]["state"] in {"accepted", "presumed"}}
    rejected = {t for t in reported if (reported[t]["state"], reported[t]["status"]) == ("rejected", 8)}
    return {
        "submitted": len(reported),
        "accepted by the service": len(service["accepted"]),
        "lost": len(live - set(service["accepted"])),
        "duplicated": sum(times > 1 for times in service["accepted"].values()),
        "wrongly reported": len(good ^ set(service["accepted"])) + len(rejected ^ dead),
        "reported twice": sum(each["count"] != 1 for each in reported.values()),
        "corrections": sum(each["corrections"] for each in reported.values()),
        "states": dict(states),
        "connections": service["connections"],
        "frames": service["frames"],
        "seconds": round(took, 1),
    }


def main() -> None:
    """Run the scenarios and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--dead", type=float, default=0.01)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}")
    arguments = parser.parse_args()
    failed = False
    for name in arguments.scenario or SCENARIOS:
        options, special = SCENARIOS[name]
        result = audit(options, special.get("count", arguments.count), special.get("dead", arguments.dead))
        wrong = result["lost"] + result["reported twice"]
        if special.get("exact", True):
            wrong += result["duplicated"] + result["wrongly reported"]
        failed = failed or bool(wrong)
        print(f"{'ok  ' if not wrong else 'FAIL'} {name}: {json.dumps(result)}", flush=True)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
