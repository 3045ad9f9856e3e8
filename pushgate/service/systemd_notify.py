"""What a service manager such as systemd is told: ready, reloading, stopping, and that the reactor turns."""

import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

BEAT: Final = 10.0
"""Seconds between two signs of life when the service manager does not ask for more."""
PATIENCE: Final = 6 * BEAT
"""Seconds without a sign of life after which a start is stuck: reading a large spool takes its time."""

OWED: Final = 16
"""Datagrams that wait for room in the socket at most; the last ones say how things are."""


class SystemdNotifier:
    """Speaks the protocol of ``sd_notify(3)``: datagrams of ``NAME=value`` lines.

    Signs of life come from the reactor, so that one that is blocked is found out and restarted. What finds
    no room in the socket is sent with the next sign of life: nothing here ever waits.

    :param address: the socket's path, or its abstract name after ``@``; ``""`` when nobody listens.
    :param watchdog: seconds without a sign of life after which the service manager acts; 0 when it does not.
    :param monotonic: seconds of ``CLOCK_MONOTONIC``.
    """

    log = Logger()

    def __init__(
        self, address: str, watchdog: float, clock: IReactorTime, monotonic: Callable[[], float]
    ) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._interval = min(BEAT, watchdog / 3) if watchdog else BEAT
        self._monotonic = monotonic
        self._waiting: deque[str] = deque(maxlen=OWED)
        self._trouble: str | None = None
        self._socket: socket.socket | None = None
        self._starting = self._running = False
        self._beating = LoopingCall(self._beat)
        self._beating.clock = clock

    @classmethod
    def of(
        cls, environment: Mapping[str, str], clock: IReactorTime, monotonic: Callable[[], float]
    ) -> "SystemdNotifier":
        """The one that started this process, as it says in the environment; none is fine too."""
        address = environment.get("NOTIFY_SOCKET", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = environment.get("WATCHDOG_USEC", "") if mine else ""
        watchdog = int(micros) / 1e6 if micros.isdecimal() else 0.0
        return cls(address if address[:1] in {"/", "@"} else "", watchdog, clock, monotonic)

    def start(self) -> None:
        """The start begins: as long as the reactor turns it may take its time."""
        if not self._address:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._starting = True
        self._beating.start(self._interval)

    def ready(self) -> None:
        """All is open."""
        self._starting, self._running = False, True
        self._tell("READY=1", "STATUS=ready")

    def reloading(self) -> None:
        """A change of the configuration is under way."""
        if self._running:
            self._tell("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1e6)}")

    def reloaded(self, trouble: str) -> None:
        """It is over.

        :param trouble: what came of it in a few words, ``""`` when it was taken up.
        """
        if self._running:
            self._tell("READY=1", f"STATUS=ready{trouble and '; '}{trouble}")

    def stopping(self, seconds: float) -> None:
        """The stop has begun, and takes so many seconds at most."""
        self._starting = self._running = False
        self._tell("STOPPING=1", "STATUS=stopping", f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def stop(self) -> None:
        """Say nothing more."""
        if self._beating.running:
            self._beating.stop()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, *lines: str) -> None:
        if self._socket is not None:
            self._waiting.append("\n".join(lines))
            self._flush()

    def _beat(self) -> None:
        if self._flush():
            patience = f"\nEXTEND_TIMEOUT_USEC={int(PATIENCE * 1e6)}" if self._starting else ""
            self._send(f"WATCHDOG=1{patience}")

    def _flush(self) -> bool:
        """Send what waits; whether all has gone."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
        return not self._waiting

    def _send(self, datagram: str) -> bool:
        assert self._socket is not None
        try:
            self._socket.sendto(datagram.encode(), self._address)
        except OSError as error:
            if error.strerror != self._trouble:
                self.log.warn("the service manager was not told: {error}", error=error.strerror)
            self._trouble = error.strerror
            return False
        self._trouble = None
        return True
