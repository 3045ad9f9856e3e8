"""Sends, schedules, telemetry, feedback and jobs by unmodified SDKs: npm's and PyPI's, over TLS."""

import json
import ssl
import time
import urllib.request
from datetime import datetime

from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from pushgate.hub.jobs.runner import JobRunner
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import DeviceResult, SendState, SendTestOutcome
from pushgate.protocols.notification_hubs.blob_signature import ALL, Grant, Place, query
from tests.hub_sdk_rig import HubSDKTestCase
from tests.jobs_rig import DictRegistrar, MemoryDatabase

JSON = "application/json;charset=utf-8"
POINT = "BMBlr6YznhYMX3NgcWIDRxZXs0sh7tCv7_YCsWcww0ZCv9WGg-tRCXfMEHTiBPCksSqeve1twlbmVAZFv7GSuj0"
BROWSER = {"endpoint": "https://push.example.com/send/a?b=1", "p256dh": POINT, "auth": "A" * 21 + "Q"}
APPLE = {
    "platform": "apple",
    "contentType": JSON,
    "body": '{"aps":{"alert":"é"}}',
    "headers": {"apns-priority": "5", "apns-collapse-id": "c"},
}
TOAST = {
    "platform": "windows",
    "contentType": "application/xml",
    "body": "<toast/>",
    "headers": {"X-WNS-Type": "wns/toast"},
}
PLATFORMS = {
    "fcmv1": Platform.FCMV1,
    "gcm": Platform.GCM,
    "adm": Platform.ADM,
    "baidu": Platform.BAIDU,
    "browser": Platform.BROWSER,
    "xiaomi": Platform.XIAOMI,
    "template": None,
}


def notification(platform):
    """One of any platform whose body is JSON."""
    return {"platform": platform, "contentType": JSON, "body": '{"message":{}}'}


def blob(address, ca, data=None, *segments):
    """What a client of containers does: put a file, or get one."""
    base, _, signature = address.partition("?")
    url = "/".join((base, *segments)) + f"?{signature}"
    headers = {"x-ms-blob-type": "BlockBlob"}
    request = urllib.request.Request(url, data, headers, method="GET" if data is None else "PUT")
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(ca))) as answer:
        return answer.read()


