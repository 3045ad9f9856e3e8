"""The HTTP input against its own description: ``python -m bench.api [--seconds N] [--seed N]...``

A gateway is started as a user would start it, on a simulator, and schemathesis makes requests of what it says
of itself, in all phases, good ones and bad ones, once for each seed. `/v1/outcomes` has no end, and a test of
its own (tests/inputs/http/test_openapi.py). The exit status says whether nothing was found.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
CONFIG = """
[gateway]
state_dir = "state"
[apps.demo]
upstream = "simulator"
response_timeout = "200ms"
max_payload = 65535                  # the description cannot say what an app allows
simulator = {dead = ["dead"]}
[inputs.http]
type = "http"
listen = "tcp:0:interface=127.0.0.1"
max_wait = "200ms"
"""
PATIENCE = 30.0
"""Seconds for the gateway to start."""


def main() -> int:
    """Run it; return the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=60, help="for each seed")
    options.add_argument("--seed", type=int, action="append")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        (here / "gate.toml").write_text(CONFIG)
        twistd = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "pushgate"]
        with (here / "log").open("w") as log:
            gateway = subprocess.Popen([*twistd, "--config", "gate.toml"], cwd=here, stdout=log, stderr=log)
            try:
                url = find_url(here / "log")
                statuses = [attack(url, seed, given.seconds) for seed in given.seed or [1, 2, 3]]
            finally:
                gateway.terminate()
                gateway.wait(PATIENCE)
        said = (here / "log").read_text()
    if "Traceback" in said:
        print(said)
    return int(any(statuses) or "Traceback" in said)


def find_url(log: Path) -> str:
    """Where the HTTP input listens, as the gateway's log says."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := re.search(r"input http +tcp ([0-9.:]+)", log.read_text()):
            return f"http://{found[1]}"
        time.sleep(0.1)
    raise SystemExit(f"the gateway did not start:\n{log.read_text()}")


def attack(url: str, seed: int, seconds: int) -> int:
    """Run schemathesis; return its exit status."""
    program, config = Path(sys.executable).with_name("schemathesis"), HERE / "schemathesis.toml"
    command = [str(program), "--config-file", str(config), "run", f"{url}/openapi.json"]
    command += ["--exclude-path", "/v1/outcomes", "--checks", "all", "--continue-on-failure"]
    # Nobody has to log in here: tests/inputs/http/test_login.py is about that. What was withdrawn
    # with DELETE still has its story.
    command += ["--exclude-checks", "ignored_auth,use_after_free"]
    command += ["--phases", "examples,coverage,fuzzing,stateful"]
    command += ["--max-time", str(seconds), "--seed", str(seed)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
