"""``pushgate status`` and ``pushgate top`` at a gateway in a process of its own, in pipes and on a terminal."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import termios

import pytest

from pushgate import __version__
from pushgate.model.gateway_stats import gateway_stats
from pushgate.model.health.judgement import troubles
from pushgate.service.process_facts import versions
from tests.cli.programs import COMMAND, DOWN, LIMITED, RunningGateway, pushgate

ONE_APP = (
    LIMITED + '[principals.reader]\noperations = ["read"]\napps = ["demo"]\nsecret_file = "reader.hash"\n'
)


def send(gateway):
    return pushgate("send", "--app", "demo", "--token", "0b0b", "--alert", "x", "--to", gateway.to)


def test_status(gateway):
    """In a pipe there are no colours, no cursor codes, 80 columns at most, and no blanks at the ends of lines."""
    send(gateway)
    done = pushgate("status", "--to", gateway.to)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"pushgate {__version__} at {gateway.to}, up ")
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in done.stdout
    assert {line.split()[0] for line in lines if " closed " in line} == {"demo", "other"}


def test_status_as_json(gateway):
    """JSON has the gateway's answer and the findings."""
    answer = json.loads(pushgate("status", "--json", "--to", gateway.to).stdout)
    assert answer["apps"].keys() == {"demo", "other"}
    assert answer["versions"]["pushgate"] == __version__
    judged = troubles(gateway_stats(answer), versions(), answer["at"])
    assert [(each["part"], each["what"]) for each in answer["findings"]] == [
        (part, each.what) for part, each in judged
    ]


def test_no_gateway():
    """An unreachable gateway is a line and exit status 1, for both."""
    for command in ("status", "top"):
        done = pushgate(command, "--to", "127.0.0.1:1")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("no gateway at 127.0.0.1:1: ")


@pytest.fixture
def down(tmp_path, certificates):
    """A gateway that cannot reach the push service of `demo`, with a principal that may read only this app."""
    made = pushgate("secret", "reader", "--append", str(tmp_path / "reader.hash"), cwd=tmp_path)
    (tmp_path / "reader.secret").write_text(made.stdout.splitlines()[1].strip())
    pushgate("secret", "shop", "--append", str(tmp_path / "shop.hash"), cwd=tmp_path)
    principals = ONE_APP.partition("[principals")
    running = RunningGateway(tmp_path, DOWN + "".join(principals[1:]))
    yield running
    running.stop()


def test_problems_and_permissions(down, tmp_path):
    """An unreachable push service is a problem with advice; a principal sees only its own apps."""
    login = "--login", "reader", "--secret-file", str(tmp_path / "reader.secret")
    answer = json.loads(pushgate("status", "--json", "--to", down.to, *login).stdout)
    assert answer["apps"].keys() == {"demo"}
    assert "versions" not in answer
    down.until_refused("demo")
    everything = pushgate("status", "--to", down.to)
    assert "apps.demo: " in everything.stdout
    assert "check host and port" in " ".join(everything.stdout.split())


def test_top_in_a_pipe(gateway):
    """The given number of looks, as text or JSON lines."""
    done = pushgate("top", "--count", "2", "--interval", "0.2", "--to", gateway.to)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(f"at {gateway.to}, up ") == 2
    assert "\x1b" not in done.stdout
    looks = pushgate("top", "--count", "2", "--interval", "0.2", "--json", "--to", gateway.to).stdout
    assert [json.loads(line)["rates"].keys() for line in looks.splitlines()] == [{"demo", "other"}] * 2


class Terminal:
    """A command on a terminal of 80 columns and 24 lines."""

    def __init__(self, *arguments):
        self.ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: os.close(self.ours), env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip
        self.theirs, self.text = theirs, ""

    def until(self, word):
        """Read until the output has `word`."""
        while word not in self.text:
            ready = select.select([self.ours], [], [], 30)[0]
            assert ready, self.text
            self.text += os.read(self.ours, 65536).decode("utf-8", "replace")

    @property
    def gives_keys_at_once(self):
        return not termios.tcgetattr(self.theirs)[3] & termios.ICANON

    def end(self):
        """Return the exit status; the terminal is restored."""
        while self.process.poll() is None:
            if select.select([self.ours], [], [], 0.05)[0]:
                self.text += os.read(self.ours, 65536).decode("utf-8", "replace")
        restored = not self.gives_keys_at_once
        os.close(self.ours)
        os.close(self.theirs)
        return self.process.returncode, restored


@pytest.mark.parametrize("how", ["q", "Ctrl-C"])
def test_top_on_a_terminal(gateway, how):
    """It uses the whole terminal and restores it, with exit status 0 at q, and that of an interrupt at Ctrl-C."""
    terminal = Terminal("top", "--interval", "0.2", "--to", gateway.to)
    try:
        terminal.until(f"at {gateway.to}, up ")
        assert "\x1b[?1049h" in terminal.text
        assert terminal.gives_keys_at_once
        terminal.text = ""
        terminal.until("sinks behind")
        if how == "q":
            os.write(terminal.ours, b"xq")
        else:
            terminal.process.send_signal(signal.SIGINT)
    finally:
        code, restored = terminal.end()
    assert (code, restored) == (0 if how == "q" else 130, True)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.text)
    assert "\x1b[?1049l" in terminal.text
    assert "Traceback" not in shown
