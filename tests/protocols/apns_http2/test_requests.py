"""The requests that notifications become."""

import pytest

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import MAX_EXPIRATION, Priority
from pushgate.model.packed import Packed
from pushgate.protocols.apns_http2.requests import Member, RequestRules, needs_token
from pushgate.protocols.apns_push_types import TYPES
from pushgate.protocols.mdm_push import MDM_TTL
from tests.samples import PAYLOAD, batch, span, token

ACCEPTED_AT = 1_700_000_000
STEM = "018f0000-0000-7000-8000-00000000"
RULES = RequestRules("api.push.apple.com", "org.example.app", 3600.0)
BACKGROUND = b'{"aps":{"content-available":1}}'
MDM = b'{"mdm":"push-magic"}'


def fields(rules, sent, push_type="alert"):
    """The shared headers of a slice, by name."""
    found = rules.fields(sent, push_type)
    assert len(dict(found)) == len(found)
    return {name.decode(): value.decode() for name, value in found}


class TestMembers:
    def test_each_has_its_path_its_id_and_its_payload(self):
        """Ids are those of the gateway's notifications, in lower case, so that Apple's log has them."""
        part = BatchSlice(batch(300), 255, 257)
        assert RULES.members(part) == [
            Member(
                255,
                b"/3/device/" + token(255).hex().encode(),
                ((b"apns-id", (STEM + "00ff").encode()),),
                PAYLOAD,
                "alert",
            ),
            Member(
                256,
                b"/3/device/" + token(256).hex().encode(),
                ((b"apns-id", (STEM + "0100").encode()),),
                PAYLOAD,
                "alert",
            ),
        ]

    def test_payloads_of_their_own_have_push_types_of_their_own(self):
        """Only a payload that is shared is looked at once."""
        payloads = [PAYLOAD, BACKGROUND, PAYLOAD]
        found = RULES.members(span(3, payload=Packed.of(payloads, 2)))
        assert [each.body for each in found] == payloads
        assert [each.kind for each in found] == ["alert", "background", "alert"]

    def test_tokens_of_any_length(self):
        """Apple says that it is not fixed."""
        [found] = RULES.members(span(tokens=[b"\xab" * 100]))
        assert found.path == b"/3/device/" + b"ab" * 100

    @pytest.mark.parametrize(
        ("topic", "bundle"),
        [
            (None, b"org.example.app"),
            ("org.example.other", b"org.example.other"),
            ("org.example.other.push-type.liveactivity", b"org.example.other"),
        ],
    )
    def test_broadcasts(self, topic, bundle):
        """The path names the app; there is no token in it, and the id has another name."""
        sent = span(channel="dHN0LXNyY2gtY2hubA==", topic=topic)
        assert RULES.members(sent) == [
            Member(
                0,
                b"/4/broadcasts/apps/" + bundle,
                ((b"apns-request-id", (STEM + "0000").encode()),),
                PAYLOAD,
                "liveactivity",
            )
        ]
        assert fields(RULES, sent, "liveactivity") == {
            "apns-push-type": "liveactivity",
            "apns-priority": "10",
            "apns-expiration": str(ACCEPTED_AT + 3600),
            "apns-channel-id": "dHN0LXNyY2gtY2hubA==",
        }


class TestPushTypes:
    @pytest.mark.parametrize(
        ("push_types", "payload", "terms", "expected"),
        [
            ((), BACKGROUND, {}, "background"),
            (("alert", "background"), BACKGROUND, {}, "background"),
            (("alert",), BACKGROUND, {}, "alert"),
            (("voip", "alert"), BACKGROUND, {}, "voip"),
            (("alert",), BACKGROUND, {"push_type": "background"}, "background"),
            (("alert",), PAYLOAD, {"topic": "org.example.app.voip"}, "voip"),
            (("alert",), PAYLOAD, {"channel": "YQ=="}, "liveactivity"),
            ((), MDM, {}, "mdm"),
        ],
    )
    def test_what_is_said_goes_before_what_is_derived(self, push_types, payload, terms, expected):
        """An app's push types bound what its payloads are taken for, and nothing else."""
        rules = RequestRules("a", "org.example.app", 0.0, push_types)
        sent = span(payload=payload, **terms)
        assert rules.push_type(sent.batch.terms, payload) == expected
        assert rules.members(sent)[0].kind == expected

    @pytest.mark.parametrize("push_type", TYPES)
    def test_headers_of_each(self, push_type):
        """The topic has the suffix of the push type, once, and the priority that it demands."""
        for topic in (None, "org.example.app" + TYPES[push_type].suffix):
            found = fields(RULES, span(topic=topic), push_type)
            assert found["apns-push-type"] == push_type
            assert found["apns-topic"] == "org.example.app" + TYPES[push_type].suffix
            assert found["apns-priority"] == ("5" if push_type == "background" else "10")

    def test_those_that_need_a_token(self):
        """With a certificate Apple takes the others."""
        assert {each for each in TYPES if needs_token(each)} == {
            "controls", "liveactivity", "location", "pushtotalk", "widgets",
        }  # fmt: skip


class TestFields:
    def test_pseudo_headers(self):
        """In the order that HTTP/2 asks for, before all others."""
        assert RULES.pseudo == (
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":authority", b"api.push.apple.com"),
        )

    def test_all_terms(self):
        """Each has its header; a collapse id may be any UTF-8."""
        sent = span(
            topic="org.other", collapse_id="größe", priority=Priority.BULK, expiration=1_800_000_000, count=2
        )
        assert RULES.fields(sent, "alert") == (
            (b"apns-push-type", b"alert"),
            (b"apns-priority", b"5"),
            (b"apns-expiration", b"1800000000"),
            (b"apns-topic", b"org.other"),
            (b"apns-collapse-id", "größe".encode()),
        )

    def test_no_topic(self):
        """A certificate of one topic needs none."""
        assert "apns-topic" not in fields(RequestRules("a", "", 60.0), span())

    def test_priorities_that_are_not_given(self):
        """They are 10, as Apple has it, or the push type's."""
        assert fields(RULES, span(priority=None))["apns-priority"] == "10"
        assert fields(RULES, span(priority=None), "background")["apns-priority"] == "5"
        assert fields(RULES, span(priority=Priority(1)))["apns-priority"] == "1"

    @pytest.mark.parametrize(
        ("ttl", "push_type", "given", "expected"),
        [
            (3600.0, "alert", None, ACCEPTED_AT + 3600),
            (3600.0, "alert", 0, 0),
            (3600.0, "alert", 12, 12),
            (0.0, "alert", None, 0),
            (30 * 86400.0, "mdm", None, ACCEPTED_AT + int(MDM_TTL)),
            (3600.0, "mdm", None, ACCEPTED_AT + 3600),
            (30 * 86400.0, "mdm", 1_800_000_000, 1_800_000_000),
            (1e10, "alert", None, MAX_EXPIRATION),
        ],
    )
    def test_an_expiration_is_always_sent(self, ttl, push_type, given, expected):
        """The given one, or the app's; 0 is no storage."""
        rules = RequestRules("a", "org.example.app", ttl)
        assert fields(rules, span(expiration=given), push_type)["apns-expiration"] == str(expected)

    def test_mdm(self):
        """The topic is the certificate's, as it is."""
        sent = span(topic="com.apple.mgmt.External.1", payload=MDM)
        assert RULES.members(sent)[0].kind == "mdm"
        assert fields(RULES, sent, "mdm")["apns-topic"] == "com.apple.mgmt.External.1"
