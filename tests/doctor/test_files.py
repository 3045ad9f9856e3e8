"""What the doctor says of each broken file; the table stands in docs/doctor.md."""

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.finding import Finding, Level
from pushgate.plugin.factories import UpstreamFactory
from tests.doctor_rig import amiss, documented, examination, examine, told_apart
from tests.doctor_samples import Samples


class SampleTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(parents=True)
        self.samples = Samples(directory)

    def findings(self, factory: UpstreamFactory, **keys: object) -> list[Finding]:
        examined = examine(factory, examination(offline=True), **keys)
        found: list[Finding] = self.successResultOf(Deferred.fromCoroutine(examined))
        return found

    def test_every_sample(self) -> None:
        """Each file that is not as it should be fails the checks that the page lists, which no other one does.

        No secret is shown, and whatever is not ok says what it means and what to do.
        """
        found, shown = {}, []
        for what, make in self.samples.all().items():
            factory, keys = make()
            findings = self.findings(factory, **keys)
            found[what], shown = amiss(findings), [*shown, *findings]
        self.assertEqual(found, documented("Files"))
        self.assertTrue(told_apart(found))
        text = "\n".join(str(each) for each in shown)
        self.assertGreater(len(self.samples.secrets), 20)
        self.assertEqual([secret for secret in self.samples.secrets if secret in text], [])
        for each in shown:
            self.assertEqual(bool(each.meaning and each.advice), each.level is not Level.OK, each)

    def test_a_file_that_may_not_be_read(self) -> None:
        """It is told from one that is not there: the user is named by the command, the remedy by the finding."""

        def forbidden(_: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        factory, keys = self.samples.all()["all is well"]()
        self.patch(Path, "read_bytes", forbidden)
        [found] = [each for each in self.findings(factory, **keys) if each.level is Level.FAILURE]
        self.assertEqual(found.check, "file-permission")

    def test_the_content_is_shown(self) -> None:
        """Of a certificate and of a request one sees what openssl would show, and of a key its id."""
        factory, keys = self.samples.all()["all is well"]()
        [found] = [each for each in self.findings(factory, **keys) if each.check == "certificate"]
        self.assertIn("subject=CN=com.example.news,UID=com.example.news", found.details)
        self.assertIn("key=EC, secp256r1", found.details)
        self.assertTrue(any(line.startswith("notAfter=") for line in found.details))
        factory, keys = self.samples.all()["a request (CSR) in its place"]()
        [found, *_] = self.findings(factory, **keys)
        self.assertEqual(found.details[0], "Certificate Request:")
        self.assertEqual(found.details[2], "key=EC, secp256r1")

    def test_days_left(self) -> None:
        """The days that a certificate has left are said, to a tenth when there are few."""
        factory, keys = self.samples.all()["ends in less than 30 days"]()
        [found] = [each for each in self.findings(factory, **keys) if each.level is Level.WARNING]
        self.assertRegex(found.what, r"expires in (5\.9|6\.0) days, at \d{4}-\d\d-\d\d \d\d:\d\d UTC")
