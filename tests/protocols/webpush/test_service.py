"""Requests to one push service, and its answers."""

import http_ece
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Event, Step
from pushgate.model.notification import Priority
from pushgate.model.packed import Packed
from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.webpush.service import LONGEST_ID, WebPushService
from tests.protocols.webpush.browsers import AUTH, KEY, key, subscription
from tests.samples import batch, span

ACCEPTED_AT = 1_700_000_000
TARGETS = [subscription(f"https://push.example.net/wpush/{number}") for number in range(3)]
WALL = 1_700_000_000.0


class Chance:
    """Keys and salts, another one each time."""

    def __init__(self):
        self.keys = self.salts = 0

    def key(self):
        self.keys += 1
        return key(1000 + self.keys)

    def salt(self):
        self.salts += 1
        return self.salts.to_bytes(16, "big")


def service(chance=None, **options):
    """One service of an app."""
    chance = chance or Chance()
    return WebPushService(Origin("push.example.net"), chance.key, chance.salt, **options)


def decrypted(body):
    """What the browser reads."""
    return http_ece.decrypt(body, private_key=KEY, auth_secret=AUTH, version="aes128gcm")


class TestMembers:
    def test_each_is_encrypted_by_itself(self):
        """With a key and a salt of its own, though the payload is shared."""
        chance = Chance()
        found = service(chance).members(BatchSlice(batch(tokens=TARGETS, payload=b"Hi"), 1, 3))
        assert [(each.index, each.path, each.unlike, each.kind) for each in found] == [
            (1, b"/wpush/1", (), "2419200 aes128gcm"),
            (2, b"/wpush/2", (), "2419200 aes128gcm"),
        ]
        assert [decrypted(each.body) for each in found] == [b"Hi", b"Hi"]
        assert len({each.body[:16] for each in found}) == len({each.body[21:86] for each in found}) == 2
        assert (chance.keys, chance.salts) == (2, 2)

    def test_payloads_of_their_own(self):
        """An empty one is sent as it is."""
        payloads = [b"one", b"", b"three"]
        found = service().members(span(tokens=TARGETS, payload=Packed.of(payloads, 2)))
        assert [each.kind for each in found] == ["2419200 aes128gcm", "2419200", "2419200 aes128gcm"]
        assert [decrypted(each.body) if each.body else b"" for each in found] == payloads


def fields(sent, **options):
    """The headers of the first member, by name."""
    made = service(**options)
    [member, *_] = made.members(sent)
    found = made.fields(sent, member.kind)
    assert len(dict(found)) == len(found)
    return {name.decode(): value.decode() for name, value in found}


class TestFields:
    def test_pseudo_headers(self):
        """The origin is the authority."""
        assert dict(service().pseudo)[b":authority"] == b"push.example.net"

    def test_all(self):
        """In plain words of RFC 8030."""
        sent = span(tokens=TARGETS, collapse_id="news-1", priority=Priority.BULK, expiration=ACCEPTED_AT + 60)
        assert fields(sent) == {
            "ttl": "60",
            "urgency": "normal",
            "topic": "news-1",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
        }

    def test_without_a_payload(self):
        """There is no coding of nothing."""
        assert fields(span(tokens=TARGETS, payload=b"")) == {"ttl": "2419200", "urgency": "high"}

    @pytest.mark.parametrize(
        ("priority", "urgency"),
        [(Priority.URGENT, "high"), (Priority.BULK, "normal"), (Priority.LOW, "low"), (None, "very-low")],
    )
    def test_urgency(self, priority, urgency):
        """By the priority, or the app's own."""
        assert fields(span(tokens=TARGETS, priority=priority), urgency="very-low")["urgency"] == urgency

    @pytest.mark.parametrize(
        ("expiration", "ttl"),
        [(None, "3600"), (0, "0"), (ACCEPTED_AT + 5, "5"), (ACCEPTED_AT + 10**8, "2419200")],
    )
    def test_ttl(self, expiration, ttl):
        """What is left of the expiration, or the app's own."""
        assert fields(span(tokens=TARGETS, expiration=expiration), ttl=3600)["ttl"] == ttl

    def test_ttl_when_it_is_sent_again(self):
        """Less is left then."""
        sent = replace(
            span(tokens=TARGETS, expiration=ACCEPTED_AT + 60),
            past=(Step(Event.WRITTEN, ACCEPTED_AT + 20.0, 1),),
        )
        assert fields(sent)["ttl"] == "40"


def read(status, body=b"", *headers):
    """Read an answer."""
    return service(message_ids=True).read((span(tokens=TARGETS), 0, 0.0, 1), status, headers, body, WALL)


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_accepted(self, status):
        """The location names the message."""
        reply = read(status, b"", (b"location", b"https://push.example.net/m/gAAAB%3D"))
        assert (reply.row.follows, reply.unique_id) == (Follows.ACCEPTED, "gAAAB%3D")
        assert read(status).unique_id == ""
        assert len(read(status, b"", (b"location", b"/m/" + b"x" * 999)).unique_id) == LONGEST_ID

    def test_ids_are_kept_only_when_they_are_wanted(self):
        """Without them neighbours have the same outcome, and are reported together."""
        sent, location = (span(tokens=TARGETS), 0, 0.0, 1), (b"location", b"/m/x")
        assert service().read(sent, 201, (location,), b"", WALL).unique_id == ""

    def test_refused(self):
        """The body has the reason, and says which key is meant."""
        gone = read(410, b'{"code":410,"errno":103,"message":"Expired"}')
        assert (gone.row.follows, gone.row.reason) == (Follows.DEAD, "103 Expired")
        assert read(401, b'{"errno":109,"message":"VAPID public key mismatch"}').row.follows is Follows.DEAD
        assert read(401, b'{"errno":109,"message":"Invalid token"}').row.follows is Follows.HELD

    @pytest.mark.parametrize(
        ("value", "seconds"), [(b"120", 120.0), (b"Tue, 14 Nov 2023 22:15:20 GMT", 120.0), (b"soon", None)]
    )
    def test_how_long_to_wait(self, value, seconds):
        """In both forms."""
        reply = read(429, b"", (b"retry-after", value))
        assert (reply.row.follows, reply.retry_after) == (Follows.DEVICE_LATER, seconds)

    @given(
        st.integers(100, 999),
        st.lists(st.tuples(st.sampled_from([b"retry-after", b"location"]), st.binary(max_size=20))),
        st.binary(max_size=100),
    )
    def test_whatever_comes(self, status, headers, body):
        """Nothing is raised."""
        reply = read(status, body, *headers)
        assert f"{reply.row.reason}{reply.unique_id}".isprintable()

    def test_goaway(self):
        """It is about the connection only."""
        assert service().read_goaway(b"x").follows is Follows.NEW_CONNECTION
