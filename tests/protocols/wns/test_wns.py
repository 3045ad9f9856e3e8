"""Windows Push Notification Services."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid
from pushgate.model.notification import Submission, Terms
from pushgate.model.packed import Packed
from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.http_push.channel_uri import ChannelRules
from pushgate.protocols.http_push.service import Member
from pushgate.protocols.wns.reasons import ANSWERS, BLOCKED, answer
from pushgate.protocols.wns.rules import WNS_RULES, wns_rules
from pushgate.protocols.wns.service import WnsService
from tests.protocols.answers import HEADERS, STATUSES, WALL, is_sound, sent
from tests.samples import span

CHANNEL = b"https://db5.notify.windows.com/w/?token=AwYA%2b"
TOAST, TILE, RAW = b"<toast><visual/></toast>", b"<tile/>", b"\x00\x01"
SERVICE = WnsService("db5.notify.windows.com")


def shared(service, batch, kind="toast"):
    """The shared headers of a slice, by name."""
    found = service.fields(batch, kind)
    assert len(dict(found)) == len(found)
    return {name.decode(): value.decode() for name, value in found}


class TestRequests:
    def test_members_are_posted_to_their_channels(self):
        """Each has the path of its channel, and the push type of its payload."""
        batch = span(tokens=[CHANNEL, CHANNEL + b"2", CHANNEL], payload=Packed.of([TOAST, TILE, RAW], 2))
        assert SERVICE.members(batch) == [
            Member(0, b"/w/?token=AwYA%2b", (), TOAST, "toast"),
            Member(1, b"/w/?token=AwYA%2b2", (), TILE, "tile"),
            Member(2, b"/w/?token=AwYA%2b", (), RAW, "raw"),
        ]
        assert SERVICE.pseudo[2] == (b":authority", b"db5.notify.windows.com")

    def test_what_a_notification_says_goes_before(self):
        """XML can be sent as it is, too."""
        [member] = SERVICE.members(span(tokens=[CHANNEL], payload=TOAST, push_type="raw"))
        assert member.kind == "raw"

    @pytest.mark.parametrize(
        ("kind", "content"),
        [
            ("toast", "text/xml"),
            ("tile", "text/xml"),
            ("badge", "text/xml"),
            ("raw", "application/octet-stream"),
        ],
    )
    def test_usual_headers(self, kind, content):
        """What is not asked for is not sent."""
        assert shared(SERVICE, span(tokens=[CHANNEL]), kind) == {
            "content-type": content, "x-wns-type": f"wns/{kind}", "x-wns-requestforstatus": "true",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("expiration", "seconds"), [(1_700_000_090, "90"), (1_700_000_000, "1"), (0, "1")]
    )
    def test_the_time_that_is_left(self, expiration, seconds):
        """A TTL is at least a second."""
        assert shared(SERVICE, span(expiration=expiration))["x-wns-ttl"] == seconds

    @pytest.mark.parametrize(
        ("kind", "tag"), [("toast", "score"), ("tile", "score"), ("badge", None), ("raw", None)]
    )
    def test_tags(self, kind, tag):
        """Toasts and tiles have them; one that cannot stand in the header is left out."""
        assert shared(SERVICE, span(collapse_id="score"), kind).get("x-wns-tag") == tag
        assert "x-wns-tag" not in shared(SERVICE, span(collapse_id="a\r\nb: c"), kind)

    def test_keeping_is_configured(self):
        """The policy is the app's."""
        assert shared(WnsService("h", "no-cache"), span())["x-wns-cache-policy"] == "no-cache"

    def test_headers_of_a_notification_go_on(self):
        """Its policy comes before the app's."""
        headers = (("x-wns-cache-policy", "cache"), ("x-wns-group", "g"))
        found = shared(WnsService("h", "no-cache"), span(headers=headers))
        assert (found["x-wns-cache-policy"], found["x-wns-group"]) == ("cache", "g")
        assert "x-wns-cache-policy" not in shared(SERVICE, span())

    def test_a_target_that_is_no_channel(self):
        """One that was taken under other rules is sent where it is refused."""
        service = WnsService("h", channels=ChannelRules((), ("h",)))
        assert [member.path for member in service.members(span(tokens=[CHANNEL, b"https://h/x"]))] == [
            b"/",
            b"/x",
        ]


