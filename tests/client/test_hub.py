"""The client's methods about hubs, over the real input to a hub in memory."""

from twisted.internet.defer import Deferred

from pushgate.client import HubSend, Invalid, NotFound
from pushgate.model.hub.platform import Platform
from pushgate.testing import FakeHub
from tests.client_rig import ClientTestCase


class HubTests(ClientTestCase):
    def setUp(self):
        super().setUp()
        self.hub = self.server.hubs["main"] = FakeHub()
        self.addCleanup(self.server.hubs.clear)
        self.main = self.client.hub("main")

    def collected(self, iterator):
        """All of an asynchronous iterator's."""

        async def collect():
            return [each async for each in iterator]

        running = Deferred.fromCoroutine(collect())
        return self.result(running)

    def test_sends(self):
        """A send has its id, its state and its details; one for later is listed, and cancelled once."""
        payload = {"aps": {"alert": "Hi"}}
        sent = self.result(self.main.send_to_tags("apple", payload, "a", headers={"apns-priority": "5"}))
        self.assertEqual((sent.state, sent.results), ("Enqueued", ()))
        [request] = self.hub.requests
        self.assertEqual((request.platform, request.expression), (Platform.APNS, "a"))
        self.assertEqual(request.headers, {"apns-priority": "5"})
        self.assertEqual(self.result(self.main.details(sent.id))["state"], "Enqueued")
        self.assertEqual([each["id"] for each in self.result(self.main.sends())], [sent.id])
        later = self.result(self.main.send_to_tags("template", {"x": "1"}, schedule=1_900_000_000))
        self.assertEqual(later, HubSend(later.id, "Scheduled"))
        self.assertEqual([each["id"] for each in self.result(self.main.sends(True))], [later.id])
        self.assertEqual([self.result(self.main.cancel(later.id)) for _ in range(2)], [True, False])
        self.assertEqual(self.result(self.main.send_to_tags("apple", payload, test=True)).results, ())

    def test_registrations(self):
        """They are made, counted, listed, changed and deleted; all pages come."""
        made = [
            self.result(
                self.main.put_registration({"platform": "fcmv1", "handle": f"h{n}", "tags": [f"t{n:03}"]})
            )
            for n in range(120)
        ]
        self.assertEqual(self.result(self.main.count()), {"fcmv1": 120})
        self.assertEqual(self.collected(self.main.tags()), [(f"t{n:03}", 1) for n in range(120)])
        self.assertEqual([each["id"] for each in self.collected(self.main.registrations())], made)
        kept = self.result(self.main.registration(made[0]))
        self.result(self.main.put_registration({**kept, "tags": ["other"]}))
        self.assertEqual(self.hub.kept[made[0]].tags, ("other",))
        self.result(self.main.delete_registration(made[0]))
        self.failure(self.main.delete_registration(made[0]), NotFound)

    def test_refusals(self):
        """They are the gateway's."""
        self.failure(self.client.hub("other").count(), NotFound)
        self.failure(self.main.send_to_tags("pager", {}), Invalid)

    def test_many_at_once(self):
        """Registrations and installations are kept under their ids; the bad ones come back by their index."""
        phone = {"installationId": "phone-1", "platform": "apns", "pushChannel": "bb01"}
        entries = [
            {"platform": "apns", "handle": "aa01", "id": "one"},
            phone,
            {"platform": "pager", "handle": "x"},
        ]
        imported, [(index, code, reason)] = self.result(self.main.import_registrations(entries))
        self.assertEqual((imported, index, code), (2, 2, "INVALID"))
        self.assertTrue(reason.startswith("platform: "))
        self.assertEqual(self.result(self.main.installation("phone-1"))["installationId"], "phone-1")
        self.assertEqual(self.result(self.main.errors("9")), [])
        self.assertEqual(self.result(self.main.jobs()), [])
