"""The demonstration from its first process to the audit."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredList

from pushgate.cli.demo.audit import Audit, audit
from pushgate.cli.demo.devices import Devices
from pushgate.cli.demo.directory import DemoDirectory
from pushgate.cli.demo.process import DemoFailed, Process
from pushgate.cli.demo.services import BINARY, DemoService
from pushgate.cli.demo.settle_counter import SettleCounter
from pushgate.cli.demo.simulator_log import seen
from pushgate.client import Client, connect
from pushgate.client.record import decode_records
from pushgate.model.errors import PushgateError

RESPONSE_TIMEOUT: Final = 2.0
"""Seconds of silence after which written becomes presumed: the default would make the demo wait."""
BATCH: Final = 500
PAYLOAD: Final = {"aps": {"alert": "Your order is on its way", "sound": "default"}}


class DemoResult(msgspec.Struct, frozen=True):
    """The figures of a demonstration.

    :param pushing: seconds until the gateway had accepted all notifications.
    :param settling: seconds until all had their outcome.
    :param connections: how many the gateway opened to the push service.
    """

    audit: Audit
    pushing: float
    settling: float
    connections: int


class DemoRun:
    """Starts the processes, pushes, waits, stops them in good order, and compares.

    :param say: takes a line for people.
    :param show: see `SettleCounter`.
    """

    def __init__(
        self,
        files: DemoDirectory,
        devices: Devices,
        say: Callable[[str], None],
        show: Callable[[int, int], None],
        reactor: Any,
        service: DemoService = BINARY,
    ) -> None:
        self._files, self._devices, self._say, self._reactor = files, devices, say, reactor
        self._service = service
        self._settling = SettleCounter(len(devices.tokens), show, reactor)
        simulator = ("pushgate-simulator", "--config", "simulator.toml")
        self._simulator = Process("simulator", simulator, files.simulator_log, reactor)
        gateway = ("pushgate", "--config", "gateway.toml")
        self._gateway = Process("gateway", gateway, files.gateway_log, reactor)

    async def run(self) -> DemoResult:
        """Run the demonstration; both processes have ended when it returns or raises.

        :raises DemoFailed: with the last words of a process that ended too early, or what else went wrong.
        """
        running = Deferred.fromCoroutine(self._run())

        def ended(_: None, process: Process) -> None:
            if process.died:
                running.cancel()

        for process in (self._simulator, self._gateway):
            process.ended.addCallback(ended, process)
        try:
            return await running
        except (CancelledError, PushgateError):
            for process in (self._simulator, self._gateway):
                if process.died:
                    raise DemoFailed(process.obituary()) from None
            raise
        finally:
            self._settling.stop()
            # Both are signalled before either is waited for: a second Ctrl-C may cut the waiting.
            stopping = [Deferred.fromCoroutine(each.stop()) for each in (self._gateway, self._simulator)]
            await DeferredList(stopping)

    async def _run(self) -> DemoResult:
        files = self._files
        files.write_configuration(self._devices, RESPONSE_TIMEOUT, self._service)
        await self._start(self._simulator, files.control)
        await self._start(self._gateway, files.amp)
        pushing, settling = await self._push()
        await self._gateway.stop()  # the outcome file is complete then
        observed = await seen(self._reactor, files.control)
        await self._simulator.stop()
        records = decode_records(files.outcomes.read_bytes())
        found = audit(self._devices, records, observed, dead_status=self._service.dead_status)
        return DemoResult(found, pushing, settling, observed.connections)

    async def _start(self, process: Process, port: int) -> None:
        process.start()
        await process.listening(port)
        self._say(f"the {process.name} is up, on port {port}; its log: {process.log}")

    async def _push(self) -> tuple[float, float]:
        """Push everything and wait for the outcomes; seconds until accepted, until settled."""
        async with connect(self._reactor, f"tcp:127.0.0.1:{self._files.amp}") as gateway:
            await gateway.watch(self._settling.record, app="demo")
            began = self._reactor.seconds()
            self._settling.start()
            await self._push_batches(gateway)
            pushed = self._reactor.seconds()
            await self._settling.done
            self._settling.stop()
            return pushed - began, self._reactor.seconds() - began

    async def _push_batches(self, gateway: Client) -> None:
        for batch in _batches(self._devices.tokens):
            receipt = await gateway.push_batch("demo", batch, PAYLOAD)
            self._settling.pushed += receipt.accepted
            if receipt.refused:
                refused = receipt.refused[0]
                raise DemoFailed(f"the gateway refused a notification: {refused.code}: {refused.reason}")


def _batches(tokens: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    for start in range(0, len(tokens), BATCH):
        yield tokens[start : start + BATCH]
