"""A process of the demonstration, stopped by its own pid."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from pushgate.model.errors import PushgateError

START_TIMEOUT: Final = 20.0
"""Seconds a process has to open its port."""
STOP_TIMEOUT: Final = 10.0
"""Seconds a process has to end when it is asked to; then it is killed."""
_LOOK: Final = 0.05
"""Seconds between two attempts to reach a port."""
_LAST_LINES: Final = 8


class DemoFailed(PushgateError):
    """The demonstration could not be carried through."""


class _Knock(Protocol):
    """A connection that only finds out whether the port is open."""

    transport: ITransport

    def connectionMade(self) -> None:
        self.transport.loseConnection()


class Process:
    """A program of Twisted's, with a log file of its own.

    :param name: for people.
    :param arguments: what follows ``twistd -n``.
    :param log: takes all it says.
    :ivar ended: fires when it has ended, however.
    """

    def __init__(self, name: str, arguments: tuple[str, ...], log: Path, reactor: Any) -> None:
        self.name, self.log, self.ended = name, log, Deferred[None]()
        self._arguments, self._reactor = arguments, reactor
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def died(self) -> bool:
        """Whether it ended without having been asked to."""
        return self.ended.called and not self._stopping

    def start(self) -> None:
        """Start it, in the directory of its log."""
        # -P: nothing that lies in that directory is imported. A group of its own: Ctrl-C is this process's to
        # handle, which then stops the others in their order.
        command = [sys.executable, "-P", "-c", "from twisted.scripts.twistd import run; run()"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                [*command, "-n", "--pidfile=", *self._arguments],
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        deferToThread(self._process.wait).addBoth(lambda _: self.ended.callback(None))

    async def listening(self, port: int) -> None:
        """Return when something listens on this port of loopback.

        :raises DemoFailed: the process ended, or the time is over.
        """
        deadline = self._reactor.seconds() + START_TIMEOUT
        endpoint = TCP4ClientEndpoint(self._reactor, "127.0.0.1", port, timeout=1)
        while self._reactor.seconds() < deadline:
            try:
                await endpoint.connect(Factory.forProtocol(_Knock))
            except ConnectError:
                if self.died:
                    raise DemoFailed(self.obituary()) from None
                await deferLater(self._reactor, _LOOK)
            else:
                return
        raise DemoFailed(f"the {self.name} opened no port within {START_TIMEOUT:g} s; {self._last_lines()}")

    async def stop(self) -> None:
        """End it, with force when it does not end by itself; harmless when it has ended or never began."""
        self._stopping = self._stopping or not self.ended.called
        if self._process is None or self.ended.called:
            return
        self._process.terminate()
        force = self._reactor.callLater(STOP_TIMEOUT, self._process.kill)
        ended: Deferred[None] = Deferred()
        self.ended.chainDeferred(ended)
        await ended
        if force.active():
            force.cancel()

    def obituary(self) -> str:
        """How it ended, and its last words."""
        code = self._process.returncode if self._process else None
        how = f"with signal {signal.Signals(-code).name}" if code and code < 0 else f"with exit status {code}"
        return f"the {self.name} ended {how}; {self._last_lines()}"

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        if not lines:
            return f"its log {self.log} is empty"
        return "\n  ".join([f"the last lines of its log {self.log}:", *lines])
