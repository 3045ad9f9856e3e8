"""``pushgate demo``, from end to end."""

import json
import signal
from collections import Counter

import psutil
import pytest

from pushgate.cli.progress import Lines
from tests.cli.programs import COMMAND, end, pushgate, read_until, start

COUNT = 1000


def still_running(directory):
    """Processes that work in this directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(directory):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Where the demo takes place."""
    return tmp_path_factory.mktemp("demo") / "here"


@pytest.fixture(scope="module")
def done(directory):
    """A demo that has run."""
    return pushgate("demo", "--count", str(COUNT), "--dir", str(directory))


def test_it_succeeds(done):
    """It ends with 0 and without a word of trouble."""
    assert (done.returncode, done.stderr) == (0, "")


def test_the_table(done):
    """The table holds the gateway's outcomes against what the push service saw: nothing is lost."""
    rows = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    assert rows["to live devices"] == "990\t990\tok"
    assert rows["rejected 8 InvalidToken"] == "10\t10\tok"
    assert rows["lost"] == "\t0\tok"
    reported = [int(rows[state].split("\t")[0]) for state in ("accepted", "presumed")]
    assert sum(reported) == 990
    twice = rows["received twice"].strip()
    # What was in flight on one connection: between the dead token before it and the close there are 100 at most.
    assert int(twice) < COUNT // 2


def test_the_table_over_http2(tmp_path):
    """The same with Apple's protocol of today: every notification has its own answer, so none is presumed."""
    done = pushgate("demo", "--count", str(COUNT), "--dir", str(tmp_path / "d"), "--upstream", "apns-http2")
    assert (done.returncode, done.stderr) == (0, "")
    rows = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    assert rows["to live devices"] == "990\t990\tok"
    assert rows["rejected 410 Unregistered"] == "10\t10\tok"
    assert rows["lost"] == "\t0\tok"
    assert [rows[state].split("\t")[0] for state in ("accepted", "presumed")] == ["990", "0"]
    assert int(rows["received twice"].strip()) >= 1


def test_plain_lines(done):
    """Without a terminal there are plain lines, few of them, and no control characters."""
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    progress = [line for line in done.stdout.splitlines() if line.startswith("pushed ")]
    assert progress[-1] == "pushed 1,000, settled 1,000 of 1,000"
    assert len(progress) < 15


def test_the_outcome_file(done, directory):
    """The outcome file, whose path is printed, has one outcome for each notification."""
    file = directory / "outcomes.jsonl"
    assert f"outcomes, one a line: {file}\n" in done.stdout
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(records) == COUNT
    assert len({record["id"] for record in records}) == len({record["token"] for record in records}) == COUNT
    states = Counter(record["state"] for record in records)
    assert states["rejected"] == 10
    assert states["accepted"] + states["presumed"] == 990


def test_nothing_is_left_running(done, directory):
    """Both processes have ended, in good order."""
    assert still_running(directory) == []
    for log in ("gateway.log", "simulator.log"):
        assert "Server Shut Down" in (directory / log).read_text()


def test_json_and_again(done, directory):
    """Another demo takes the place of the last one; with --json all figures come as JSON, and only they."""
    again = pushgate("demo", "--count", "100", "--dir", str(directory), "--json")
    figures = json.loads(again.stdout)
    assert (figures["ok"], figures["lost"], figures["received"], figures["rejected"]) == (True, 0, 98, 2)
    assert len((directory / "outcomes.jsonl").read_text().splitlines()) == 100


def test_a_process_dies(tmp_path):
    """When the push service is killed on the way, the demo says so with its last words, and stops the gateway."""
    here = tmp_path / "here"
    demo = start(*COMMAND, "demo", "--dir", str(here))
    read_until(demo, "settled")
    [simulator] = [each for each in still_running(here) if "pushgate-simulator" in each.cmdline()]
    simulator.kill()
    out, err = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert err.startswith("the simulator ended with signal SIGKILL; the last lines of its log ")
    assert f"logs: {here / 'gateway.log'}" in err
    assert "Traceback" not in out + err
    assert still_running(here) == []


def test_interrupted(tmp_path):
    """Ctrl-C stops both processes and says where the logs are."""
    here = tmp_path / "here"
    demo = start(*COMMAND, "demo", "--dir", str(here))
    read_until(demo, "the gateway is up")
    code, _, err = end(demo, signal.SIGINT)
    assert code == 130
    assert err.startswith("the demo was stopped, with all that it had started\nlogs: ")
    assert still_running(here) == []


def test_no_room(tmp_path):
    """A directory with something else in it is left alone, in one line."""
    (tmp_path / "outcomes.jsonl").write_text("mine")
    done = pushgate("demo", "--dir", str(tmp_path))
    assert done.stderr == f"{tmp_path}: holds something else than a former demo; choose another with --dir\n"
    assert done.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["outcomes.jsonl"]


def test_a_line_at_most_once_a_second(capsys):
    """Progress without a terminal is a line at a time, and the last state is always printed."""
    lines = Lines(3)
    for settled in range(4):
        lines.show(3, settled)
    lines.close()
    lines.close()
    assert capsys.readouterr().out == "pushed 3, settled 0 of 3\npushed 3, settled 3 of 3\n"
