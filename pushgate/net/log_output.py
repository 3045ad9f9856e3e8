"""The lines of the process's own log: as text or JSON, with their levels where the journal reads them."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, Final

from twisted.application.service import Service
from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    eventAsText,
    formatEventAsClassicLogText,
    formatTime,
)
from twisted.python.components import Componentized
from twisted.python.logfile import LogFile
from twisted.python.usage import UsageError

from pushgate.model.printable import escaped

FORMATS: Final = ("text", "json")
_PRIORITIES: Final = {
    LogLevel.debug: 7, LogLevel.info: 6, LogLevel.warn: 4, LogLevel.error: 3, LogLevel.critical: 2,
}  # fmt: skip
"""The levels of syslog, which the journal takes from ``<N>`` at the begin of a line."""
_DEFAULT_FILE: Final = "twistd.log"
"""Where a daemon's log goes, as twistd has it."""


class LogFormat:
    """Formats events; every control character but the ends of lines is escaped, whatever it came from.

    Text is as twistd writes it: the second line of an event and those that follow begin with a tab.

    :param as_json: one JSON object a line, with `time`, `level`, `logger`, `message`, the event's plain
        `fields`, and `traceback` where there is one.
    :param levels: lines begin with their level, for the journal.
    """

    def __init__(self, as_json: bool, levels: bool) -> None:
        self._as_json, self._levels = as_json, levels

    def __call__(self, event: LogEvent) -> str | None:
        """The event's lines; None when it has no text."""
        text = _as_json(event) if self._as_json else formatEventAsClassicLogText(event)
        if not text:
            return None
        lines = [escaped(line) for line in text.removesuffix("\n").split("\n")]
        if self._levels:
            priority = _PRIORITIES.get(event.get("log_level", LogLevel.info), 6)
            lines = [f"<{priority}>{line}" for line in lines]
        return "\n".join(lines) + "\n"


class OwnLog(Service):
    """A service that brings along how the log of its application is written.

    :ivar log_observer: writes it; None leaves that to twistd.
    """

    log_observer: ILogObserver | None = None

    def setServiceParent(self, parent: Any) -> None:
        """See `twisted.application.service.IService`."""
        if self.log_observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self.log_observer)
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]  # untyped in Twisted


def check_format(form: str) -> None:
    """Raise `UsageError` unless it is one of `FORMATS`."""
    if form not in FORMATS:
        raise UsageError(f"--log-format: {form!r}; must be {' or '.join(FORMATS)}")


def log_observer(twistd: Any, form: str, reactor: Any) -> ILogObserver | None:
    """What writes the log in this form, to where the options of twistd say that it goes.

    None when the command line names a logger or syslog, or when it is not twistd that runs.

    :param twistd: its options, or None.
    :param form: one of `FORMATS`.
    :param reactor: provides IReactorFromThreads, to rotate a file.
    """
    if twistd is None or twistd.get("logger") or twistd.get("syslog"):
        return None
    as_json, name, foreground = form == "json", twistd.get("logfile"), twistd.get("nodaemon", True)
    if name == "-" and not foreground:
        raise SystemExit("Daemons cannot log to stdout, exiting!")
    if name == "-" or (foreground and not name):
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        return FileLogObserver(sys.stdout, LogFormat(as_json, is_journal(sys.stdout)))
    file = LogFile.fromFullPath(name or _DEFAULT_FILE)
    if not signal.getsignal(signal.SIGUSR1):  # as twistd's own log, unless that signal has another meaning
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate))
    return FileLogObserver(file, LogFormat(as_json, levels=False))


def is_journal(stream: Any, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what is written to a stream goes to the journal of systemd."""
    try:
        found = os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _as_json(event: LogEvent) -> str:
    message = eventAsText(event, includeTraceback=False, includeTimestamp=False, includeSystem=False)
    level = event.get("log_level", LogLevel.info)
    record = {
        "time": formatTime(event.get("log_time")),
        "level": level.name,
        "logger": event.get("log_namespace", ""),
        "message": message,
    }
    if fields := _fields(event):
        record["fields"] = fields
    if (failure := event.get("log_failure")) is not None:
        record["traceback"] = failure.getTraceback()
    return json.dumps(record)


def _fields(event: LogEvent) -> dict[str, Any]:
    """What an event of ours was formatted from, as far as it has a form in JSON."""
    if "log_legacy" in event or "log_io" in event:
        return {}
    return {
        key: value
        for key, value in event.items()
        if not key.startswith("log_") and isinstance(value, str | int | float | bool)
    }
