"""Channels over AMP."""

import json
from typing import ClassVar

from pushgate.model.channel import Channel
from pushgate.model.errors import ServiceFailed
from pushgate.model.principals import Grant, Operation
from pushgate.protocols.amp.commands import MAX_CHANNELS
from tests.amp_rig import AmpTestCase, command


class ChannelTests(AmpTestCase):
    def ask(self, name, **arguments):
        """The answer to a command."""
        [answer] = self.send(command(name, app=b"news", **arguments))
        self.assertIn(b"_answer", answer, answer)
        return answer

    def test_a_life(self):
        """Made, listed, read, deleted, gone."""
        channel = self.ask("CreateChannel", message_storage_policy=b"1")[b"channel"]
        page = self.ask("Channels")
        self.assertEqual((json.loads(page[b"channels"]), page[b"more"]), ([channel.decode()], b"False"))
        described = json.loads(self.ask("Channel", channel=channel)[b"channel"])
        self.assertEqual(described["message_storage_policy"], 1)
        self.assertEqual(self.ask("DeleteChannel", channel=channel)[b"deleted"], b"True")
        self.assertEqual(self.refusal(command("Channel", app=b"news", channel=channel))[0], "NOT_FOUND")

    def test_pages(self):
        """Whatever number there are, a page of the longest ids fits into an answer."""
        ids = [f"{number:0255}" for number in range(2 * MAX_CHANNELS + 1)]
        self.gateway.broadcast_channels.kept = {each: Channel(each) for each in ids}
        found, more = [], []
        for after in (None, ids[MAX_CHANNELS - 1], ids[2 * MAX_CHANNELS - 1]):
            page = self.ask("Channels", **({"after": after.encode()} if after else {}))
            found += json.loads(page[b"channels"])
            more.append(page[b"more"])
        self.assertEqual((found, more), (ids, [b"True", b"True", b"False"]))

    def test_refusals(self):
        """Each names what is wrong."""
        for data, code in (
            (command("CreateChannel", app=b"news", message_storage_policy=b"7"), "INVALID"),
            (command("Channels", app=b"nowhere"), "UNKNOWN_APP"),
        ):
            self.assertEqual(self.refusal(data)[0], code)
        self.gateway.broadcast_channels.error = ServiceFailed("channels: no answer")
        self.assertEqual(
            self.refusal(command("Channels", app=b"news")), ("SERVICE_FAILED", "channels: no answer")
        )


class PermissionTests(AmpTestCase):
    grants: ClassVar = {"anonymous": Grant(operations=frozenset({Operation.READ}))}

    def test_operations(self):
        """Who may read lists channels; only an administrator makes and deletes them."""
        self.gateway.broadcast_channels.kept["YQ"] = Channel("YQ")
        for data in (command("Channels", app=b"news"), command("Channel", app=b"news", channel=b"YQ")):
            self.assertIn(b"_answer", self.send(data)[0])
        for data in (
            command("CreateChannel", app=b"news", message_storage_policy=b"0"),
            command("DeleteChannel", app=b"news", channel=b"YQ"),
        ):
            self.assertEqual(self.refusal(data)[0], "FORBIDDEN")
