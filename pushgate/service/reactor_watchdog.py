"""Says who holds up the reactor, while it is held up: from inside the reactor nobody could."""

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from twisted.logger import Logger

from pushgate.model.log_throttle import LogThrottle
from pushgate.model.metrics import Metrics

PATIENCE: Final = 1.0
"""Seconds for which the reactor may be held up before that is told."""
LOOKS: Final = 4
"""Looks in that time. They are counted, not timed: a process that was stopped meanwhile alarms nobody."""
GATEWAY: Final = "gateway"
"""Who is to blame when no plug-in is."""


class Watchdog:
    """A thread that asks the reactor to answer, and when it does not looks at what it does instead.

    :param reactor: provides IReactorTime and IReactorFromThreads.
    :param parts: what was made by plug-ins, by what people call it: ``"input drop"``.
    """

    log = Logger()

    def __init__(self, reactor: Any, metrics: Metrics, parts: Callable[[], Mapping[str, object]]) -> None:
        self._reactor, self._metrics, self._parts = reactor, metrics, parts
        self._troubles: dict[str, LogThrottle] = {}
        self._ended = threading.Event()
        self._answered, self._turned, self._looks = True, False, 0
        self._asked_at = 0.0
        self._held_by = ""
        self._told = False

    def start(self) -> None:
        """Watch the thread that calls this."""
        args = (threading.get_ident(),)
        threading.Thread(target=self._run, args=args, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._ended.set()

    def _run(self, thread: int) -> None:
        while not self._ended.wait(PATIENCE / LOOKS):
            self.look(lambda: sys._current_frames().get(thread))

    def look(self, frame: Callable[[], FrameType | None]) -> None:
        """Ask, or see whether there was an answer. Called in the watchdog's thread.

        :param frame: what the reactor's thread executes.
        """
        if self._answered:
            self._answered, self._looks, self._asked_at = False, 0, self._reactor.seconds()
            self._reactor.callFromThread(self._answer)
            return
        self._looks += 1
        if self._looks == LOOKS:
            self._alarm(frame())

    def _alarm(self, frame: FrameType | None) -> None:
        part, where = culprit(frame, self._parts())
        if part == GATEWAY and not self._turned:
            return  # it is still starting; nobody waits for it yet
        self._held_by = part
        trouble = self._troubles.setdefault(part, LogThrottle())
        count = trouble.happened(self._reactor.seconds())
        self._told = bool(count)
        if count:
            self.log.error(
                "{part} holds up the reactor, nothing else runs meanwhile: {where}; "
                "{count} times since the last such line",
                part=part,
                where=where,
                count=count,
            )

    def _answer(self) -> None:
        """In the reactor's thread: it turns."""
        self._turned = True
        if self._held_by:
            part, self._held_by = self._held_by, ""
            self._metrics.count("pushgate_blocked_total", part)
            if self._told:
                seconds = round(self._reactor.seconds() - self._asked_at, 1)
                self.log.warn("{part} held up the reactor for {seconds} s", part=part, seconds=seconds)
        self._answered = True


def culprit(frame: FrameType | None, parts: Mapping[str, object]) -> tuple[str, str]:
    """Whose code this is, and where it is: the innermost that is a plug-in's or the gateway's decides.

    :returns: names of parts, or `GATEWAY`; file, line and function.
    """
    homes = {name: home(type(part).__module__) for name, part in parts.items()}
    each = frame
    while each is not None:
        module = str(each.f_globals.get("__name__", ""))
        names = [name for name, place in homes.items() if f"{module}.".startswith(f"{place}.")]
        if names or module.startswith("pushgate."):
            return " or ".join(names) or GATEWAY, _place(each)
        each = each.f_back
    return GATEWAY, _place(frame) if frame is not None else "unknown"


def home(module: str) -> str:
    """The package that is all one plug-in's: ``pigeon`` of ``pigeon.sink``, of ours one below a room."""
    parts = module.split(".")
    return ".".join(parts[:3] if parts[0] == "pushgate" else parts[:1])


def _place(frame: FrameType) -> str:
    file = Path(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}, line {frame.f_lineno}, in {frame.f_code.co_name}"
