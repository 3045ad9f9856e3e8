"""How the lines of the log are written."""

import json
import os
import signal
import tempfile
from io import StringIO

import pytest
from twisted.application.service import Application
from twisted.internet.task import Clock
from twisted.logger import FileLogObserver, ILogObserver, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.python.usage import UsageError

from pushgate.net.log_output import LogFormat, OwnLog, check_format, is_journal, log_observer


def event(message, level=LogLevel.warn, **fields):
    """An event as a `Logger` makes it."""
    events = []
    Logger("pushgate.part", observer=events.append).emit(level, message, **fields)
    return {**events[0], "log_time": 0.0}


def failure():
    """One with a line end in its text."""
    try:
        raise ValueError("a\rb\nc")
    except ValueError:
        return Failure()


def test_text():
    """As twistd writes it."""
    line = LogFormat(False, levels=False)(event("{app}: well", app="news"))
    assert line.endswith("[pushgate.part#warn] news: well\n")
    assert LogFormat(False, levels=False)({"log_format": ""}) is None


def test_control_characters_are_escaped():
    """A peer cannot rewrite what an operator sees, nor begin a line of the log."""
    text = LogFormat(False, levels=False)(event("{why}", why="a\rb\x1b[2J\x9bc\u202ed\udcffe\n2026 fake\tf"))
    assert text.endswith("a\\rb\\x1b[2J\\x9bc\\u202ed\\udcffe\n\t2026 fake\tf\n")
    text = LogFormat(False, levels=False)(event("it failed", log_failure=failure()))
    assert "\r" not in text
    assert all(line.startswith("\t") for line in text.splitlines()[1:])


@pytest.mark.parametrize(
    ("level", "priority"),
    [("debug", 7), ("info", 6), ("warn", 4), ("error", 3), ("critical", 2)],
)
def test_levels(level, priority):
    """In the journal each line of an event has its level, in both forms."""
    one = event("a\nb", LogLevel.levelWithName(level))
    first, second = LogFormat(False, levels=True)(one).splitlines()
    assert first.startswith(f"<{priority}>1970-01-01T")
    assert second == f"<{priority}>\tb"
    assert LogFormat(True, levels=True)(one).startswith(f"<{priority}>{{")


def test_json():
    """One object a line: what happened, and what it was said of, as far as JSON has a form for that."""
    record = LogFormat(True, levels=False)(event("{app}: {why}\x1b", app="news", why="a\nb", other=object()))
    assert record.count("\n") == 1
    read = json.loads(record)
    assert read.pop("time").startswith("1970-01-01T")
    assert read == {
        "level": "warn",
        "logger": "pushgate.part",
        "message": "news: a\nb\x1b",
        "fields": {"app": "news", "why": "a\nb"},
    }


def test_json_of_a_failure():
    """Its traceback is apart from the message."""
    read = json.loads(LogFormat(True, levels=False)(event("it failed", log_failure=failure())))
    assert read["message"] == "it failed"
    assert read["traceback"].startswith("Traceback")


def test_what_goes_to_the_journal():
    """It is the journal when systemd names the very stream that is written to."""
    with tempfile.TemporaryFile() as stream:
        found = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not is_journal(stream, {})
    assert not is_journal(StringIO(), {"JOURNAL_STREAM": "8:1"})


def test_what_the_command_line_names_stays():
    """A logger of its own, syslog, or no twistd at all: then there is nothing to do here."""
    for options in ({"logger": object()}, {"syslog": True}, None):
        assert log_observer(options, "text", Clock()) is None


def test_a_file(tmp_path):
    """A file is written to, and rotated at SIGUSR1 as before."""
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    try:
        observer = log_observer({"logfile": str(tmp_path / "log")}, "json", Clock())
        assert signal.getsignal(signal.SIGUSR1) != signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR1, before)
    observer(event("{app}", app="news"))
    assert json.loads((tmp_path / "log").read_text())["message"] == "news"


def test_the_application_has_it():
    """A service gives it to its application, where twistd looks for it."""
    service, application = OwnLog(), Application("news")
    service.log_observer = observer = FileLogObserver(StringIO(), LogFormat(False, levels=False))
    service.setServiceParent(application)
    assert ILogObserver(application) is observer


def test_forms():
    """A form that there is not is a fault of the command line."""
    check_format("json")
    with pytest.raises(UsageError, match="must be text or json"):
        check_format("xml")