class JavaScriptTests(HubSDKTestCase):
    """npm's @azure/notification-hubs."""

    async def test_sends_of_every_kind(self):
        """To tags, to all, to one, to many: the hub gets what was meant, and the SDK its id."""
        await self.start()
        results = await self.call(
            ["sendNotification", APPLE, {"tagExpression": "a && !b"}],
            ["sendBroadcastNotification", TOAST],
            ["sendNotification", APPLE, {"deviceHandle": "aabb"}],
            ["sendNotification", APPLE, {"deviceHandle": ["aabb", "ccdd"]}],
            ["sendNotification", notification("browser"), {"deviceHandle": BROWSER}],
            ["sendNotification", notification("browser"), {"deviceHandle": [BROWSER, BROWSER]}],
            *(["sendBroadcastNotification", notification(each)] for each in PLATFORMS),
        )
        tagged, toast, direct, many, browser, browsers, *others = self.hub.requests
        self.assertEqual([each["notificationId"] for each in results], list(self.hub.sent))
        for result in results:
            self.assertEqual(result["state"], "Enqueued")
            self.assertTrue(result["trackingId"] and result["correlationId"] and result["location"])
        self.assertEqual((tagged.platform, tagged.expression), (Platform.APNS, "a && !b"))
        self.assertEqual(tagged.body.decode(), APPLE["body"])
        self.assertEqual(tagged.headers, {"apns-priority": "5", "apns-collapse-id": "c"})
        self.assertEqual((toast.platform, toast.expression), (Platform.WNS, None))
        self.assertEqual((toast.body, toast.headers), (b"<toast/>", {"x-wns-type": "wns/toast"}))
        self.assertEqual((direct.handles, many.handles), (("aabb",), ("aabb", "ccdd")))
        self.assertEqual(many.body.decode(), APPLE["body"])
        keys = {"p256dh": POINT, "auth": BROWSER["auth"]}
        subscription = {"endpoint": BROWSER["endpoint"], "keys": keys}
        handles = (*browser.handles, *browsers.handles)
        self.assertEqual([json.loads(each) for each in handles], [subscription] * 3)
        self.assertEqual([each.platform for each in others], list(PLATFORMS.values()))

    async def test_a_test_send(self):
        """The SDK gives what became of it on each device."""
        await self.start()
        result = DeviceResult(
            platform=Platform.APNS, handle="AABB", registration_id="1", outcome="bad", succeeded=False
        )

        async def carried_out(request):
            return SendTestOutcome(id="7-1", results=(result,))

        self.hub.test_send = carried_out
        options = {"tagExpression": "a", "enableTestSend": True}
        [outcome] = await self.call(["sendNotification", APPLE, options])
        self.assertEqual(outcome["notificationId"], "7-1")
        counts = [outcome[each] for each in ("successCount", "failureCount", "state")]
        self.assertEqual(counts, [0, 1, "DetailedStateAvailable"])
        [device] = outcome["results"]
        self.assertEqual(device, {
            "applicationPlatform": "apple", "registrationId": "1", "outcome": "bad", "pnsHandle": "AABB",
        })  # fmt: skip

    async def test_schedules(self):
        """To tags and to all; cancelled once, and then no more."""
        await self.start()
        at = {"$date": "2033-05-18T03:33:20.000Z"}
        first, second, cancelled, again, unknown = await self.try_calls(
            ["scheduleNotification", at, APPLE, {"tagExpression": "a"}],
            ["scheduleBroadcastNotification", at, TOAST],
            ["cancelScheduledNotification", {"$of": [0, "notificationId"]}],
            ["cancelScheduledNotification", {"$of": [0, "notificationId"]}],
            ["cancelScheduledNotification", "none"],
        )
        self.assertEqual([each.scheduled_for for each in self.hub.requests], [2000000000.0] * 2)
        self.assertEqual([each.expression for each in self.hub.requests], ["a", None])
        states = [self.hub.sent[each["value"]["notificationId"]].state for each in (first, second)]
        self.assertEqual(states, [SendState.CANCELED, SendState.SCHEDULED])
        self.assertTrue(cancelled["value"]["trackingId"])
        self.assertEqual((again["status"], unknown["status"]), (409, 404))

    async def test_telemetry(self):
        """State, times, counts of every platform, and an address of errors that can be read."""
        await self.start()
        [sent] = await self.call(["sendNotification", APPLE, {"tagExpression": "a || b"}])
        number = sent["notificationId"]
        self.hub.outcomes = {platform: {"Success": 3, "BadChannel": 1} for platform in Platform}
        entry = PnsFeedback(
            position=1, at=0.0, platform=Platform.APNS, handle=b"\xaa", name="BadChannel", send_id=number
        )
        self.hub.entries = [entry]
        found, unknown = await self.try_calls(
            ["getNotificationOutcomeDetails", number], ["getNotificationOutcomeDetails", "none"]
        )
        details = found["value"]
        self.assertEqual((details["notificationId"], details["state"]), (number, "Enqueued"))
        self.assertEqual(details["notificationBody"], APPLE["body"])
        self.assertEqual(details["targetPlatforms"], "apple")
        self.assertLess(abs(time.time() - _seconds(details["enqueueTime"])), 60)
        for group in ("apns", "adm", "baidu", "browser", "fcm", "fcmV1", "xiaomi", "wns"):
            counts = {each["state"]: each["count"] for each in details[f"{group}OutcomeCounts"]}
            self.assertEqual(counts, {"Success": 3, "BadChannel": 1})
        lines = await deferToThread(blob, details["pnsErrorDetailsUrl"], self.ca)
        self.assertIn(b"<NotificationSystemError>BadChannel</NotificationSystemError>", lines)
        self.assertEqual(unknown["status"], 404)

    async def test_feedback(self):
        """The address is that of a container with a file a day."""
        await self.start()
        self.hub.entries = [
            PnsFeedback(position=1, at=0.0, platform=Platform.ADM, handle=b"a", name="Dropped")
        ]
        [address] = await self.call(["getFeedbackContainerUrl"])
        self.assertIn(b"<Name>11142023</Name>", await deferToThread(blob, address, self.ca))
        lines = await deferToThread(blob, address, self.ca, None, "11142023")
        self.assertIn(b"<PnsHandle>a</PnsHandle>", lines)

    async def test_jobs(self):
        """A file is put, imported, and exported again; the SDK waits for the end, and lists what there was."""
        await self.start()
        self.begin_jobs()
        container = self.container()
        line = (
            '<AppleRegistrationDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/'
            'connect"><Tags>a,b</Tags><DeviceToken>%04x</DeviceToken></AppleRegistrationDescription>\n'
        )
        data = "".join(line % each for each in range(600)) + "no registration\n"
        await deferToThread(blob, container, self.ca, data.encode(), "in.xml")
        base, _, signature = container.partition("?")
        source = f"{base}/in.xml?{signature}"
        create = {
            "type": "ImportCreateRegistrations",
            "outputContainerUrl": container,
            "importFileUrl": source,
        }
        export = {"type": "ExportRegistrations", "outputContainerUrl": container}
        fast = {"updateIntervalInMs": 50}
        imported, exported, read, listed, refused = await self.try_calls(
            ["beginSubmitNotificationHubJob", create, fast],
            ["beginSubmitNotificationHubJob", export, fast],
            ["getNotificationHubJob", {"$of": [1, "jobId"]}],
            ["listNotificationHubJobs"],
            ["submitNotificationHubJob", {**export, "outputContainerUrl": "https://example.com/c"}],
        )
        imported, exported, read = (each["value"] for each in (imported, exported, read))
        self.assertEqual((imported["status"], imported["progress"]), ("Completed", 100))
        files = imported["outputProperties"]
        got = [
            await deferToThread(blob, container, self.ca, None, files[each].lstrip("/"))
            for each in ("OutputFilePath", "FailedFilePath")
        ]
        self.assertEqual([each.count(b"\n") for each in got], [600, 1])
        self.assertTrue(got[1].startswith(b"601,"), got[1])
        path = exported["outputProperties"]["OutputFilePath"].lstrip("/")
        text = await deferToThread(blob, container, self.ca, None, path)
        self.assertEqual(text.count(b"<Tags>a,b</Tags>"), 600)
        self.assertEqual(read, exported)
        self.assertEqual({each["jobId"] for each in listed["value"]}, {imported["jobId"], exported["jobId"]})
        self.assertEqual(refused["status"], 400)
        self.assertIn("OutputContainerUri: ", refused["error"])

    def begin_jobs(self):
        """Have the hub carry jobs out."""
        self.hub.containers.use(self.directory / "blobs")
        registrar = DictRegistrar()
        runner = JobRunner(
            "main",
            MemoryDatabase(time.time, registrar),
            self.hub.containers,
            registrar,
            self.context,
            owner="a",
            keep=lambda: 86400.0,
        )
        runner.start()
        self.addCleanup(lambda: ensureDeferred(runner.stop()))
        self.hub.submit_job, self.hub.job, self.hub.jobs = runner.submit, runner.job, runner.jobs

    def container(self):
        """The address of a new container, as POST /main/containers gives it."""
        name = self.hub.containers.make()
        signed = query(Place("main", name), Grant(ALL, time.time() + 600), self.hub.containers.key())
        return f"https://localhost:{self.port}/main/blobs/{name}?{signed}"


