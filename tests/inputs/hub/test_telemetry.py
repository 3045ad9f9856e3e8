"""Telemetry, error details and feedback over REST."""

import re
from html import unescape
from urllib.parse import urlsplit

from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.platform import Platform
from tests.hub_files_rig import HubFilesTestCase


def entry(position, send_id=""):
    """What a push service said."""
    return PnsFeedback(
        position=position,
        at=1700000000.0,
        platform=Platform.APNS,
        handle=b"\xaa\xbb",
        name="BadChannel",
        send_id=send_id,
        registration_id="1",
    )


class TelemetryTests(HubFilesTestCase):
    """GET of messages/{id}, and of what it leads to."""

    def send(self):
        """The id of a send."""
        self.ask("POST", "/main/messages", b"{}", ServiceBusNotification_Format="apple")
        return next(iter(self.hub.sent))

    def errors_of(self, number):
        """The address of the error details of a send; "" without any."""
        answer = self.ask("GET", f"/main/messages/{number}?api-version=2016-07")
        self.assertEqual(answer.status, 200)
        found = re.search(rb"<PnsErrorDetailsUri>(.*)</PnsErrorDetailsUri>", answer.body)
        return unescape(found[1].decode()) if found else ""

    def test_a_send_without_errors(self):
        """Its state, and no address of errors."""
        number = self.send()
        self.hub.outcomes = {Platform.APNS: {"Success": 2}}
        answer = self.ask("GET", f"/main/messages/{number}", authorization=self.signature("Send"))
        self.assertIn(b"<State>Enqueued</State>", answer.body)
        self.assertIn(b"<Name>Success</Name><Count>2</Count>", answer.body)
        self.assertEqual(self.errors_of(number), "")
        self.refusal(self.ask("GET", "/main/messages/none"), 404)

    def test_error_details(self):
        """They are a file under a signed address, an entry a line, page after page."""
        number = self.send()
        self.hub.entries = [entry(each, number) for each in range(1, 1202)] + [entry(2000, "another")]
        address = self.errors_of(number)
        self.assertTrue(address.startswith(f"https://localhost/main/blobs/errors/{number}?"), address)
        answer = self.open("GET", self.target(address))
        self.assertEqual((answer.status, answer.body.count(b"</PnsFeedback>\n")), (200, 1201))
        self.assertNotIn(b"another", answer.body)
        self.write("HEAD", self.target(address), authorization=None)
        head = self.connection.transport.value()
        self.assertTrue(head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n"), head)

    def test_the_address_is_good_for_nothing_else(self):
        """Not for another send's details, not for writing, not after its time."""
        number = self.send()
        self.hub.entries = [entry(1, number), entry(2, "8-1-1")]
        target = self.target(self.errors_of(number))
        self.refusal(self.open("GET", target.replace(number, "8-1-1")), 403)
        self.refusal(self.open("PUT", target, b"x"), 403)
        self.refusal(self.open("GET", urlsplit(target).path), 403)
        self.clock.advance(5 * 86400 + 1)
        self.lose_idle()
        self.refusal(self.open("GET", target), 403)

    def lose_idle(self):
        """A connection in the place of one that was idle for too long."""
        self.connection = self.connect()

    def test_feedback(self):
        """The container has a file for each day; clients of Azure list it and read them."""
        self.hub.entries = [entry(1), entry(2)]
        address = self.ask("GET", "/main/feedbackcontainer?api-version=2020-06").body.decode()
        self.assertTrue(address.startswith("https://localhost/main/blobs/feedback?"))
        found = self.open("GET", self.target(address) + "&restype=container&comp=list")
        self.assertIn(b"<Name>11142023</Name>", found.body)
        answer = self.open("GET", self.target(address, "11142023"))
        self.assertEqual(answer.body.count(b"<PnsHandle>AABB</PnsHandle>"), 2)
        self.refusal(self.open("PUT", self.target(address, "11142023"), b"x"), 403)
        self.hub.entries = []
        self.refusal(self.open("GET", self.target(address, "11142023")), 404)

    def test_feedback_is_for_who_manages(self):
        """A rule that sends gets no addresses of others' handles."""
        self.refusal(self.ask("GET", "/main/feedbackcontainer", authorization=self.signature("Send")), 401)

    def test_a_reader_that_stops(self):
        """Entries are read as fast as they are taken, and no more for one that is gone."""
        number = self.send()
        self.hub.entries = [entry(each, number) for each in range(1, 5001)]
        target = self.target(self.errors_of(number))
        transport = self.connection.transport
        self.write("GET", target, authorization=None)
        transport.producer.pauseProducing()
        for _ in range(50):
            self.clock.advance(0)
        size = len(transport.value())
        self.assertLess(size, 500_000)
        transport.producer.resumeProducing()
        for _ in range(50):
            self.clock.advance(0)
        [answer] = self.answers()
        self.assertEqual(answer.body.count(b"</PnsFeedback>\n"), 5000)
