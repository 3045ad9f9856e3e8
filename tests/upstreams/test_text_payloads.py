"""XML and text over HTTP, in lines and with the command, to services that take it: what the devices get."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import requests
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from bench.service_apps import PHONE, SERVICE_APPS, TOAST
from pushgate.plugins import builtin
from tests.cli.programs import pushgate
from tests.input_rig import context
from tests.service_rig import ServiceCase, ServiceRig

TEXT = '„Hi“ "\U0001f514" \\'


@asynccontextmanager
async def opened(rig: ServiceRig, factory: Any) -> AsyncIterator[str]:
    """An input of a rig's gateway; gives its host and port."""
    table = factory.config(type=factory.name, listen="tcp:0:interface=127.0.0.1")
    one = factory.input(factory.name, table, rig.gateway, context(reactor))
    await one.start()
    try:
        yield one.addresses()[0].rpartition(" ")[2]
    finally:
        await one.stop()


def post(place: str, body: bytes, kind: str) -> None:
    """Submit over HTTP; nothing of it may be refused."""
    url, headers = f"http://{place}/v1/apps/news/notifications", {"Content-Type": kind}
    answer = requests.post(url, body, headers=headers, timeout=30)
    assert answer.json()["refused"] == [], answer.text


def send(place: str, lines: list[bytes]) -> None:
    """Send lines; each must be accepted."""
    host, _, port = place.rpartition(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(b"\n".join(lines))
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answers.count(b"OK ") == len(lines), answers


class TextPayloadTests(ServiceCase):
    async def arrives(self, kind: str, payload: Any, said: bytes, in_words: bool = True) -> None:
        """Submit a payload in each way that there is; what the service gets must be what it says.

        :param in_words: the target can stand in a line of text.
        """
        app = SERVICE_APPS[kind]
        rig = await self.made().begin(app.factory, lambda rig: app.table(rig.simulator))
        targets = [app.target(rig.simulator, f"device{number}") for number in range(7)]
        one = [json.dumps({"token": each, "payload": payload}).encode() for each in targets]
        async with opened(rig, builtin.http) as place:
            await deferToThread(post, place, one[0], "application/json")
            many = json.dumps({"tokens": [targets[1]], "payload": payload}).encode()
            await deferToThread(post, place, many, "application/json")
            several = b'{"notifications": [%b]}' % one[2]
            await deferToThread(post, place, several, "application/json")
            await deferToThread(post, place, one[3], "application/x-ndjson")
        async with opened(rig, builtin.line) as place:
            lines = [b'{"app": "news", ' + one[4][1:]]
            if in_words:
                lines.append(b"PUSH news %b %b" % (targets[5].encode(), json.dumps(payload).encode()))
            await deferToThread(send, place, lines)
        async with opened(rig, builtin.amp) as place:
            line = "send", "--app", "news", "--token", targets[6], "--to", place, "--payload", said.decode()
            done = await deferToThread(pushgate, *line)
            self.assertTrue(done.stdout.splitlines()[1].startswith("accepted"), done)
        count = 6 + in_words
        await self.until(rig, lambda: len(rig.simulator.received) == count)
        self.assertEqual([entry.payload for entry in rig.simulator.received.entries()], [said] * count)

    async def test_wns(self) -> None:
        """A toast is XML; the service gets it as one."""
        await self.arrives("wns", TOAST.decode(), TOAST)

    async def test_mpns(self) -> None:
        """As is a notification of Windows Phone."""
        await self.arrives("mpns", PHONE.decode(), PHONE)

    async def test_web_push(self) -> None:
        """A page gets a text without the quotes of JSON, and an object as it was written."""
        await self.arrives("webpush", TEXT, TEXT.encode(), in_words=False)
        await self.arrives("webpush", {"title": "Hi"}, b'{"title": "Hi"}', in_words=False)
