"""Reports to a service manager such as systemd: ready, reloading, stopping, and that the reactor turns."""

import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

BEAT: Final = 10.0
"""Seconds between two watchdog pings when the service manager does not ask for more."""
START_TIMEOUT: Final = 6 * BEAT
"""Seconds without a ping after which a start is stuck. Generous: reading a large spool takes its time."""

MAX_QUEUED: Final = 16
"""Datagrams that wait for room in the socket at most; the oldest are dropped, the last one has the state."""


class SystemdNotifier:
    """Speaks the protocol of ``sd_notify(3)``: datagrams of ``NAME=value`` lines.

    Watchdog pings come from the reactor, so that a process whose reactor is blocked is restarted. A datagram
    that finds no room in the socket is sent with the next ping: nothing here ever blocks.

    :param address: the socket's path, or its abstract name after ``@``; ``""`` without a service manager.
    :param watchdog: seconds without a ping after which the service manager acts; 0 when it does not.
    :param monotonic: seconds of ``CLOCK_MONOTONIC``.
    """

    log = Logger()

    def __init__(
        self, address: str, watchdog: float, clock: IReactorTime, monotonic: Callable[[], float]
    ) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._interval = min(BEAT, watchdog / 3) if watchdog else BEAT
        self._monotonic = monotonic
        self._waiting: deque[str] = deque(maxlen=MAX_QUEUED)
        self._error: str | None = None
        self._socket: socket.socket | None = None
        self._starting = self._running = False
        self._beating = LoopingCall(self._beat)
        self._beating.clock = clock

    @classmethod
    def of(
        cls, environment: Mapping[str, str], clock: IReactorTime, monotonic: Callable[[], float]
    ) -> "SystemdNotifier":
        """A notifier for the service manager that the environment names; without one it does nothing."""
        address = environment.get("NOTIFY_SOCKET", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = environment.get("WATCHDOG_USEC", "") if mine else ""
        watchdog = int(micros) / 1e6 if micros.isdecimal() else 0.0
        return cls(address if address[:1] in {"/", "@"} else "", watchdog, clock, monotonic)

    def start(self) -> None:
        """Begin to ping: the start may take as long as it needs while the reactor turns."""
        if not self._address:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._starting = True
        self._beating.start(self._interval)

    def ready(self) -> None:
        """Report that all is open."""
        self._starting, self._running = False, True
        self._report("READY=1", "STATUS=ready")

    def reloading(self) -> None:
        """Report that a reload is under way."""
        if self._running:
            self._report("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1e6)}")

    def reloaded(self, error: str) -> None:
        """Report that the reload is over.

        :param error: the reason in a few words when it failed, else ``""``.
        """
        if self._running:
            self._report("READY=1", f"STATUS=ready{error and '; '}{error}")

    def stopping(self, seconds: float) -> None:
        """Report that the stop has begun, and takes so many seconds at most."""
        self._starting = self._running = False
        self._report("STOPPING=1", "STATUS=stopping", f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def stop(self) -> None:
        """Report nothing more."""
        if self._beating.running:
            self._beating.stop()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _report(self, *lines: str) -> None:
        if self._socket is not None:
            self._waiting.append("\n".join(lines))
            self._flush()

    def _beat(self) -> None:
        if self._flush():
            extension = f"\nEXTEND_TIMEOUT_USEC={int(START_TIMEOUT * 1e6)}" if self._starting else ""
            self._send(f"WATCHDOG=1{extension}")

    def _flush(self) -> bool:
        """Send what waits; return True when all is sent."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
        return not self._waiting

    def _send(self, datagram: str) -> bool:
        assert self._socket is not None
        try:
            self._socket.sendto(datagram.encode(), self._address)
        except OSError as error:
            if error.strerror != self._error:
                self.log.warn("the service manager was not notified: {error}", error=error.strerror)
            self._error = error.strerror
            return False
        self._error = None
        return True
