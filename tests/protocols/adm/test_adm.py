"""Amazon Device Messaging."""

import base64
import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid, Refusal
from pushgate.model.notification import Terms
from pushgate.model.packed import Packed
from pushgate.protocols.adm.message import LONGEST, checksum
from pushgate.protocols.adm.reasons import ANSWERS, RATE_WAIT, answer
from pushgate.protocols.adm.rules import ADM_RULES, MAX_DATA
from pushgate.protocols.adm.service import AdmService
from pushgate.protocols.http_push.answers import Follows
from tests.protocols.answers import HEADERS, STATUSES, WALL, is_sound, sent
from tests.samples import span

ID = b"amzn1.adm-registration.v3.Y29tLmFtYXpvbg"
PAYLOAD = b'{"data":{"message":"hi","url":"x"}}'
SERVICE = AdmService()


def body(payload=PAYLOAD, **terms):
    """The body of a request, read."""
    [member] = SERVICE.members(span(tokens=[ID], payload=payload, **terms))
    return msgspec.json.decode(member.body)


class TestChecksum:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ({}, b""), ({"a": "1"}, b"a:1"), ({"b": "2", "a": "1"}, b"a:1,b:2"),
            # Beyond the BMP: in UTF-16 the second would come first.
            ({"\U0001f600": "x", "\uff5e": "y"}, "\uff5e:y,\U0001f600:x".encode()),
        ],
    )  # fmt: skip
    def test_pairs_in_the_order_of_utf8(self, data, text):
        """Keys and values are joined without blanks, keys by their bytes in UTF-8."""
        assert checksum(data) == base64.b64encode(hashlib.md5(text).digest()).decode()

    def test_a_known_one(self):
        """MD5 of nothing, in Base64."""
        assert checksum({}) == "1B2M2Y8AsgTpgAmY7PhCfg=="


class TestRequests:
    def test_members(self):
        """The path has the registration id, escaped; the headers are those that Amazon requires."""
        members = SERVICE.members(span(tokens=[ID, b"a/b"], payload=PAYLOAD))
        assert [member.path for member in members] == [
            b"/messaging/registrations/" + ID + b"/messages",
            b"/messaging/registrations/a%2Fb/messages",
        ]
        assert members[0].body is members[1].body
        assert (
            dict(SERVICE.fields(span(), ""))[b"x-amzn-type-version"]
            == b"com.amazon.device.messaging.ADMMessage@1.0"
        )
        assert SERVICE.pseudo[2] == (b":authority", b"api.amazon.com")

    def test_a_checksum_is_added(self):
        """Only data is under it; one that is there stays, and so does everything else."""
        assert body() == {
            "data": {"message": "hi", "url": "x"},
            "md5": checksum({"message": "hi", "url": "x"}),
        }
        assert body(b'{"data":{},"md5":"mine","priority":"high"}') == {
            "data": {},
            "md5": "mine",
            "priority": "high",
        }
        assert body(b'{"notification":{"title":"t"}}') == {"notification": {"title": "t"}}

    @pytest.mark.parametrize(
        ("expiration", "seconds"),
        [(1_700_003_600, 3600), (0, 60), (1_700_000_001, 60), (4_000_000_000, LONGEST)],
    )
    def test_expirations(self, expiration, seconds):
        """The seconds that are left, within ADM's bounds."""
        assert body(expiration=expiration)["expiresAfter"] == seconds

    def test_the_payload_goes_before(self):
        """What it says stays."""
        found = body(b'{"data":{},"consolidationKey":"k","expiresAfter":99}', collapse_id="c", expiration=0)
        assert (found["consolidationKey"], found["expiresAfter"]) == ("k", 99)
        assert body(collapse_id="c")["consolidationKey"] == "c"

    @pytest.mark.parametrize("payload", [b"<toast/>", b"[]", b'{"data":{"a":1}}'])
    def test_what_is_no_message(self, payload):
        """It was taken under other rules, and is sent as it is."""
        [member] = SERVICE.members(span(tokens=[ID], payload=payload, expiration=0))
        assert member.body == payload

    def test_payloads_of_their_own(self):
        """Each has its own body."""
        batch = span(tokens=[ID, ID], payload=Packed.of([PAYLOAD, b'{"data":{"a":"1"}}'], 2))
        assert [msgspec.json.decode(each.body)["data"] for each in SERVICE.members(batch)] == [
            {"message": "hi", "url": "x"},
            {"a": "1"},
        ]


