"""Names the plug-in that blocks the reactor, while it does: nothing inside the reactor could."""

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from twisted.logger import Logger

from pushgate.model.log_throttle import LogThrottle
from pushgate.model.metrics import Metrics

BLOCKED: Final = 1.0
"""Seconds for which the reactor may be blocked before that is logged."""
CHECKS: Final = 4
"""Checks in that time. They are counted, not timed, so a process that was suspended raises no alarm."""
GATEWAY: Final = "gateway"
"""The name that is logged when no plug-in's code runs."""


class Watchdog:
    """A thread that pings the reactor, and samples its stack when there is no answer.

    :param reactor: provides IReactorTime and IReactorFromThreads.
    :param parts: the objects that plug-ins made, by the names that logs use: ``"input drop"``.
    """

    log = Logger()

    def __init__(self, reactor: Any, metrics: Metrics, parts: Callable[[], Mapping[str, object]]) -> None:
        self._reactor, self._metrics, self._parts = reactor, metrics, parts
        self._throttles: dict[str, LogThrottle] = {}
        self._ended = threading.Event()
        self._answered, self._turned, self._checks = True, False, 0
        self._asked_at = 0.0
        self._held_by = ""
        self._logged = False

    def start(self) -> None:
        """Watch the thread that calls this."""
        args = (threading.get_ident(),)
        threading.Thread(target=self._run, args=args, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop the thread."""
        self._ended.set()

    def _run(self, thread: int) -> None:
        while not self._ended.wait(BLOCKED / CHECKS):
            self.check(lambda: sys._current_frames().get(thread))

    def check(self, frame: Callable[[], FrameType | None]) -> None:
        """Ping the reactor, or check for its answer. Called in the watchdog's thread.

        :param frame: returns the frame that the reactor's thread executes.
        """
        if self._answered:
            self._answered, self._checks, self._asked_at = False, 0, self._reactor.seconds()
            self._reactor.callFromThread(self._answer)
            return
        self._checks += 1
        if self._checks == CHECKS:
            self._alarm(frame())

    def _alarm(self, frame: FrameType | None) -> None:
        part, where = culprit(frame, self._parts())
        if part == GATEWAY and not self._turned:
            return  # it is still starting; nothing waits for it yet
        self._held_by = part
        throttle = self._throttles.setdefault(part, LogThrottle())
        count = throttle.happened(self._reactor.seconds())
        self._logged = bool(count)
        if count:
            self.log.error(
                "{part} holds up the reactor, nothing else runs meanwhile: {where}; "
                "{count} times since the last such line",
                part=part,
                where=where,
                count=count,
            )

    def _answer(self) -> None:
        """Note that the reactor turns. Called in its thread."""
        self._turned = True
        if self._held_by:
            part, self._held_by = self._held_by, ""
            self._metrics.count("pushgate_blocked_total", part)
            if self._logged:
                seconds = round(self._reactor.seconds() - self._asked_at, 1)
                self.log.warn("{part} held up the reactor for {seconds} s", part=part, seconds=seconds)
        self._answered = True


def culprit(frame: FrameType | None, parts: Mapping[str, object]) -> tuple[str, str]:
    """The part whose code runs, and the place: the innermost frame of a plug-in or the gateway decides.

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
    """The package that is one plug-in's: ``pigeon`` of ``pigeon.sink``; of ours ``pushgate.inputs.amp``."""
    parts = module.split(".")
    return ".".join(parts[:3] if parts[0] == "pushgate" else parts[:1])


def _place(frame: FrameType) -> str:
    file = Path(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}, line {frame.f_lineno}, in {frame.f_code.co_name}"
