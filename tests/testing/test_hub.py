"""The hub in memory keeps to the contract of hubs."""

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.model.hub.errors import EtagMismatch, Gone, UnknownResource
from pushgate.model.hub.job import JobRequest, JobStatus, JobType
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, RegistrationQuery
from pushgate.model.hub.send import SendRequest, SendState
from pushgate.model.store_down import StoreDown
from pushgate.plugin.hub_interface import IHub
from pushgate.testing import FakeHub

PHONE = Registration(platform=Platform.APNS, handle=b"\xaa", tags=("A",))


class FakeHubTests(SynchronousTestCase):
    """What an input sees."""

    def setUp(self):
        self.hub = FakeHub()

    def test_it_provides_the_interface(self):
        """Methods and their arguments."""
        self.assertTrue(verifyObject(IHub, self.hub))

    def test_registrations(self):
        """Kept under an id of the hub, changed by their ETag, found by tag and handle, page by page."""
        hub = self.hub
        first = self.successResultOf(hub.create_registration(PHONE))
        for _ in range(2):
            self.successResultOf(hub.create_registration(PHONE))
        changed = self.successResultOf(hub.put_registration(first, first.etag))
        self.assertNotEqual(changed.etag, first.etag)
        self.failureResultOf(hub.put_registration(first, first.etag), EtagMismatch)
        page = self.successResultOf(hub.registrations(RegistrationQuery(tag="a", handle=b"\xaa", top=2)))
        self.assertEqual(len(page.registrations), 2)
        rest = self.successResultOf(hub.registrations(RegistrationQuery(tag="a", top=2, after=page.next)))
        self.assertEqual((len(rest.registrations), rest.next), (1, ""))
        self.assertEqual(self.successResultOf(hub.count(None)), {"apns": 3})
        self.assertEqual(self.successResultOf(hub.tags("", 10)), [("a", 3)])

    def test_what_is_not_there(self):
        """It is not known; an id that was not given out is gone."""
        number = self.successResultOf(self.hub.create_registration_id())
        for asked in (
            self.hub.registration(number),
            self.hub.delete_registration("x"),
            self.hub.installation("x"),
            self.hub.details("x"),
            self.hub.job("x"),
        ):
            self.failureResultOf(asked, UnknownResource)
        self.failureResultOf(
            self.hub.put_registration(Registration(platform=Platform.APNS, handle=b"a", id="x")), Gone
        )

    def test_sends(self):
        """Accepted, and not sent; a scheduled one is cancelled once."""
        now = self.successResultOf(self.hub.send(SendRequest(body=b"{}")))
        later = self.successResultOf(self.hub.send(SendRequest(body=b"{}", scheduled_for=9e9)))
        self.assertEqual((now.state, later.state), (SendState.ENQUEUED, SendState.SCHEDULED))
        self.assertEqual([self.successResultOf(self.hub.cancel(later.id)) for _ in range(2)], [True, False])
        self.assertEqual(self.successResultOf(self.hub.details(later.id)).send.state, SendState.CANCELED)

    def test_jobs(self):
        """Begun, and not done."""
        job = self.successResultOf(self.hub.submit_job(JobRequest(type=JobType.EXPORT, output="x")))
        self.assertEqual((self.successResultOf(self.hub.jobs()), job.status), ([job], JobStatus.STARTED))

    def test_faults(self):
        """Every call fails while it is set."""
        self.hub.fault = StoreDown()
        self.failureResultOf(self.hub.jobs(), StoreDown)
