"""Huawei's Push Kit."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.model.packed import Packed
from pushgate.protocols.hms.message import LONGEST
from pushgate.protocols.hms.reasons import ANSWERS, NONE_VALID, OF_THE_APP, OF_THE_TOKEN, PARTLY, STATUSES
from pushgate.protocols.hms.rules import HARMONY_RULES, HMS_RULES, PUSH_TYPES
from pushgate.protocols.hms.service import HarmonyService, HmsService
from pushgate.protocols.http_push.answers import Follows
from tests.protocols.answers import HEADERS, WALL, is_sound, sent
from tests.protocols.answers import STATUSES as ANY_STATUS
from tests.samples import span

TOKEN = b"IQAAAACy0tEx-7"
MESSAGE = b'{"data":"hi","android":{"urgency":"HIGH"}}'
V1, V3 = HmsService("10123"), HarmonyService("388/1")


def bodies(service, payload=MESSAGE, tokens=(TOKEN,), **terms):
    """The bodies of requests, read."""
    return [
        msgspec.json.decode(each.body)
        for each in service.members(span(tokens=list(tokens), payload=payload, **terms))
    ]


def read(status, code, said="", target=TOKEN, service=V1):
    """The row of an answer with a code."""
    data = msgspec.json.encode({"code": code, "msg": said, "requestId": "r1"})
    return service.read(sent(target), status, [], data, WALL).row


class TestRequests:
    def test_v1(self):
        """The token is put into the message, which stays as it is."""
        members = V1.members(span(tokens=[TOKEN, b'a"b'], payload=MESSAGE))
        assert {member.path for member in members} == {b"/v1/10123/messages:send"}
        assert (
            members[0].body
            == b'{"message":{"data":"hi","android":{"urgency":"HIGH"},"token":["IQAAAACy0tEx-7"]}}'
        )
        assert bodies(V1, b"{}", [b'a"b']) == [{"message": {"token": ['a"b']}}]
        assert V1.fields(span(), "") == ((b"content-type", b"application/json; charset=UTF-8"),)
        assert V1.pseudo[2] == (b":authority", b"push-api.cloud.huawei.com")

    def test_v3(self):
        """The target stands beside the payload, and the push type in a header."""
        assert bodies(V3, b'{"payload":{"notification":{}}}') == [
            {"payload": {"notification": {}}, "target": {"token": ["IQAAAACy0tEx-7"]}}
        ]
        assert V3.members(span(tokens=[TOKEN]))[0].path == b"/v3/388%2F1/messages:send"
        for name, number in PUSH_TYPES.items():
            assert dict(V3.fields(span(push_type=name), ""))[b"push-type"] == b"%d" % number
        assert dict(V3.fields(span(), ""))[b"push-type"] == b"0"

    @pytest.mark.parametrize(
        ("expiration", "seconds"), [(1_700_000_100, 100), (0, 1), (4_000_000_000, LONGEST)]
    )
    def test_expirations(self, expiration, seconds):
        """The seconds that are left, within Huawei's bounds."""
        [found] = bodies(V1, expiration=expiration)
        assert found["message"]["android"] == {"urgency": "HIGH", "ttl": f"{seconds}s"}
        [found] = bodies(V3, b'{"payload":{}}', expiration=expiration)
        assert found["pushOptions"] == {"ttl": seconds}

    @pytest.mark.parametrize("payload", [b'{"android":{"ttl":"5s"}}', b'{"android":7}'])
    def test_the_payload_goes_before(self, payload):
        """What it says stays, even what is wrong."""
        [found] = bodies(V1, payload, expiration=0)
        assert found["message"] == msgspec.json.decode(payload) | {"token": ["IQAAAACy0tEx-7"]}

    def test_payloads_of_their_own(self):
        """Each has its own; what is no object was taken under other rules."""
        batch = span(tokens=[TOKEN] * 2, payload=Packed.of([b'{"data":"1"}', b"<toast/>"], 2), expiration=0)
        first, second = V1.members(batch)
        assert msgspec.json.decode(first.body)["message"]["data"] == "1"
        assert b"<toast/" in second.body


class TestRules:
    @pytest.mark.parametrize(
        ("rules", "payload", "right"),
        [
            (HMS_RULES, MESSAGE, True), (HMS_RULES, b"{}", True), (HMS_RULES, b"[]", False), (HMS_RULES, b'{"token":["t"]}', False),
            (HMS_RULES, b'{"topic":"t"}', False), (HARMONY_RULES, b'{"payload":{}}', True), (HARMONY_RULES, b"{}", False),
            (HARMONY_RULES, b'{"payload":{},"target":{}}', False), (HARMONY_RULES, b"x", False),
        ],
    )  # fmt: skip
    def test_payloads(self, rules, payload, right):
        """A payload does not say to whom it goes."""
        if right:
            assert rules.payload(payload, 65535) is None
        else:
            with pytest.raises(Invalid, match="payload"):
                rules.payload(payload, 65535)

    def test_targets_and_push_types(self):
        """Only v3 has push types."""
        assert HMS_RULES.check_target(TOKEN) is None
        with pytest.raises(Invalid, match="token"):
            HMS_RULES.check_target(b"a b")
        assert HARMONY_RULES.check_terms(Terms(push_type="live-view")) is None
        with pytest.raises(Invalid, match="push_type"):
            HMS_RULES.check_terms(Terms(push_type="alert"))


