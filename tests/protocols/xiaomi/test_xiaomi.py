"""Xiaomi's Mi Push."""

from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid
from pushgate.model.packed import Packed
from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.xiaomi.reasons import ANSWERS
from pushgate.protocols.xiaomi.rules import XIAOMI_RULES
from pushgate.protocols.xiaomi.service import LONGEST, XiaomiService
from tests.protocols.answers import HEADERS, STATUSES, WALL, is_sound, sent
from tests.samples import span

REGID = b"d//igwEhgBGCI2TG6lWqlJ+/w=="
PAYLOAD = '{"title":"a&b","description":"ü","pass_through":0,"extra.notify_foreground":"1"}'.encode()
SERVICE = XiaomiService("org.example.app")


def forms(service=SERVICE, tokens=(REGID,), payload=PAYLOAD, **terms):
    """The forms of requests, read."""
    members = service.members(span(tokens=list(tokens), payload=payload, **terms))
    assert {member.path for member in members} == {b"/v3/message/regid"}
    return [dict(parse_qsl(member.body.decode(), strict_parsing=True)) for member in members]


class TestRequests:
    def test_a_form(self):
        """It has the fields of the payload, the package and the regid."""
        assert forms() == [
            {"title": "a&b", "description": "ü", "pass_through": "0", "extra.notify_foreground": "1",
             "restricted_package_name": "org.example.app", "registration_id": REGID.decode()}
        ]  # fmt: skip
        assert SERVICE.fields(span(), "")[0][0] == b"content-type"
        assert SERVICE.pseudo[2] == (b":authority", b"api.xmpush.xiaomi.com")

    @pytest.mark.parametrize(
        ("expiration", "ttl"), [(1_700_000_060, "60000"), (0, "1000"), (4_000_000_000, str(LONGEST * 1000))]
    )
    def test_expirations(self, expiration, ttl):
        """The milliseconds that are left, within Xiaomi's bounds; what the payload says goes before."""
        assert forms(expiration=expiration)[0]["time_to_live"] == ttl
        assert forms(payload=b'{"time_to_live":5}', expiration=expiration)[0]["time_to_live"] == "5"

    def test_the_payload_goes_before(self):
        """A package that it names stays, and there need be none."""
        assert forms(payload=b'{"restricted_package_name":"b"}')[0]["restricted_package_name"] == "b"
        assert forms(XiaomiService(), payload=b"{}") == [{"registration_id": REGID.decode()}]

    def test_payloads_of_their_own(self):
        """Each has its own; what is no form was taken under other rules."""
        found = forms(
            tokens=[REGID, b"b", b"c"], payload=Packed.of([b'{"title":"1"}', b"<toast/>", b'{"a":' * 5000], 2)
        )
        assert [(each.get("title"), each["registration_id"]) for each in found] == [
            ("1", REGID.decode()),
            (None, "b"),
            (None, "c"),
        ]


class TestRules:
    @pytest.mark.parametrize("payload", [PAYLOAD, b"{}"])
    def test_forms(self, payload):
        """Texts and numbers are fields."""
        assert XIAOMI_RULES.payload(payload, 65535) is None

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"[]",
            b'{"a":[]}',
            b'{"a":true}',
            b'{"a":null}',
            b'{"registration_id":"x"}',
            b'{"topic":"x"}',
            b'{"a":"\xff"}',
        ],
    )
    def test_what_is_none(self, payload):
        """Nothing else is, and a payload does not say to whom it goes."""
        with pytest.raises(Invalid, match="payload"):
            XIAOMI_RULES.payload(payload, 65535)

    def test_what_it_was(self):
        """The refusal says what was found in place of a text or a number, and nothing that it holds."""
        with pytest.raises(Invalid) as refused:
            XIAOMI_RULES.payload(b'{"title":["secret"]}', 65535)
        assert refused.value.shape == "no form (Expected `int | str`, got `array` - at `$[...]`)"

    def test_targets(self):
        """A comma would make several of one."""
        assert XIAOMI_RULES.check_target(REGID) is None
        for target in (b"a,b", b"a b", b"\xff", b"x" * 513):
            with pytest.raises(Invalid, match="token"):
                XIAOMI_RULES.check_target(target)


class TestAnswers:
    @pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.reason)
    def test_codes(self, row):
        """Every code is found, whatever the status."""
        data = msgspec.json.encode({"result": "error", "code": int(row.reason)})
        assert SERVICE.read(sent(REGID), 200, [], data, WALL).row is row
        assert SERVICE.read(sent(REGID), 400, [], data, WALL).row.follows is row.follows
        assert row.words
        assert (row.dead is not None) == (row.follows is Follows.DEAD)
        assert bool(row.cause) == (row.follows is Follows.HELD)

    @pytest.mark.parametrize(
        ("status", "data", "follows", "unique_id"),
        [
            (200, {"code": 0, "data": {"id": "sdm1"}, "trace_id": "t"}, Follows.ACCEPTED, "sdm1"),
            (200, {"code": 0, "data": [], "trace_id": "t"}, Follows.ACCEPTED, "t"),
            (200, {"code": 0, "data": {"bad_regids": f"x,{REGID.decode()}"}}, Follows.DEAD, ""),
            (200, {"code": 0, "data": {"bad_regIds": REGID.decode()}}, Follows.DEAD, ""),
            (200, {"code": 0, "data": {"bad_regids": "x"}}, Follows.ACCEPTED, ""),
            (200, {"code": 0, "data": {"bad_regids": 7}}, Follows.ACCEPTED, ""),
            (200, {"code": 99}, Follows.REJECTED, ""), (200, {}, Follows.LATER, ""), (503, {}, Follows.LATER, ""),
        ],
    )  # fmt: skip
    def test_other_answers(self, status, data, follows, unique_id):
        """Success names the regids that it is none for."""
        reply = SERVICE.read(sent(REGID), status, [(b"retry-after", b"3")], msgspec.json.encode(data), WALL)
        assert (reply.row.follows, reply.unique_id, reply.retry_after) == (follows, unique_id, 3.0)
        assert reply.row.dead is (DeadReason.INVALID_REGISTRATION if follows is Follows.DEAD else None)

    def test_words(self):
        """What the service says of this case stands behind ours."""
        row = SERVICE.read(sent(REGID), 200, [], b'{"code":10017,"reason":"title\\nis empty"}', WALL).row
        assert row.words == "the value of a parameter is wrong: title\\nis empty"
        assert SERVICE.read(sent(REGID), 200, [], b'{"code":0,"description":"ok"}', WALL).row.words == ""

    @given(
        STATUSES,
        HEADERS,
        st.binary(max_size=50)
        | st.dictionaries(
            st.sampled_from(["code", "data", "reason", "trace_id"]),
            st.integers()
            | st.text(max_size=5)
            | st.dictionaries(st.sampled_from(["id", "bad_regids"]), st.text()),
        ).map(msgspec.json.encode),
    )
    def test_whatever_comes(self, status, headers, data):
        """Reading raises nothing."""
        assert is_sound(SERVICE.read(sent(REGID), status, headers, data, WALL))
