"""Broadcast channels: managed and published to."""

import base64
import json

from pushgate.simulator import channels
from tests.simulator.http2_provider import HTTP2Case, HTTP2Provider, Response, is_uuid
from tests.simulator.provider import PAYLOAD

CHANNELS = "/1/apps/com.example.news/channels"
BROADCASTS = "/4/broadcasts/apps/com.example.news"
WANTED = b'{"message-storage-policy":1,"push-type":"LiveActivity"}'
UUID = "EABEAE54-14A8-11e5-b60b-1697f925ec7b"


class ChannelTests(HTTP2Case):
    async def created(self, provider: HTTP2Provider, wanted: bytes = WANTED) -> str:
        """The id of a channel that is made."""
        response = await provider.asked("POST", CHANNELS, wanted)
        self.assertEqual((response.status, response.frames), (201, [("HEADERS", True)]))
        return response.headers["apns-channel-id"]

    async def test_the_life_of_a_channel(self) -> None:
        """It is created, listed, read and deleted; nothing of that is a notification."""
        provider = await self.start()
        channel = await self.created(provider)
        self.assertEqual(len(base64.b64decode(channel)), 16)
        listed = await provider.asked("GET", "/1/apps/com.example.news/all-channels")
        self.assertEqual(json.loads(listed.body), {"channels": [channel]})
        self.assertEqual(listed.frames, [("HEADERS", False), ("DATA", True)])
        read = await provider.asked("GET", CHANNELS, apns_channel_id=channel, apns_request_id=UUID)
        self.assertEqual(json.loads(read.body), json.loads(WANTED))
        self.assertEqual(read.headers["apns-request-id"], UUID)
        deleted = await provider.asked("DELETE", CHANNELS, apns_channel_id=channel)
        self.assertEqual((deleted.status, deleted.frames), (204, [("HEADERS", True)]))
        listed = await provider.asked("GET", "/1/apps/com.example.news/all-channels")
        self.assertEqual(json.loads(listed.body), {"channels": []})
        self.assertEqual(self.simulator.received.frames, 0)
        self.assertEqual(
            await self.said(provider, "GET", CHANNELS, apns_channel_id=channel), (400, "ChannelNotRegistered")
        )

    async def said(self, provider: HTTP2Provider, *args: object, **headers: str) -> tuple[int, str]:
        """Status and reason of an answer."""
        return (await provider.asked(*args, **headers)).said

    async def test_what_cannot_be_managed(self) -> None:
        """Each mistake has its reason."""
        provider = await self.start(topics=["com.example.news"])
        other = CHANNELS.replace("news", "other")
        for expected, asked in (
            ((405, "MethodNotAllowed"), ("PUT", CHANNELS, {})),
            ((405, "MethodNotAllowed"), ("POST", "/1/apps/com.example.news/all-channels", {})),
            ((403, "InvalidProviderToken"), ("GET", CHANNELS, {"authorization": "bearer x"})),
            ((400, "TopicDisallowed"), ("GET", other, {})),
            ((400, "MissingChannelId"), ("GET", CHANNELS, {})),
            ((400, "BadChannelId"), ("GET", CHANNELS, {"apns_channel_id": "x" * 65})),
            ((400, "BadChannelId"), ("GET", CHANNELS, {"apns_channel_id": "?"})),
            ((400, "ChannelNotRegistered"), ("DELETE", CHANNELS, {"apns_channel_id": "AAAA"})),
            ((404, "BadPath"), ("POST", "/1/apps/com.example.news/channel", {})),
        ):
            method, path, headers = asked
            self.assertEqual(await self.said(provider, method, path, **headers), expected)
        for wanted, reason in (
            (b"", "PayloadEmpty"), (b"[]", "PayloadEmpty"), (b"{}", "MissingPushType"),
            (b'{"push-type":"alert"}', "InvalidPushType"),
        ):  # fmt: skip
            self.assertEqual(await self.said(provider, "POST", CHANNELS, wanted), (400, reason))
        await self.created(provider, b'{"push-type":"liveactivity"}')
        self.patch(channels, "MOST_CHANNELS", 1)
        self.assertEqual(
            await self.said(provider, "POST", CHANNELS, WANTED), (400, "CannotCreateChannelConfig")
        )

    async def test_an_error_answers_to_the_request_id(self) -> None:
        """Errors about channels repeat the id of the request, not one of a push."""
        provider = await self.start()
        response = await provider.asked("GET", CHANNELS, apns_request_id="mine")
        self.assertEqual(response.headers["apns-request-id"], "mine")
        self.assertNotIn("apns-id", response.headers)

    async def published(self, provider: HTTP2Provider, payload: bytes = PAYLOAD, **headers: str) -> Response:
        """The answer to a broadcast, complete but for what is given."""
        usual = {
            "apns_push_type": "liveactivity",
            "apns_expiration": "0",
            "apns_priority": "10",
            "apns_topic": "",
        }
        return await provider.asked("POST", BROADCASTS, payload, **{**usual, **headers})

    async def test_a_broadcast(self) -> None:
        """It is accepted and recorded with its channel in place of a token."""
        provider = await self.start()
        channel = await self.created(provider)
        response = await self.published(provider, apns_channel_id=channel, apns_request_id=UUID)
        self.assertEqual(response.headers, {":status": "200", "apns-request-id": UUID})
        response = await self.published(provider, apns_channel_id=channel, apns_push_type="LiveActivity")
        self.assertTrue(is_uuid(response.headers["apns-request-id"]))
        first, second = self.simulator.received.entries()
        self.assertEqual(
            (
                first.token,
                first.channel,
                first.topic,
                first.push_type,
                first.priority,
                first.expiration,
                first.apns_id,
            ),
            (b"", channel, "com.example.news", "liveactivity", 10, 0, UUID),
        )
        self.assertEqual(second.apns_id, response.headers["apns-request-id"])
        self.assertEqual(self.simulator.summary()["duplicates"], 1)

    async def test_what_cannot_be_published(self) -> None:
        """The reasons, in the order in which they are looked for."""
        provider = await self.start()
        channel = await self.created(provider)
        wrong = {
            "apns_channel_id": ("", "MissingChannelId"),
            "apns_push_type": ("", "MissingPushType"),
            "apns_expiration": ("", "BadExpirationDate"),
            "apns_priority": ("", "BadPriority"),
        }
        headers = {name: value for name, (value, _) in wrong.items()}
        for name, (_, reason) in wrong.items():
            self.assertEqual((await self.published(provider, b"", **headers)).said, (400, reason))
            del headers[name]
            headers["apns_channel_id"] = "AAAA"
        unknown = {"apns_channel_id": "AAAA"}
        good = {"apns_channel_id": channel}
        for expected, response in (
            ("ChannelNotRegistered", await self.published(provider, b"", **unknown)),
            ("InvalidPushType", await self.published(provider, **unknown, apns_push_type="alert")),
            ("BadExpirationDate", await self.published(provider, **unknown, apns_expiration="soon")),
            ("BadPriority", await self.published(provider, **unknown, apns_priority="7")),
            ("BadMessageId", await self.published(provider, **good, apns_request_id="7")),
            ("PayloadEmpty", await self.published(provider, b"", **good)),
            ("MethodNotAllowed", await provider.asked("GET", BROADCASTS)),
            ("PayloadTooLarge", await self.published(provider, b" " * 5121, **good)),
        ):  # fmt: skip
            self.assertEqual(response.reason, expected)
        self.assertEqual(self.simulator.received.accepted, 0)

    async def test_rules_hold_for_channels_too(self) -> None:
        """A channel that a rule does not let be created is not there."""
        provider = await self.start(script=[{"act": "rst-stream", "code": 7, "times": 1}])
        stream = provider.request("POST", CHANNELS, WANTED)
        with self.assertRaises(AssertionError):
            await provider.answer(stream)
        listed = await provider.asked("GET", "/1/apps/com.example.news/all-channels")
        self.assertEqual(json.loads(listed.body), {"channels": []})