class TestRules:
    def refused(self, payload=TOAST, target=CHANNEL, rules=WNS_RULES, **terms):
        """Why a notification is refused, None when it is not."""
        submission = Submission(app="a", tokens=Packed.of([target], 2), payload=payload, terms=Terms(**terms))
        try:
            faults = rules.refused_members(submission, 65535)
        except Invalid as error:
            return error.field
        return faults[0][1].field if faults else None

    @pytest.mark.parametrize(
        "payload", [TOAST, TILE, b"<badge value='1'/>", RAW, b'{"any":"thing"}', b"<other>"]
    )
    def test_what_is_taken(self, payload):
        """XML that is well formed, and anything else as raw."""
        assert self.refused(payload) is None

    @pytest.mark.parametrize(
        ("payload", "push_type"),
        [
            (b"", None), (b"<toast>", None), (b"<!DOCTYPE a><toast/>", "toast"), (b"<toast><!DOCTYPE a></toast>", None),
            (TILE, "toast"), (RAW, "badge"), (b"x" * 5001, "raw"),
        ],
    )  # fmt: skip
    def test_what_is_not(self, payload, push_type):
        """XML that is broken, has a document type or is of another kind; what is too long."""
        if len(payload) > 5000:
            with pytest.raises(Exception, match="at most 5000"):
                self.refused(payload, push_type=push_type)
        else:
            assert self.refused(payload, push_type=push_type) == "payload"

    def test_terms_and_targets(self):
        """Push types are WNS' own, tags have 16 letters and digits, and channels are of its domain."""
        assert self.refused(push_type="alert") == "push_type"
        assert self.refused(collapse_id="a b") == self.refused(collapse_id="a" * 17) == "collapse_id"
        assert self.refused(collapse_id="a" * 16) is self.refused(RAW, collapse_id="a b") is None
        assert self.refused(target=b"https://127.0.0.1/x") == "token"
        assert self.refused(target=b"https://127.0.0.1/x", rules=wns_rules(("127.0.0.1",))) is None


class TestAnswers:
    @pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row.status} {row.reason}")
    def test_rows(self, row):
        """Every row is found by what came, has words unless it is success, and a cause where the circuit opens."""
        by_status = row.reason if row.status == 200 else ""
        found = answer(row.status, by_status, "the domain is blocked" if row.reason == BLOCKED else "")
        assert found is row
        assert bool(row.words) == (row.follows is not Follows.ACCEPTED)
        assert (row.dead is not None) == (row.follows is Follows.DEAD)
        assert bool(row.cause) == (row.follows in {Follows.HELD, Follows.RENEW_TOKEN})

    @pytest.mark.parametrize(
        ("status", "headers", "reason", "follows"),
        [
            (200, [], "", Follows.ACCEPTED),
            (200, [(b"x-wns-status", b"Received")], "", Follows.ACCEPTED),
            (200, [(b"x-wns-notificationstatus", b"dropped")], "dropped", Follows.REJECTED),
            (200, [(b"x-wns-status", b"channelThrottled")], "channelthrottled", Follows.DEVICE_LATER),
            (401, [(b"x-wns-status", b"dropped")], "HTTP401", Follows.RENEW_TOKEN),
            (410, [(b"x-wns-error-description", b"The channel expired")], "HTTP410", Follows.DEAD),
            (410, [(b"x-wns-error-description", b"The Domain is Blocked")], BLOCKED, Follows.HELD),
            (418, [], "HTTP418", Follows.REJECTED), (502, [], "HTTP502", Follows.LATER),
        ],
    )  # fmt: skip
    def test_what_came(self, status, headers, reason, follows):
        """The status of a request that was taken is in a header, by its newer name or its older."""
        row = SERVICE.read(sent(CHANNEL), status, headers, b"", WALL).row
        assert (row.status, row.reason, row.follows) == (status, reason, follows)

    def test_what_is_said_besides(self):
        """Its id, the wait, and the words for people, made printable."""
        headers = [(b"x-wns-error-description", b"bad\nheader"), (b"ms-cv", b"cv.1"), (b"retry-after", b"7")]
        reply = SERVICE.read(sent(CHANNEL), 406, headers, b"", WALL)
        assert (reply.unique_id, reply.retry_after) == ("cv.1", 7.0)
        assert reply.row.words == "the app sends too much: bad\\nheader"
        reply = SERVICE.read(sent(CHANNEL), 200, [*headers[1:], (b"x-wns-msg-id", b"1A2B")], b"", WALL)
        assert (reply.unique_id, reply.row.words) == ("1A2B", "")

    def test_deaths(self):
        """A channel of another app may be a wrong credential; an expired one is gone for good."""
        deaths = {row.status: row.dead for row in ANSWERS if row.dead}
        assert deaths == {
            403: DeadReason.WRONG_CHANNEL, 404: DeadReason.NOT_FOUND, 410: DeadReason.GONE,
        }  # fmt: skip

    @given(STATUSES, HEADERS, st.binary(max_size=50))
    def test_whatever_comes(self, status, headers, body):
        """Reading raises nothing."""
        assert is_sound(SERVICE.read(sent(CHANNEL), status, headers, body, WALL))
