"""Sends over REST: what reaches the hub, and what is answered."""

from pushgate.model.errors import TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import DeviceResult, SendRequest, SendTestOutcome
from tests.hub_input_rig import HubInputTestCase

BODY = b'{"aps":{"alert":"hi"}}'
AT = "2023-11-14T23:13:20.000Z"
BATCH = (
    b"--b\r\nContent-type: application/json\r\nContent-Disposition: inline; name=notification\r\n\r\n"
    + BODY
    + b"\r\n--b\r\nContent-type: application/json\r\nContent-Disposition: inline; name=devices\r\n\r\n"
    b'["aa","bb"]\r\n--b--'
)


class MessageTests(HubInputTestCase):
    """POST to messages and to schedulednotifications."""

    def send(self, path="/main/messages/?api-version=2020-06", body=BODY, **headers):
        """The answer to a send, signed by the rule that sends."""
        headers = {
            "ServiceBusNotification_Format": "apple",
            "authorization": self.signature("Send"),
            **headers,
        }
        return self.ask("POST", path, body, **headers)

    def test_a_send_to_tags(self):
        """It is 201, with the id in an absolute address, and two ids for support."""
        answer = self.send(ServiceBusNotification_Tags="a && !b", apns_collapse_id="c")
        [number] = self.hub.sent
        self.assertEqual((answer.status, answer.body), (201, b""))
        location = f"https://localhost/main/messages/{number}?api-version=2020-06"
        self.assertEqual(answer.headers["location"], location)
        self.assertEqual(answer.headers["trackingid"], answer.headers["x-ms-correlation-request-id"])
        wanted = SendRequest(
            body=BODY,
            platform=Platform.APNS,
            expression="a && !b",
            headers={"apns-collapse-id": "c"},
        )
        self.assertEqual(self.hub.requests, [wanted])

    def test_a_template_send_to_all(self):
        """Without tags it is for all; with or without the slash, in any case."""
        answer = self.send("/Main/MESSAGES", b'{"a":"b"}', ServiceBusNotification_Format="template")
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.hub.requests, [SendRequest(body=b'{"a":"b"}')])

    def test_a_direct_send(self):
        """The flag is bare or has a value; the handle is in a header."""
        for flag in ("direct", "direct=true", "api-version=2015-04&direct"):
            answer = self.send(f"/main/messages/?{flag}", ServiceBusNotification_DeviceHandle="aabb")
            self.assertEqual(answer.status, 201)
        self.assertEqual({each.handles for each in self.hub.requests}, {("aabb",)})

    def test_a_handle_without_the_flag_goes_to_nobody(self):
        """It is refused rather than sent to all."""
        answer = self.send(ServiceBusNotification_DeviceHandle="aabb")
        self.assertIn("ServiceBusNotification-DeviceHandle: there without ?direct", self.refusal(answer, 400))
        self.assertEqual(self.hub.requests, [])

    def test_a_batch(self):
        """The body has the notification and the handles; `$` may be encoded."""
        for path in ("/main/messages/$batch?direct", "/main/messages/%24batch?direct=true"):
            answer = self.send(path, BATCH, content_type='multipart/mixed; boundary = "b"', apns_topic="t")
            self.assertEqual(answer.status, 201, answer.body)
        wanted = SendRequest(
            body=BODY, platform=Platform.APNS, handles=("aa", "bb"), headers={"apns-topic": "t"}
        )
        self.assertEqual(self.hub.requests, [wanted] * 2)
        self.refusal(self.send(path, BATCH, content_type="application/json"), 400)
        self.refusal(self.send(path, BATCH, ServiceBusNotification_Format="template"), 400)

    def test_a_test_send(self):
        """What became of it is in the answer, also of one to a handle."""
        result = DeviceResult(
            platform=Platform.APNS, handle="AABB", registration_id="1", outcome="Success", succeeded=True
        )

        async def carried_out(request):
            self.hub.requests.append(request)
            return SendTestOutcome(id="7", results=(result,))

        self.hub.test_send = carried_out
        for query in ("test=true", "api-version=2015-04&test", "direct&test"):
            handle = "aabb" if "direct" in query else None
            answer = self.send(f"/main/messages/?{query}", ServiceBusNotification_DeviceHandle=handle)
            self.assertEqual(answer.status, 201)
            self.assertIn(b"<Success>1</Success><Failure>0</Failure>", answer.body)
            self.assertIn("/main/messages/7?", answer.headers["location"])
        self.assertEqual(len(self.hub.requests), 3)

    def test_a_schedule_and_its_end(self):
        """It has an address of its own, and is cancelled once."""
        answer = self.send("/main/schedulednotifications/", ServiceBusNotification_ScheduleTime=AT)
        [number] = self.hub.sent
        self.assertEqual(answer.status, 201)
        self.assertIn(f"/main/schedulednotifications/{number}?", answer.headers["location"])
        self.assertEqual(self.hub.requests[0].scheduled_for, 1700003600.0)
        path = f"/main/schedulednotifications/{number}?api-version=2020-06"
        self.assertEqual(self.ask("DELETE", path).status, 200)
        self.assertIn("not scheduled any more", self.refusal(self.ask("DELETE", path), 409))
        self.refusal(self.ask("DELETE", "/main/schedulednotifications/none"), 404)

    def test_a_scheduled_direct_send(self):
        """As one of the SDKs for Python can write it, with quotes round the T."""
        headers = {
            "ServiceBusNotification_ScheduleTime": "2023-11-14'T'23:13:20",
            "ServiceBusNotification_DeviceHandle": "aabb",
        }
        self.assertEqual(self.send("/main/schedulednotifications/?direct", **headers).status, 201)
        [request] = self.hub.requests
        self.assertEqual((request.handles, request.scheduled_for), (("aabb",), 1700003600.0))

    def test_a_schedule_without_a_time(self):
        """It is refused rather than sent at once."""
        for at in (None, "soon"):
            answer = self.send("/main/schedulednotifications", ServiceBusNotification_ScheduleTime=at)
            self.assertIn("ServiceBusNotification-ScheduleTime", self.refusal(answer, 400))
        self.assertEqual(self.hub.requests, [])

    def test_what_is_refused(self):
        """A format, a header or a body that is none; a rule that may not send."""
        self.assertIn("-Format", self.refusal(self.send(ServiceBusNotification_Format="smoke"), 400))
        self.refusal(self.send(body=b"x" * (self.server.config.max_body + 1)), 413)
        self.connection = self.connect()
        self.hub.fault = TooLarge("body", 70000, 65536)
        self.assertIn("body: 70000 bytes; at most 65536", self.refusal(self.send(), 413))
        self.refusal(self.send(authorization=self.signature("Listen")), 401)
        self.assertEqual(self.hub.requests, [])
