"""What the service manager hears, over a socket of the kind it has."""

import os
import signal
import socket
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.errors import CannotStart
from pushgate.service.lifecycle import ENDING, FLUSH_TIMEOUT, GRACE
from pushgate.service.systemd_notify import BEAT, MAX_QUEUED, START_TIMEOUT, SystemdNotifier
from tests.service.test_lifecycle import DRAIN, LifecycleCase

LONG = f"EXTEND_TIMEOUT_USEC={int(START_TIMEOUT * 1e6)}"


class Manager:
    """The service manager's end."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)
        self.close = self._socket.close

    def heard(self) -> list[list[str]]:
        """The lines of each datagram since the last call."""
        datagrams = []
        while True:
            try:
                datagrams.append(self._socket.recv(4096).decode().splitlines())
            except BlockingIOError:
                return datagrams


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        # Short: the address of a socket has room for about a hundred characters.
        self.address = f"@pushgate-test-{os.getpid()}-{id(self)}"

    def manager(self) -> Manager:
        manager = Manager(self.address)
        self.addCleanup(manager.close)
        return manager

    def notifier(self, **environment: str) -> SystemdNotifier:
        notifier = SystemdNotifier.of(environment, self.clock, lambda: 12.5)
        self.addCleanup(notifier.stop)
        return notifier


class SupervisorTests(Case):
    def test_a_life(self) -> None:
        """From start to end: each step is reported once, in the words of sd_notify(3)."""
        manager, notifier = self.manager(), self.notifier(NOTIFY_SOCKET=self.address)
        notifier.start()
        self.assertEqual(manager.heard(), [["WATCHDOG=1", LONG]])
        notifier.ready()
        notifier.reloading()
        notifier.reloaded("")
        notifier.reloading()
        notifier.reloaded("nothing has changed")
        notifier.stopping(50)
        self.assertEqual(
            manager.heard(),
            [
                ["READY=1", "STATUS=ready"],
                ["RELOADING=1", "MONOTONIC_USEC=12500000"],
                ["READY=1", "STATUS=ready"],
                ["RELOADING=1", "MONOTONIC_USEC=12500000"],
                ["READY=1", "STATUS=ready; nothing has changed"],
                ["STOPPING=1", "STATUS=stopping", "EXTEND_TIMEOUT_USEC=50000000"],
            ],
        )

    def test_a_path(self) -> None:
        """The usual address is a path."""
        directory = Path(self.mktemp())
        directory.mkdir()
        here = Path.cwd()
        self.addCleanup(os.chdir, here)
        os.chdir(directory)
        self.address = "s"
        manager = self.manager()
        notifier = SystemdNotifier("s", 0.0, self.clock, self.clock.seconds)
        self.addCleanup(notifier.stop)
        notifier.start()
        self.assertEqual(len(manager.heard()), 1)

    def test_signs_of_life(self) -> None:
        """As long as the reactor turns it says so, three times in what the watchdog allows; in a stop too."""
        manager = self.manager()
        notifier = self.notifier(NOTIFY_SOCKET=self.address, WATCHDOG_USEC="15000000")
        notifier.start()
        notifier.ready()
        manager.heard()
        self.clock.pump([1] * 15)
        self.assertEqual(manager.heard(), [["WATCHDOG=1"]] * 3)
        notifier.stopping(50)
        self.clock.advance(5)
        self.assertEqual(manager.heard()[1:], [["WATCHDOG=1"]])
        notifier.stop()
        self.clock.advance(60)
        self.assertEqual((manager.heard(), self.clock.getDelayedCalls()), ([], []))

    def test_a_long_start(self) -> None:
        """A start that gets on asks for more time, again and again; without a watchdog as well."""
        manager, notifier = self.manager(), self.notifier(NOTIFY_SOCKET=self.address)
        notifier.start()
        manager.heard()
        for _ in range(60):
            self.clock.advance(BEAT)
            self.assertEqual(manager.heard(), [["WATCHDOG=1", LONG]])
        self.assertGreater(START_TIMEOUT, 2 * BEAT)

    def test_a_watchdog_for_another_process(self) -> None:
        """A watchdog that is meant for another process changes nothing."""
        manager = self.manager()
        notifier = self.notifier(NOTIFY_SOCKET=self.address, WATCHDOG_USEC="3000", WATCHDOG_PID="1")
        notifier.start()
        manager.heard()
        self.clock.advance(BEAT - 0.1)
        self.assertEqual(manager.heard(), [])

    def test_nothing_listens(self) -> None:
        """Without a service manager, or with one that cannot be reached so, nothing is done at all."""
        for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}):
            notifier = self.notifier(**environment)
            notifier.start()
            notifier.ready()
            notifier.stopping(1)
            notifier.stop()
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_comes_later(self) -> None:
        """What could not be said is said as soon as it can be, in order, and nothing waits for that."""
        notifier = self.notifier(NOTIFY_SOCKET=self.address)
        notifier.start()
        notifier.ready()
        notifier.stopping(1)
        manager = self.manager()
        self.clock.advance(BEAT)
        self.assertEqual([lines[0] for lines in manager.heard()], ["READY=1", "STOPPING=1", "WATCHDOG=1"])

    def test_a_manager_that_does_not_read(self) -> None:
        """A full socket holds nothing up, and only the last words are kept for it."""
        manager, notifier = self.manager(), self.notifier(NOTIFY_SOCKET=self.address)
        notifier.start()
        notifier.ready()
        for _ in range(2000):
            notifier.reloading()
        notifier.stopping(1)
        manager.heard()
        later: list[list[str]] = []
        while ["WATCHDOG=1"] not in later:  # a few at a time: the socket has little room
            self.clock.advance(BEAT)
            later += manager.heard()
        self.assertEqual(len(later), MAX_QUEUED + 1)
        self.assertEqual(later[-2][0], "STOPPING=1")


class Reloads:
    """Stands for the reload of a configuration.

    :ivar result: what it comes to.
    """

    def __init__(self) -> None:
        self.result: Deferred[list[str]] = succeed([])

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def run(self) -> Deferred[list[str]]:
        return self.result


class LifecycleTests(LifecycleCase):
    """The notifications of a lifecycle."""

    def setUp(self) -> None:
        super().setUp()
        address = f"@pushgate-test-{os.getpid()}-{id(self)}"
        self.manager = Manager(address)
        self.addCleanup(self.manager.close)
        notifier = SystemdNotifier(address, 0.0, self.clock, self.clock.seconds)
        self.addCleanup(notifier.stop)
        self.reload = Reloads()
        self.lifecycle = self.made(reloader=self.reload, notifier=notifier)

    def heard(self) -> list[str]:
        """The first line of each datagram, signs of life left out."""
        return [lines[0] for lines in self.manager.heard() if lines[0] != "WATCHDOG=1"]

    def hang_up(self) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        self.turn()

    def test_ready_when_the_inputs_are_open(self) -> None:
        """Neither before the last input is open nor because of a SIGHUP."""
        self.second.holding = True
        self.lifecycle.start()
        self.hang_up()
        self.assertEqual(self.heard(), [])
        self.second.release()
        self.assertEqual(self.heard(), ["READY=1"])

    def test_a_start_that_fails(self) -> None:
        """It never gets ready."""
        self.first.error = CannotStart(["inputs.first.listen: cannot listen"])
        self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(self.heard(), [])

    def test_a_reload(self) -> None:
        """It lasts until all that is new has taken its place, or until it was refused, which is reported."""
        self.successResultOf(self.lifecycle.start())
        self.reload.result = Deferred()
        self.hang_up()
        self.assertEqual(self.heard(), ["READY=1", "RELOADING=1"])
        self.reload.result.callback([])
        self.assertEqual(self.manager.heard(), [["READY=1", "STATUS=ready"]])
        self.reload.result = fail(CannotStart(["x: y"]))
        self.hang_up()
        status = "STATUS=ready; not reloaded, nothing has changed: see the log"
        self.assertEqual(self.manager.heard()[1:], [["READY=1", status]])

    def test_a_stop(self) -> None:
        """It asks for as long as it may take; what a reload came to is of no interest then."""
        self.successResultOf(self.lifecycle.start())
        self.reload.result = Deferred()
        self.hang_up()
        self.manager.heard()
        stopped = self.lifecycle.stop()
        self.turn()
        self.reload.result.callback([])
        self.successResultOf(stopped)
        seconds = int(DRAIN + ENDING)
        self.assertEqual(
            self.manager.heard(), [["STOPPING=1", "STATUS=stopping", f"EXTEND_TIMEOUT_USEC={seconds}000000"]]
        )
        # Sinks and inputs share a deadline; each of drain, sinks, inputs and what a reload closed has its grace.
        self.assertGreater(ENDING, FLUSH_TIMEOUT + 4 * GRACE)