class TestAnswers:
    @pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.reason)
    def test_codes(self, row):
        """Every code is found, whatever the status, and has words."""
        assert read(200, row.reason) is row
        assert read(400, int(row.reason)).follows is row.follows
        assert row.words
        assert (row.dead is not None) == (row.follows is Follows.DEAD)
        assert bool(row.cause) == (row.follows in {Follows.HELD, Follows.RENEW_TOKEN})

    @pytest.mark.parametrize("row", STATUSES, ids=lambda row: row.reason)
    def test_statuses(self, row):
        """Answers without a code mean what their status does."""
        assert V1.read(sent(TOKEN), row.status, [], b"<html>", WALL).row is row
        assert row.words

    def test_success_and_what_is_no_answer(self):
        """Success has its code; a page of a proxy's is no success."""
        assert read(200, "80000000").follows is Follows.ACCEPTED
        assert read(200, "80999999").follows is Follows.REJECTED
        assert V1.read(sent(TOKEN), 200, [], b"<html>", WALL).row.follows is Follows.LATER
        reply = V1.read(sent(TOKEN), 503, [(b"retry-after", b"9")], b'{"requestId":"r1"}', WALL)
        assert (reply.unique_id, reply.retry_after) == ("r1", 9.0)

    @pytest.mark.parametrize(
        ("said", "follows"),
        [
            ('{"success":0,"failure":1,"illegal_tokens":["IQAAAACy0tEx-7"]}', Follows.DEAD),
            ('{"success":1,"failure":1,"illegal_tokens":["another"]}', Follows.ACCEPTED),
            ('{"success":0,"failure":1,"illegal_tokens":["another"]}', Follows.REJECTED),
            ('{"success":0,"failure":1,"noPushTypeRight":["IQAAAACy0tEx-7"]}', Follows.REJECTED),
            ('{"success":0,"failure":1,"noRight":["IQAAAACy0tEx-7"]}', Follows.DEAD),
            ('{"success":1,"tomorrow\\n":["IQAAAACy0tEx-7"]}', Follows.REJECTED),
            ('{"failure":1,"illegalTokens":{"tokenFormatError":["IQAAAACy0tEx-7"]}}', Follows.DEAD),
            ('{"failure":1,"illegalTokens":{"noRight":["another"],"noPushTypeRight":["IQAAAACy0tEx-7"]}}', Follows.REJECTED),
            ('{"failure":1,"illegalTokens":["IQAAAACy0tEx-7"]}', Follows.REJECTED),
            ('{"success":1,"illegalTokens":{"noRight":["another"]}}', Follows.ACCEPTED),
            ("Check Parameter Partial Success.", Follows.REJECTED), ("[]", Follows.REJECTED), ("", Follows.REJECTED),
        ],
    )  # fmt: skip
    def test_partly(self, said, follows):
        """A token is dead when it is among those refused, and not for the app's sake."""
        assert read(200, PARTLY, said).follows is follows

    def test_partly_with_a_message_that_is_no_text(self):
        """It says nothing."""
        assert read(200, PARTLY, {"success": 1}).follows is Follows.REJECTED
        assert read(500, PARTLY, '{"success":1}').follows is Follows.REJECTED

    @pytest.mark.parametrize("why", OF_THE_APP)
    def test_what_is_not_the_tokens_fault(self, why):
        """A refusal for the app's sake kills no token."""
        row = read(200, NONE_VALID, f"All the tokens are invalid: {why}")
        assert (row.reason, row.follows, row.dead) == (why, Follows.REJECTED, None)

    @pytest.mark.parametrize("why", OF_THE_APP)
    def test_what_is_not_the_tokens_fault_in_version_3(self, why):
        """There the reasons stand one level deeper."""
        told = msgspec.json.encode({"failure": 1, "illegalTokens": {why: [TOKEN.decode()]}}).decode()
        row = read(200, NONE_VALID, told, service=V3)
        assert (row.reason, row.follows, row.dead) == (why, Follows.REJECTED, None)

    @pytest.mark.parametrize("why", ["", "All the tokens are invalid", *OF_THE_TOKEN])
    def test_what_is(self, why):
        """Any other does."""
        row = read(200, NONE_VALID, why)
        assert (row.follows, row.dead) == (
            Follows.DEAD,
            OF_THE_TOKEN.get(why, DeadReason.INVALID_REGISTRATION),
        )

    @given(
        ANY_STATUS, HEADERS, st.sampled_from([V1, V3]),
        st.binary(max_size=50)
        | st.builds(
            lambda code, said: msgspec.json.encode({"code": code, "msg": said}),
            st.sampled_from([PARTLY, NONE_VALID, int(PARTLY), "80000000", "x", None]),
            st.text(max_size=20) | st.dictionaries(st.text(max_size=3), st.just(["target"])).map(lambda each: msgspec.json.encode(each).decode()),
        ),
    )  # fmt: skip
    def test_whatever_comes(self, status, headers, service, data):
        """Reading raises nothing."""
        assert is_sound(service.read(sent(), status, headers, data, WALL))
