"""HTTP/2, and requests that no SDK writes."""

from hpack import Decoder
from hyperframe.frame import DataFrame, HeadersFrame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration
from pushgate.net.http.connection import PREFACE
from pushgate.protocols.notification_hubs.registration_xml import entry
from tests.http2_wire import Wire, data, frames_of
from tests.hub_input_rig import HubInputTestCase

ENTRY = entry(Registration(platform=Platform.APNS, handle=b"\xaa"), "", 0.0)
EMPTY_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_parts = st.sampled_from([
    "main", "registrations", "registrationids", "installations", "tags", "messages", "$batch", "", ".", "..", "%2f", "%00", "a%", "\x7f",
    "?", "api-version=2020-06", "$filter=", "DeviceToken eq 'aa'", "&", "=", "$top=1", "%24top=-1", "#", ";", "%F0%9F%98%80", "'--", "test",
])  # fmt: skip
_targets = st.lists(_parts, max_size=8).map(
    lambda parts: "/" + "/".join(parts).replace("/?/", "?").replace(" ", "%20")
)
_methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "X"])
_bodies = st.sampled_from([b"", b"{}", b"[]", b"<a/>", ENTRY, b"\xff", b"[" * 3000, b"<a>" * 3000])


class OddRequestTests(HubInputTestCase):
    """Each has an answer of the right form, and none is a bug."""

    @settings(suppress_health_check=[HealthCheck.differing_executors], max_examples=300)
    @given(_methods, _targets, _bodies)
    def test_any_request(self, method, target, body):
        """A success, or an error that is the caller's."""
        self.connection = self.connect()
        self.write(method, target, body)
        status = int(self.connection.transport.value().split()[1])
        self.assertTrue(200 <= status < 500, self.connection.transport.value())
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_http2(self):
        """Two requests on one connection, each with its answer."""
        wire, authorization = Wire(), (b"authorization", self.signature().encode())
        pseudo = (
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":path", b"/main/registrations"),
            (b":authority", b"localhost"),
        )
        requests = [wire.request(1, authorization, end=False, pseudo=pseudo), data(1, ENTRY, end=True)]
        requests += [
            wire.request(
                3, authorization, pseudo=(*pseudo[:2], (b":path", b"/main/registrationids"), pseudo[3])
            )
        ]
        self.connection.dataReceived(PREFACE + EMPTY_SETTINGS + b"".join(requests))
        frames, decoder = frames_of(self.connection.transport.value()), Decoder()
        heads = {
            f.stream_id: dict(decoder.decode(f.data, raw=True)) for f in frames if isinstance(f, HeadersFrame)
        }
        bodies = b"".join(f.data for f in frames if isinstance(f, DataFrame) and f.stream_id == 1)
        self.assertEqual({head[b":status"] for head in heads.values()}, {b"201"})
        self.assertTrue(heads[3][b"location"].startswith(b"https://localhost/main/registrationids/"))
        self.assertIn(b"<AppleRegistrationDescription ", bodies)
