"""Jobs over REST."""

from msgspec.structs import replace

from pushgate.model.hub.job import JobRequest, JobStatus, JobType
from tests.hub_input_rig import HubInputTestCase

NAMESPACE = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"


def job(kind="ImportCreateRegistrations", output="https://h/o?a&amp;b", source="https://h/i"):
    """The request for a job."""
    return (
        '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml">'
        f'<NotificationHubJob xmlns="{NAMESPACE}"><Type>{kind}</Type>'
        f"<OutputContainerUri>{output}</OutputContainerUri><ImportFileUri>{source}</ImportFileUri>"
        "</NotificationHubJob></content></entry>"
    ).encode()


class JobTests(HubInputTestCase):
    """POST and GET of jobs."""

    def test_the_life_of_a_job(self):
        """It is begun, and read with its progress; its address is absolute."""
        begun = self.ask("POST", "/main/jobs?api-version=2020-06", job())
        [number] = self.hub.all_jobs
        self.assertEqual(begun.status, 201)
        location = f"https://localhost/main/jobs/{number}?api-version=2020-06"
        self.assertEqual(begun.headers["location"], location)
        request = JobRequest(type=JobType.CREATE, output="https://h/o?a&b", input="https://h/i")
        self.assertEqual(self.hub.all_jobs[number].request, request)
        self.hub.all_jobs[number] = replace(
            self.hub.all_jobs[number], status=JobStatus.RUNNING, progress=12.5
        )
        read = self.ask("GET", f"/main/jobs/{number}")
        self.assertEqual(read.status, 200)
        self.assertIn(b"<Progress>12.5</Progress>", read.body)
        self.assertIn(b"<Status>Running</Status>", read.body)

    def test_lists(self):
        """A feed, without entries when there are no jobs."""
        self.assertNotIn(b"<entry>", self.ask("GET", "/main/jobs").body)
        for _ in range(3):
            self.ask("POST", "/main/jobs", job("ExportRegistrations", source=""))
        listed = self.ask("GET", "/main/jobs/")
        self.assertEqual(listed.body.count(b"<entry>"), 3)
        self.assertTrue(listed.headers["content-type"].startswith("application/atom+xml;type=feed"))

    def test_what_is_refused(self):
        """A job that is none, one that is not known, and rules that may not manage."""
        self.assertIn("Type: ", self.refusal(self.ask("POST", "/main/jobs", job("Other")), 400))
        self.assertIn("ImportFileUri: ", self.refusal(self.ask("POST", "/main/jobs", job(source="")), 400))
        bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><entry>&b;</entry>'
        self.assertIn("document type", self.refusal(self.ask("POST", "/main/jobs", bomb), 400))
        self.refusal(self.ask("GET", "/main/jobs/none"), 404)
        for rule in ("Send", "Listen"):
            for method in ("GET", "POST"):
                answer = self.ask(method, "/main/jobs", authorization=self.signature(rule))
                self.refusal(answer, 401)
        self.assertEqual(self.hub.all_jobs, {})
