"""``pushgate demo``, from end to end."""

import json
import signal
import time
from collections import Counter

import psutil
import pytest
from twisted.internet.task import Clock

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
    """A demo that has run, with the seconds that it took."""
    began = time.monotonic()
    done = pushgate("demo", "--count", str(COUNT), "--dir", str(directory))
    done.seconds = time.monotonic() - began
    return done


def rows(done):
    """The rows of the table that a demo has printed, by their first cell."""
    return dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)


def test_it_succeeds(done):
    """It ends with 0 and without a word of trouble."""
    assert (done.returncode, done.stderr) == (0, "")


def test_the_table(done):
    """The table holds the gateway's outcomes against what the push service saw: nothing is lost."""
    assert rows(done)["to live devices"] == "990\t990\tok"
    assert rows(done)["rejected 8 InvalidToken"] == "10\t10\tok"
    assert rows(done)["lost"] == "\t0\tok"
    reported = [int(rows(done)[state].split("\t")[0]) for state in ("accepted", "presumed")]
    assert sum(reported) == 990
    twice = rows(done)["received twice"].strip()
    # What was in flight on one connection: between the dead token before it and the close there are 100 at most.
    assert int(twice) < COUNT // 2


def test_the_table_over_http2(tmp_path):
    """The same with Apple's protocol of today: every notification has its own answer, so none is presumed."""
    here = tmp_path / "here"
    done = pushgate("demo", "--count", "2000", "--dir", str(here), "--upstream", "apns-http2")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(done)["accepted"] == "1,980\t\t"
    assert "presumed" not in done.stdout
    assert rows(done)["to live devices"] == "1,980\t1,980\tok"
    assert rows(done)["rejected 410 Unregistered"] == "20\t20\tok"
    assert rows(done)["lost"] == "\t0\tok"
    assert 1 <= int(rows(done)["received twice"].strip()) < 1000
    assert "goes away after stream" in (here / "simulator.log").read_text()


def test_plain_lines(done):
    """Without a terminal there are plain lines, one a second at most, and no control characters."""
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    progress = [line for line in done.stdout.splitlines() if line.startswith("pushed ")]
    assert progress[-1] == "pushed 1,000, settled 1,000 of 1,000"
    assert len(progress) <= done.seconds + 2


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
    out, err = demo.communicate(timeout=60)
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
    clock = Clock()
    lines = Lines(4, monotonic=lambda: 100 + clock.seconds())
    for settled in range(5):
        lines.show(4, settled)
        clock.advance(0.4)
    lines.close()
    lines.close()
    assert [line[18] for line in capsys.readouterr().out.splitlines()] == ["0", "3", "4"]
