"""Channels over HTTP."""

from typing import ClassVar
from urllib.parse import quote

from pushgate.model.channel import Channel
from pushgate.model.errors import ServiceFailed
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from tests.http_rig import HTTPTestCase

CHANNELS = "/v1/apps/news/channels"
SECRET = "s3cr3t-of-the-shop"
READER = Grant(
    secrets=(SecretHash.of(SECRET.encode(), bytes(16)),),
    operations=frozenset({Operation.READ, Operation.PUSH}),
)


class ChannelTests(HTTPTestCase):
    def test_a_life(self):
        """Made, listed, read by its id in either form of base64, deleted, gone."""
        made = self.ask("POST", CHANNELS, {"message_storage_policy": 1})
        channel = made.json["channel"]
        self.assertEqual(made.status, 201)
        self.assertEqual(self.ask("GET", CHANNELS).json, {"channels": [channel]})
        described = {"channel": channel, "message_storage_policy": 1, "push_type": "LiveActivity"}
        for written in (quote(channel, safe=""), channel):
            self.assertEqual(self.ask("GET", f"{CHANNELS}/{written}").json, described)
        deleted = self.ask("DELETE", f"{CHANNELS}/{quote(channel, safe='')}")
        self.assertEqual((deleted.status, deleted.json), (200, {"deleted": True}))
        self.refusal(self.ask("GET", f"{CHANNELS}/{channel}"), 404, "NOT_FOUND")

    def test_the_alphabet_of_urls(self):
        """An id with a slash or a plus can be written without percent signs."""
        kept = self.gateway.broadcast_channels.kept
        kept["a+/b"] = Channel("a+/b")
        for written in ("a-_b", "a%2B%2Fb"):
            self.assertEqual(self.ask("GET", f"{CHANNELS}/{written}").json["channel"], "a+/b")

    def test_bad_requests(self):
        """Each names the field, and makes no channel."""
        for body, text in (
            ({}, "message_storage_policy: missing"),
            ({"message_storage_policy": 2}, "message_storage_policy: another number"),
            ({"message_storage_policy": "1"}, "message_storage_policy: of type str"),
            ({"message_storage_policy": 1, "x": 1}, "x: no field"),
            (b"{", "body: not JSON"),
        ):
            detail = self.refusal(self.ask("POST", CHANNELS, body), 400, "INVALID")
            self.assertTrue(detail.startswith(text), detail)
        answer = self.ask("POST", CHANNELS, b"x", content_type="text/plain")
        self.refusal(answer, 415, "INVALID")
        self.refusal(self.ask("POST", CHANNELS, b" " * 2000), 413, "TOO_LARGE")
        self.refusal(self.ask("GET", "/v1/apps/nowhere/channels"), 404, "UNKNOWN_APP")
        self.assertEqual(self.gateway.broadcast_channels.kept, {})

    def test_a_push_service_that_fails(self):
        """Is a bad gateway's business, with its word."""
        self.gateway.broadcast_channels.error = ServiceFailed("channels: 403 InvalidProviderToken")
        for answer in (self.ask("POST", CHANNELS, {"message_storage_policy": 0}), self.ask("GET", CHANNELS)):
            self.assertIn("InvalidProviderToken", self.refusal(answer, 502, "SERVICE_FAILED"))


class PermissionTests(HTTPTestCase):
    grants: ClassVar = {"shop": READER}

    def test_operations(self):
        """Who may read lists channels; only an administrator makes and deletes them."""
        bearer = f"Bearer {SECRET}"
        self.gateway.broadcast_channels.kept["YQ"] = Channel("YQ")
        for path in (CHANNELS, f"{CHANNELS}/YQ"):
            self.assertEqual(self.ask("GET", path, authorization=bearer).status, 200)
        making = self.ask("POST", CHANNELS, {"message_storage_policy": 0}, authorization=bearer)
        self.refusal(making, 403, "FORBIDDEN")
        self.refusal(self.ask("DELETE", f"{CHANNELS}/YQ", authorization=bearer), 403, "FORBIDDEN")
