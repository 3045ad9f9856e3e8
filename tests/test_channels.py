"""Apple's channels end to end: made, listed, published to and deleted, over HTTP, AMP and the command line."""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from pushgate.client import Client, NotFound, connect
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.provider_keys import ThrowAwayKey
from tests.process import ProcessTestCase

SIMULATOR = """
[simulator]
listen = "tcp:0:interface=127.0.0.1"
feedback_listen = "tcp:0:interface=127.0.0.1"
control_listen = "tcp:0:interface=127.0.0.1"
http2_listen = "tcp:0:interface=127.0.0.1"
services_listen = "tcp:0:interface=127.0.0.1"
state_dir = "simulator"
"""
GATEWAY = """
[gateway]
state_dir = "state"
[apps.news]
upstream = "apns-http2"
topic = "com.example.news"
key_file = "simulator/AuthKey_SIMKEY0001.p8"
team_id = "SIMTEAM001"
trust = "simulator/ca.pem"
host = "localhost"
port = {http2}
[inputs.amp]
type = "amp"
listen = "tcp:0:interface=127.0.0.1"
[inputs.http]
type = "http"
listen = "tcp:0:interface=127.0.0.1"
[sinks.file]
type = "jsonl"
path = "outcomes.jsonl"
"""
UPDATE = {"aps": {"event": "update", "timestamp": 1, "content-state": {"score": 3}}}
Outcome = tuple[str, int | None, str]


class ChannelTests(ProcessTestCase):
    """A gateway and a simulator of the push service."""

    timeout = 110

    async def start(self) -> None:
        """Both."""
        (self.directory / "simulator.toml").write_text(SIMULATOR)
        (self.directory / "simulator").mkdir()
        Certificates.in_directory(self.directory / "simulator")
        ThrowAwayKey.in_directory(self.directory / "simulator")
        service = self.twistd("pushgate-simulator", "--config", "simulator.toml")
        await service.until(lambda: "provider tokens:" in service.out, "it listened")
        self.control = _port(service.out, "control")
        text = GATEWAY.format(http2=_port(service.out, "http2"))
        (self.directory / "pushgate.toml").write_text(text)
        self.gateway = self.twistd("pushgate", "--config", "pushgate.toml")
        self.http = f"http://{await self.gateway.address('http')}/v1/apps/news"
        self.amp = f"tcp:{await self.gateway.address('amp')}"

    async def asked(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer over HTTP."""
        answer = await deferToThread(requests.request, method, self.http + path, json=body, timeout=20)
        return answer.status_code, answer.json()

    async def published(self, channel: str) -> Outcome:
        """What became of a broadcast over HTTP."""
        body = {"channel": channel, "payload": UPDATE, "priority": 5}
        _, answer = await self.asked("POST", "/notifications?wait=20s", body)
        [record] = answer["outcomes"]
        assert (record["token"], record["channel"]) == (None, channel)
        return record["state"], record["status"], record["reason"]

    async def received(self) -> list[dict[str, Any]]:
        """What the push service has accepted."""
        url = f"http://127.0.0.1:{self.control}/received"
        answer = await deferToThread(requests.get, url, timeout=20)
        return list(answer.json()["received"])

    async def command(self, *arguments: str) -> tuple[int, str]:
        """The exit status and the output of a command."""
        program = str(Path(sys.executable).with_name("pushgate"))
        env = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
        out, errors, status = await getProcessOutputAndValue(
            program, [*arguments, "--app", "news", "--to", self.amp.removeprefix("tcp:")], env
        )
        return status, (out + errors).decode()

    async def test_over_http(self) -> None:
        """What is sent to a channel arrives as long as it exists."""
        await self.start()
        status, made = await self.asked("POST", "/channels", {"message_storage_policy": 1})
        assert status == 201
        channel = made["channel"]
        path = f"/channels/{quote(channel, safe='')}"
        assert await self.asked("GET", "/channels") == (200, {"channels": [channel]})
        described = {"channel": channel, "message_storage_policy": 1, "push_type": "LiveActivity"}
        assert await self.asked("GET", path) == (200, described)
        assert await self.published(channel) == ("accepted", 200, "")
        [received] = await self.received()
        assert (received["channel"], received["topic"], received["priority"]) == (
            channel, "com.example.news", 5,
        )  # fmt: skip
        assert json.loads(received["payload"]) == UPDATE
        assert await self.asked("DELETE", path) == (200, {"deleted": True})
        assert (await self.asked("GET", path))[1]["error"] == "NOT_FOUND"
        assert await self.published(channel) == ("rejected", 400, "ChannelNotRegistered")
        records = await self.gateway.records(self.directory / "outcomes.jsonl", 2)
        assert [(each["state"], each["token"], each["channel"]) for each in records] == [
            ("accepted", None, channel), ("rejected", None, channel),
        ]  # fmt: skip

    async def test_over_amp(self) -> None:
        """The same by the Python client."""
        await self.start()
        async with connect(reactor, self.amp) as gateway:
            assert isinstance(gateway, Client)
            channel = await gateway.create_channel("news", 0)
            assert await gateway.channels("news") == [channel]
            assert (await gateway.channel("news", channel)).message_storage_policy == 0
            outcomes = await gateway.watch(app="news")
            number = await gateway.push("news", None, UPDATE, channel=channel)
            record = await anext(aiter(outcomes))
            assert (record.id, record.state, record.channel) == (number, "accepted", channel)
            assert (await gateway.status(number)).channel == channel
            await gateway.delete_channel("news", channel)
            for failing in (gateway.delete_channel("news", channel), gateway.channel("news", channel)):
                await self.assertFailure(failing, NotFound)
            assert await gateway.channels("news") == []

    async def test_by_commands(self) -> None:
        """The same on the command line."""
        await self.start()
        status, out = await self.command("channels", "create", "--message-storage-policy", "1")
        channel = out.strip()
        assert (status, await self.command("channels", "list")) == (0, (0, out))
        assert await self.command("channels", "show", channel) == (
            0, f"{channel}  LiveActivity  keeps the last message\n",
        )  # fmt: skip
        sending = "send", "--channel", channel, "--payload", json.dumps(UPDATE)
        status, out = await self.command(*sending)
        assert (status, out.splitlines()[1]) == (
            0,
            "accepted: taken by the push service, which is proven, 200",
        )
        assert json.loads((await self.command(*sending, "--json"))[1])["channel"] == channel
        for name, field, value in (
            ("list", "channels", [channel]), ("show", "message_storage_policy", 1), ("delete", "deleted", True),
        ):  # fmt: skip
            argument = () if name == "list" else (channel,)
            status, out = await self.command("channels", name, *argument, "--json")
            assert (status, json.loads(out)[field]) == (0, value)
        status, out = await self.command("channels", "delete", channel)
        assert status == 1
        assert "NOT_FOUND" in out
        status, out = await self.command("channels", "create", "--message-storage-policy", "0", "--json")
        channel = json.loads(out)["channel"]
        assert await self.command("channels", "delete", channel) == (0, f"{channel} is deleted\n")


def _port(text: str, name: str) -> int:
    found = re.search(rf"{name}[^\n]*?127\.0\.0\.1:([0-9]+)", text)
    assert found, text
    return int(found[1])
