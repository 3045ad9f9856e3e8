"""Microsoft Push Notification Service of Windows Phone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid
from pushgate.model.notification import Priority, Submission, Terms
from pushgate.model.packed import Packed
from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.mpns.reasons import AN_HOUR, ANSWERS
from pushgate.protocols.mpns.rules import MPNS_RULES, mpns_rules
from pushgate.protocols.mpns.service import MpnsService
from tests.protocols.answers import HEADERS, STATUSES, WALL, is_sound, sent
from tests.samples import span

CHANNEL = b"http://sn1.notify.live.net/throttledthirdparty/01.00/AAF"
TOAST = b'<?xml version="1.0"?><wp:Notification xmlns:wp="WPNotification"><wp:Toast><wp:Text1>a</wp:Text1></wp:Toast></wp:Notification>'
TILE = TOAST.replace(b"Toast", b"Tile")
RAW = b"<root/>"
SERVICE = MpnsService("sn1.notify.live.net", "http")


class TestRequests:
    def test_members(self):
        """Each has the path of its channel, the push type of its payload, and the gateway's id."""
        members = SERVICE.members(span(tokens=[CHANNEL] * 3, payload=Packed.of([TOAST, TILE, RAW], 2)))
        assert [(member.path, member.kind) for member in members] == [
            (b"/throttledthirdparty/01.00/AAF", kind) for kind in ("toast", "tile", "raw")
        ]
        assert members[2].unlike == ((b"x-messageid", b"018f0000-0000-7000-8000-000000000002"),)
        assert SERVICE.pseudo[1] == (b":scheme", b"http")
        assert MpnsService("h").members(span(tokens=[b"no channel"]))[0].path == b"/"

    @pytest.mark.parametrize(
        ("payload", "push_type", "kind"),
        [
            (TOAST, None, "toast"),
            (TOAST, "raw", "raw"),
            (RAW, "toast", "toast"),
            (b"", None, "raw"),
            (TOAST.replace(b"Toast", b"Other"), None, "raw"),
        ],
    )
    def test_push_types(self, payload, push_type, kind):
        """What the notification says goes before what its payload is."""
        assert SERVICE.members(span(tokens=[CHANNEL], payload=payload, push_type=push_type))[0].kind == kind

    @pytest.mark.parametrize(
        ("kind", "priority", "number", "target"),
        [
            ("tile", Priority.URGENT, b"1", b"token"), ("toast", Priority.URGENT, b"2", b"toast"), ("raw", Priority.URGENT, b"3", None),
            ("tile", Priority.BULK, b"11", b"token"), ("toast", Priority.LOW, b"22", b"toast"), ("raw", Priority.LOW, b"23", None),
        ],
    )  # fmt: skip
    def test_headers(self, kind, priority, number, target):
        """The class says how soon; a raw notification has no target."""
        found = dict(SERVICE.fields(span(priority=priority), kind))
        assert (found[b"x-notificationclass"], found.get(b"x-windowsphone-target")) == (number, target)
        assert found[b"content-type"] == b"text/xml"


class TestRules:
    def refused(self, payload, target=CHANNEL, rules=MPNS_RULES, **terms):
        """Why a notification is refused, None when it is not."""
        submission = Submission(app="a", tokens=Packed.of([target], 2), payload=payload, terms=Terms(**terms))
        try:
            faults = rules.refused_members(submission, 65535)
        except Invalid as error:
            return error.field
        return faults[0][1].field if faults else None

    @pytest.mark.parametrize("payload", [TOAST, TILE, RAW, b"\x00"])
    def test_what_is_taken(self, payload):
        """Toasts and tiles that are well formed, and anything else as raw."""
        assert self.refused(payload) is None

    @pytest.mark.parametrize(
        ("payload", "push_type"),
        [
            (b"", None),
            (TOAST[:-1], None),
            (RAW, "toast"),
            (b"\x00", "tile"),
            (TOAST.replace(b"?>", b"?><!DOCTYPE a>"), "toast"),
        ],
    )
    def test_what_is_not(self, payload, push_type):
        """XML that is broken, has a document type or another root."""
        assert self.refused(payload, push_type=push_type) == "payload"

    def test_targets_and_push_types(self):
        """Channels are of the service's domain; push types are its own."""
        assert self.refused(RAW, b"http://127.0.0.1/") == "token"
        assert self.refused(RAW, b"http://127.0.0.1/", mpns_rules(("127.0.0.1",))) is None
        assert self.refused(RAW, push_type="badge") == "push_type"


class TestAnswers:
    @pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.reason)
    def test_rows(self, row):
        """Every row is found by what came, and has words."""
        headers = [(b"x-notificationstatus", row.reason.title().encode())] if row.status == 200 else []
        assert SERVICE.read(sent(CHANNEL), row.status, headers, b"", WALL).row is row
        assert row.words
        assert (row.dead is not None) == (row.follows is Follows.DEAD)

    def test_what_is_said_besides(self):
        """The state of the device stands in the words, and the channel's quota is one of hours."""
        headers = [
            (b"x-notificationstatus", b"Dropped"),
            (b"x-deviceconnectionstatus", b"Temp Disconnected"),
            (b"retry-after", b"9"),
        ]
        reply = SERVICE.read(sent(CHANNEL), 412, headers, b"", WALL)
        assert reply.row.words == "the device is out of reach: the device is temp disconnected"
        assert (reply.row.wait, reply.retry_after) == (AN_HOUR, 9.0)
        reply = SERVICE.read(
            sent(CHANNEL), 200, [(b"x-notificationstatus", b"Received"), headers[1]], b"", WALL
        )
        assert (reply.row.follows, reply.row.words) == (Follows.ACCEPTED, "")
        assert SERVICE.read(sent(CHANNEL), 404, [], b"", WALL).row.dead is DeadReason.GONE

    @given(STATUSES, HEADERS, st.binary(max_size=50))
    def test_whatever_comes(self, status, headers, body):
        """Reading raises nothing."""
        assert is_sound(SERVICE.read(sent(CHANNEL), status, headers, body, WALL))
