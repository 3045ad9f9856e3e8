"""The clients without a reactor, all four asked in one way, and what stands between them and a gateway."""

import asyncio
import socket
import threading
from contextlib import suppress

from pushgate.cli.demo.directory import free_ports
from pushgate.client.aio import AsyncClient
from pushgate.client.blocking import SyncClient
from tests.cli.programs import CONFIGURATION, RunningGateway

INPUTS = """
[inputs.http]
type = "http"
listen = "tcp:{http}:interface=127.0.0.1"
"""


class Looped:
    """An `AsyncClient` whose methods are called from without, on a loop of its own."""

    def __init__(self, url, **options):
        self._loop, self._client = asyncio.new_event_loop(), AsyncClient(url, **options)

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return lambda *arguments, **options: self._loop.run_until_complete(method(*arguments, **options))

    def dead_tokens(self, app):
        async def listed():
            return [entry async for entry in self._client.dead_tokens(app)]

        return self._loop.run_until_complete(listed())

    def watch(self, app=None, **options):
        outcomes = self._loop.run_until_complete(self._client.watch(app, **options))

        def following():
            try:
                while True:
                    yield self._loop.run_until_complete(anext(outcomes))
            finally:
                self._loop.run_until_complete(outcomes.aclose())

        return following()

    def close(self):
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()


FACES = {"asyncio": Looped, "blocking": SyncClient}


class Gateway(RunningGateway):
    """A gateway with both inputs.

    :ivar ports: of the input ``amp`` and of ``http``.
    """

    def __init__(self, directory, rest="", state="memory"):
        [port] = free_ports(1)
        self.http = port
        configuration = (
            CONFIGURATION + INPUTS.replace("{http}", str(port)) + rest.replace("{", "{{").replace("}", "}}")
        )
        # What waits in an app that sends next to nothing is not to hold up the end of a test.
        configuration = configuration.replace('"memory"', f'"{state}"')
        configuration = configuration.replace("[gateway]\n", '[gateway]\ndrain_timeout = "100ms"\n')
        super().__init__(directory, configuration)
        self.ports = {"amp": int(self.to.split(":")[1]), "http": port}


class Between:
    """Carries connections to a port; as often as it is told, it loses the answer and the connection.

    :ivar losing: how many answers are still to be lost.
    """

    def __init__(self, port):
        self._to = port
        self.losing = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            threading.Thread(target=self._carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, True), daemon=True).start()

    def _carry(self, source, sink, is_answer):
        with suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self.losing:
                    self.losing -= 1
                    break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listening.close()