class TestRules:
    @pytest.mark.parametrize(
        "payload",
        [PAYLOAD, b'{"data":{}}', b'{"data":{"k":"%s"}}' % (b"x" * (MAX_DATA - 8)), b'{"notification":{"title":"t"},"tomorrow":1}',
         b'{"data":{},"consolidationKey":"%s","expiresAfter":2678400}' % (b"k" * 64)],
    )  # fmt: skip
    def test_messages(self, payload):
        """Data of texts, or a notification; fields of tomorrow pass."""
        assert ADM_RULES.payload(payload, 65535) is None

    @pytest.mark.parametrize(
        "payload",
        [b"", b"[]", b"{}", b'{"data":{"a":1}}', b'{"data":[]}', b'{"data":{"a":null}}', b'{"data":{"k":"%s"}}' % (b"x" * (MAX_DATA - 7)),
         b'{"data":{},"consolidationKey":"%s"}' % (b"k" * 65), b'{"data":{},"expiresAfter":59}', b'{"data":{},"expiresAfter":2678401}',
         b'{"data":{},"expiresAfter":"60"}', b'{"data":{},"md5":7}', b'{"data":{"a":"\xff"}}', b'{"notification":"t"}'],
    )  # fmt: skip
    def test_what_is_none(self, payload):
        """Everything else is refused at the input, where the caller sees why."""
        with pytest.raises(Refusal, match="payload"):
            ADM_RULES.payload(payload, 65535)

    def test_which_field(self):
        """The refusal names the field that is at fault, and nothing that it holds."""
        with pytest.raises(Invalid) as refused:
            ADM_RULES.payload(b'{"data":{"a":"secret","b":17}}', 65535)
        assert refused.value.shape == "no message of ADM (Expected `str`, got `int` - at `$.data[...]`)"

    def test_targets_and_push_types(self):
        """A registration id is of a few characters; there are no push types."""
        assert ADM_RULES.check_target(ID) is None
        for target in (b"a/b", b"a b", b"\xff", b"x" * 1537):
            with pytest.raises(Invalid, match="token"):
                ADM_RULES.check_target(target)
        with pytest.raises(Invalid, match="push_type"):
            ADM_RULES.check_terms(Terms(push_type="alert"))


class TestAnswers:
    @pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row.status} {row.reason}")
    def test_rows(self, row):
        """Every row is found by what came, and has words."""
        found = SERVICE.read(sent(ID), row.status, [], msgspec.json.encode({"reason": row.reason}), WALL).row
        assert (found.follows, found.words, found.dead, found.wait) == (
            row.follows,
            row.words,
            row.dead,
            row.wait,
        )
        assert found.reason == (row.reason or f"HTTP{row.status}")
        assert row.words
        assert (row.dead is not None) == (row.follows is Follows.DEAD)
        assert bool(row.cause) == (row.follows in {Follows.HELD, Follows.RENEW_TOKEN})

    @pytest.mark.parametrize(
        ("status", "reason", "follows"),
        [
            (200, "", Follows.ACCEPTED), (200, "Odd", Follows.ACCEPTED), (400, "", Follows.REJECTED), (400, "New", Follows.REJECTED),
            (401, "New", Follows.RENEW_TOKEN), (403, "", Follows.HELD), (429, "", Follows.LATER), (500, "", Follows.LATER),
        ],
    )  # fmt: skip
    def test_other_answers(self, status, reason, follows):
        """They mean what their status does."""
        row = answer(status, reason)
        assert row.follows is follows
        assert row.reason == ("" if status == 200 else reason or f"HTTP{status}")

    def test_deaths_and_waits(self):
        """Two reasons mean death, and a rate that is exceeded a minute."""
        assert {row.reason: row.dead for row in ANSWERS if row.dead} == {
            "InvalidRegistrationId": DeadReason.INVALID_REGISTRATION, "Unregistered": DeadReason.UNREGISTERED,
        }  # fmt: skip
        assert answer(429, "MaxRateExceeded").wait == RATE_WAIT

    @pytest.mark.parametrize(
        ("status", "data", "handle"),
        [
            (200, b'{"registrationID":"new"}', b"new"), (200, b'{"registrationID":"a b"}', b""), (200, b'{"registrationID":7}', b""),
            (200, b"", b""), (400, b'{"registrationID":"new"}', b""),
        ],
    )  # fmt: skip
    def test_replaced_ids(self, status, data, handle):
        """The id that the service has now is told, unless it cannot be one."""
        headers = [(b"x-amzn-requestid", b"r1"), (b"retry-after", b"5")]
        reply = SERVICE.read(sent(ID), status, headers, data, WALL)
        assert (reply.handle, reply.unique_id, reply.retry_after) == (handle, "r1", 5.0)

    @given(
        STATUSES,
        HEADERS,
        st.binary(max_size=50)
        | st.fixed_dictionaries({}, optional={"reason": st.text(), "registrationID": st.text()}).map(
            msgspec.json.encode
        ),
    )
    def test_whatever_comes(self, status, headers, data):
        """Reading raises nothing."""
        assert is_sound(SERVICE.read(sent(ID), status, headers, data, WALL))