class PythonTests(HubSDKTestCase):
    """PyPI's notificationhubs-rest-python."""

    async def test_sends(self):
        """Each platform it knows, to tags, to all, to one; later; and with its debugging flag as a test."""
        await self.start()
        toast = {"payload": "<toast></toast>", "is_direct": False}
        results = await self.python(
            ["send_apple_notification", {"is_direct": False, "payload": {"aps": {}}, "tags": ["a", "b"]}],
            ["send_google_notification", {"is_direct": False, "payload": {"data": {}}, "tags": "a && b"}],
            ["send_amazon_notification", {"is_direct": True, "payload": {}, "device_handle": "amzn1"}],
            ["send_baidu_notification", {"is_direct": False, "payload": {}}],
            ["send_windows_notification", toast],
            ["send_windows_phone_notification", {"is_direct": False, "payload": "<wp:Toast>"}],
            ["send_template_notification", {"properties": {"a": "b"}, "tags": "a", "scheduled_time": 2e9}],
        )
        self.assertEqual(results, [{"status": 201}] * 7)
        apple, google, amazon, baidu, windows, phone, template = self.hub.requests
        self.assertIn(apple.expression, ("a || b", "b || a"))
        self.assertEqual((google.platform, google.expression), (Platform.GCM, "a && b"))
        self.assertEqual((amazon.platform, amazon.handles), (Platform.ADM, ("amzn1",)))
        self.assertEqual((baidu.platform, baidu.expression), (Platform.BAIDU, None))
        self.assertEqual((windows.body, windows.headers), (b"<toast></toast>", {"x-wns-type": "wns/toast"}))
        self.assertEqual(phone.headers, {"x-windowsphone-target": "toast", "x-notificationclass": "2"})
        self.assertEqual((template.platform, template.scheduled_for), (None, 2e9))

    async def test_a_test_send(self):
        """Its debugging flag makes a test of a send."""
        await self.start()
        given = {"is_direct": False, "payload": {"aps": {}}, "tags": "a"}
        self.assertEqual(await self.python(["send_apple_notification", given], debug=1), [{"status": 201}])
        self.assertEqual([each.state for each in self.hub.sent.values()], [SendState.ENQUEUED])

    async def test_refusals(self):
        """A wrong expression of the hub's, and a wrong key."""
        await self.start()
        self.connection = self.connection.replace("full-key", "no-key")
        given = {"is_direct": False, "payload": {}, "tags": "a"}
        [refused] = await self.python(["send_apple_notification", given])
        self.assertIn("401", refused["error"])
        self.assertEqual(self.hub.requests, [])


def _seconds(text):
    """Unix seconds of a time as JSON has it."""
    return datetime.fromisoformat(text).timestamp()
