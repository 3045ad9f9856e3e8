"""Baidu's cloud push."""

from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.model.packed import Packed
from pushgate.protocols.baidu.reasons import ANSWERS
from pushgate.protocols.baidu.rules import BAIDU_RULES
from pushgate.protocols.baidu.service import IOS, LONGEST, BaiduService
from pushgate.protocols.baidu.signature import encoded, form, sign
from pushgate.protocols.http_push.answers import Follows
from tests.protocols.answers import HEADERS, STATUSES, WALL, is_sound, sent
from tests.samples import span

CHANNEL = b"4975304986872672241"
PAYLOAD = b'{"title":"a b~","description":"\xc3\xbc"}'
SERVICE = BaiduService("key", "secret", lambda: WALL + 5.7)


def forms(service=SERVICE, tokens=(CHANNEL,), payload=PAYLOAD, **terms):
    """The forms of requests, read."""
    members = service.members(span(tokens=list(tokens), payload=payload, **terms))
    assert {member.path for member in members} == {b"/rest/3.0/push/single_device"}
    return [dict(parse_qsl(member.body.decode(), strict_parsing=True)) for member in members]


class TestSignature:
    def test_a_known_one(self):
        """The vendor's sample of fields; its digest was computed here."""
        fields = {"timestamp": "1427180905", "apikey": "Ljc710pzAa99GULCo8y48NvB", "expires": "1313293565"}
        url = "http://api.tuisong.baidu.com/rest/3.0/test/echo"
        assert (
            sign("POST", url, fields, "87772555E1C16715EBA5C85341684C58")
            == "7d14113142e2a1583b4e9dad3fba73d0"
        )

    def test_the_encoding(self):
        """It is PHP's."""
        assert encoded("aZ0-._ ~*'/+ü") == "aZ0-._+%7E%2A%27%2F%2B%C3%BC"
        assert form({"a": "1&2", "b": " "}) == b"a=1%262&b=+"


class TestRequests:
    def test_a_signed_form(self):
        """It has the time of writing, whole seconds, and a signature over all else."""
        [found] = forms()
        signature = found.pop("sign")
        assert found == {
            "apikey": "key", "device_type": "3", "timestamp": "1700000005", "channel_id": CHANNEL.decode(), "msg_type": "1", "msg": PAYLOAD.decode(),
        }  # fmt: skip
        assert signature == sign(
            "POST", "https://api.tuisong.baidu.com/rest/3.0/push/single_device", found, "secret"
        )

    def test_devices_of_apple(self):
        """They have a status of deployment, and the address is part of the signature."""
        service = BaiduService("key", "secret", lambda: WALL, "127.0.0.1:80", "http", IOS, 1)
        [found] = forms(service)
        assert (found["device_type"], found["deploy_status"]) == ("4", "1")
        signature = found.pop("sign")
        assert signature == sign("POST", "http://127.0.0.1:80/rest/3.0/push/single_device", found, "secret")
        assert service.pseudo[1:] == ((b":scheme", b"http"), (b":authority", b"127.0.0.1:80"))

    @pytest.mark.parametrize(
        ("payload", "push_type", "number"),
        [
            (PAYLOAD, None, "1"), (b'{"aps":{}}', None, "1"), (b'{"x":1}', None, "0"), (b"<x/>", None, "0"),
            (PAYLOAD, "message", "0"), (b'{"x":1}', "notification", "1"), (PAYLOAD, "other", "1"),
        ],
    )  # fmt: skip
    def test_push_types(self, payload, push_type, number):
        """What the notification says, else what its payload looks like."""
        assert forms(payload=payload, push_type=push_type)[0]["msg_type"] == number

    @pytest.mark.parametrize(
        ("expiration", "seconds"), [(1_700_000_060, "60"), (0, "0"), (4_000_000_000, str(LONGEST))]
    )
    def test_expirations(self, expiration, seconds):
        """The seconds that are left, within Baidu's bounds."""
        assert forms(expiration=expiration)[0]["msg_expires"] == seconds

    def test_targets_and_payloads_of_their_own(self):
        """Of a user and a channel the channel is sent to; each has its payload."""
        found = forms(tokens=[b"77+" + CHANNEL, b"5"], payload=Packed.of([b'{"a":1}', b'{"a":2}'], 2))
        assert [each["channel_id"] for each in found] == [CHANNEL.decode(), "5"]
        assert [each["msg"] for each in found] == ['{"a":1}', '{"a":2}']
        assert dict(SERVICE.fields(span(), ""))[b"user-agent"].startswith(b"BCCS_SDK/3.0")

    def test_the_secret_is_in_no_log(self):
        """What shows the service does not show it."""
        assert "secret" not in repr(SERVICE)


def test_rules():
    """Targets are ids; payloads are JSON objects of at most 4096 bytes."""
    for target in (CHANNEL, b"77+" + CHANNEL, b"a-b_c"):
        assert BAIDU_RULES.check_target(target) is None
    for target in (b"1+2+3", b"+1", b"a b", b"a&b"):
        with pytest.raises(Invalid, match="token"):
            BAIDU_RULES.check_target(target)
    with pytest.raises(Invalid, match="payload"):
        BAIDU_RULES.payload(b"<toast/>", 5000)


class TestAnswers:
    @pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.reason)
    def test_codes(self, row):
        """Every code is found, whatever the status."""
        data = msgspec.json.encode({"request_id": 1, "error_code": int(row.reason), "error_msg": "x"})
        assert SERVICE.read(sent(CHANNEL), 200, [], data, WALL).row is row
        assert SERVICE.read(sent(CHANNEL), 400, [], data, WALL).row.follows is row.follows
        assert row.words
        assert (row.dead is not None) == (row.follows is Follows.DEAD)
        assert bool(row.cause) == (row.follows is Follows.HELD)

    @pytest.mark.parametrize(
        ("status", "data", "follows", "unique_id"),
        [
            (200, b'{"request_id":7,"response_params":{"msg_id":"m1"}}', Follows.ACCEPTED, "m1"),
            (200, b'{"request_id":7,"response_params":[]}', Follows.ACCEPTED, "7"), (200, b"<html>", Follows.LATER, ""),
            (200, b"{}", Follows.LATER, ""), (200, b'{"error_code":1}', Follows.REJECTED, ""),
            (500, b'{"request_id":7}', Follows.LATER, "7"), (403, b"", Follows.HELD, ""),
        ],
    )  # fmt: skip
    def test_other_answers(self, status, data, follows, unique_id):
        """Success is an answer of the service's without an error."""
        reply = SERVICE.read(sent(CHANNEL), status, [(b"retry-after", b"3")], data, WALL)
        assert (reply.row.follows, reply.unique_id, reply.retry_after) == (follows, unique_id, 3.0)

    @given(
        STATUSES,
        HEADERS,
        st.binary(max_size=50)
        | st.dictionaries(
            st.sampled_from(["error_code", "request_id", "response_params"]),
            st.integers() | st.text(max_size=5) | st.dictionaries(st.just("msg_id"), st.text()),
        ).map(msgspec.json.encode),
    )
    def test_whatever_comes(self, status, headers, data):
        """Reading raises nothing."""
        assert is_sound(SERVICE.read(sent(CHANNEL), status, headers, data, WALL))
