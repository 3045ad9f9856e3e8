"""Starting a gateway or a simulator by hand: what one reads then."""

import json
import re
import signal
import subprocess
import urllib.request

from tests.cli.programs import (
    COMMAND,
    CONFIGURATION,
    TWISTD,
    RunningGateway,
    end,
    pushgate,
    read_until,
    start,
)

SINKS = """
[sinks.outcomes]
type = "jsonl"
path = "new/state/outcomes.jsonl"
[sinks.numbers]
type = "metrics"
listen = "tcp:0:interface=127.0.0.1"
"""


def test_what_a_gateway_says(tmp_path):
    """When it is ready it lists what one can talk to or look at, and says what is not kept."""
    configuration = CONFIGURATION.replace('"memory"', '"new/state"') + SINKS
    running = RunningGateway(tmp_path, configuration)
    try:
        log = running.log()
    finally:
        running.stop()
    block = log[log.index("pushgate is ready") :]
    for line in (
        rf"input amp +tcp {running.to}",
        r"app demo +its simulator's push: 127\.0\.0\.1:\d+",
        r"app demo +its simulator's feedback: 127\.0\.0\.1:\d+",
        r"app demo +its simulator's control: http://127\.0\.0\.1:\d+/",
        rf"sink outcomes +{tmp_path}/new/state/outcomes\.jsonl",
        r"sink numbers +http://127\.0\.0\.1:\d+/metrics",
    ):
        assert re.search(rf"^\s+{line}$", block, re.MULTILINE), (line, block)
    assert "is lost when this process ends" not in log
    assert (tmp_path / "new/state").stat().st_mode & 0o777 == 0o700


def test_memory_is_said(gateway):
    """A start with memory says once what that means."""
    assert gateway.log().count("what waits is lost when this process ends") == 1


def test_a_state_directory_that_cannot_be(tmp_path):
    """A state directory that cannot be made ends the start with a line, before any port is open."""
    (tmp_path / "new").write_text("a file")
    file = tmp_path / "pushgate.toml"
    file.write_text(CONFIGURATION.replace('"memory"', '"new/state"').format(port=1))
    done = subprocess.run(
        [*TWISTD, "pushgate", "--config", str(file)],
        cwd=tmp_path, text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"pushgate: gateway.state_dir: {tmp_path}/new/state: Not a directory; "
        'must be a directory that can be made and written, or "memory"\n'
    )


def test_simulate(tmp_path):
    """`pushgate simulate` runs the push service's side until it is stopped."""
    file = tmp_path / "simulator.toml"
    ports = ("listen", "feedback_listen", "control_listen", "http2_listen", "services_listen")
    listening = [f'{name} = "tcp:0:interface=127.0.0.1"' for name in ports]
    file.write_text("\n".join(["[simulator]", *listening]))
    process = start(*COMMAND, "simulate", "--config", str(file), cwd=tmp_path)
    try:
        address = read_until(process, "control on ").split()[-1]
        with urllib.request.urlopen(f"http://{address}/summary") as answer:
            assert json.load(answer)["accepted"] == 0
    finally:
        _, out, _ = end(process, signal.SIGINT)
    assert "Server Shut Down" in out


def test_simulate_with_faults(tmp_path):
    """A bad configuration is reported in a line for each fault."""
    file = tmp_path / "simulator.toml"
    file.write_text("[simulator]\nlistn = 1\n")
    done = pushgate("simulate", "--config", str(file), cwd=tmp_path)
    assert done.returncode != 0
    assert f"{file}: simulator.listn: unknown key" in done.stderr
