"""Jobs: what is imported and exported, what fails, and what a crash changes: nothing."""

from os import utime
from pathlib import Path
from unittest.mock import Mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pushgate.hub.jobs.export_job import one_line
from pushgate.hub.jobs.lines import MAX_LINE
from pushgate.hub.jobs.runner import LEASE, POLL, SWEEP
from pushgate.model.errors import Invalid, ShuttingDown
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.job import JobRequest, JobStatus, JobType
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.model.store_down import StoreDown
from pushgate.protocols.notification_hubs.registration_xml import description, read_entry
from tests.jobs_rig import Gateway

CONNECT = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"


def line(token, tags="", number=""):
    """A registration as an import file has it."""
    identifier = f"<RegistrationId>{number}</RegistrationId>" if number else ""
    return (
        f'<AppleRegistrationDescription xmlns="{CONNECT}">{identifier}<Tags>{tags}</Tags>'
        f"<DeviceToken>{token}</DeviceToken></AppleRegistrationDescription>"
    )


class JobTestCase(SynchronousTestCase):
    """One gateway, and a container."""

    def setUp(self):
        self.gateway = Gateway(Clock(), Path(self.mktemp()).absolute())
        self.addCleanup(lambda: self.gateway.killed())
        self.container = self.gateway.containers.make()

    def write(self, name, data):
        """Put a file into the container; return its address."""
        data = data if isinstance(data, bytes) else data.encode()
        self.gateway.containers.path(self.container, name).write_bytes(data)
        return self.gateway.address(self.container, name)

    def submit(self, kind, source=""):
        """Begin a job; return its id."""
        request = JobRequest(type=kind, output=self.gateway.address(self.container), input=source)
        return self.successResultOf(self.submitted(request)).id

    def submitted(self, request):

        return ensureDeferred(self.gateway.runner.submit(request))

    def job(self, number):

        return self.successResultOf(ensureDeferred(self.gateway.runner.job(number)))

    def run_job(self, kind, source=""):
        """Do a job; return it as it has ended."""
        number = self.submit(kind, source)
        self.gateway.clock.advance(0)
        return self.job(number)

    def read(self, path):
        """A file that a job has written."""
        return self.gateway.containers.path(self.container, path.lstrip("/")).read_text()


class ImportTests(JobTestCase):
    """Files become registrations."""

    def test_creating(self):
        """Each line is one; results name the line, and what failed names why, and no handle."""
        lines = [line("aabb", "a,b"), "", line("xyz"), line("ccdd"), "<no", line("ee", "refuse")]
        job = self.run_job(JobType.CREATE, self.write("in.xml", "\ufeff" + "\r\n".join(lines)))
        self.assertEqual((job.status, job.progress, job.failure), (JobStatus.COMPLETED, 100.0, ""))
        self.assertEqual(job.output_file, f"/main/{job.id}/Output.txt")
        self.assertEqual(self.read(job.output_file), "1,1-1-1\n4,2-1-1\n")
        failed = self.read(job.failed_file).splitlines()
        self.assertEqual([each.partition(",")[0] for each in failed], ["3", "5", "6"])
        self.assertIn("DeviceToken: text of 3 characters; an even number of hex digits", failed[0])
        self.assertNotIn("xyz", "".join(failed))
        self.assertEqual(
            [each.handle for each in self.gateway.registrar.kept.values()], [b"\xaa\xbb", b"\xcc\xdd"]
        )
        self.assertEqual(self.gateway.registrar.calls, [(JobType.CREATE, 2)])

    def test_updating_deleting_upserting(self):
        """By the id in the line; one that is not there fails, but for an upsert."""
        self.run_job(JobType.CREATE, self.write("in", line("aa") + "\n" + line("bb")))
        kept = self.gateway.registrar.kept
        update = self.write("update", line("cc", number="1-1-1") + "\n" + line("dd", number="9-9-9"))
        job = self.run_job(JobType.UPDATE, update)
        self.assertEqual(kept["1-1-1"].handle, b"\xcc")
        self.assertEqual(self.read(job.failed_file), '2,"registration: not known, or deleted"\n')
        self.run_job(JobType.UPSERT, self.write("upsert", line("ee", number="8-8-8")))
        self.assertEqual(kept["8-8-8"].handle, b"\xee")
        self.run_job(JobType.DELETE, self.write("delete", line("cc", number="1-1-1")))
        self.assertEqual(sorted(kept), ["2-1-1", "8-8-8"])

    def test_empty_files(self):
        """They are done at once, with results that are empty."""
        job = self.run_job(JobType.CREATE, self.write("in", ""))
        self.assertEqual(job.status, JobStatus.COMPLETED)
        self.assertEqual((self.read(job.output_file), self.read(job.failed_file)), ("", ""))

    def test_lines_that_are_too_long(self):
        """They fail, however long, and the lines around them do not; memory stays bounded."""
        long = "x" * (3 * MAX_LINE)
        job = self.run_job(JobType.CREATE, self.write("in", "\n".join([line("aa"), long, line("bb"), long])))
        self.assertEqual(self.read(job.output_file), "1,1-1-1\n3,2-1-1\n")
        self.assertEqual(
            self.read(job.failed_file).splitlines()[0],
            f"2,line: {3 * MAX_LINE + 1} bytes; at most {MAX_LINE}",
        )

    def test_many_lines(self):
        """Several steps, whose progress is kept."""
        seen = []
        apply = self.gateway.registrar.apply

        def watch(session, kind, registration):
            [(document,)] = session.execute("SELECT document FROM job")
            seen.append(document)
            return apply(session, kind, registration)

        self.gateway.registrar.apply = watch
        job = self.run_job(JobType.CREATE, self.write("in", "\n".join(line(f"{n:04x}") for n in range(1234))))
        self.assertEqual(len(self.read(job.output_file).splitlines()), 1234)
        self.assertEqual(len(set(seen)), 3)
        self.assertEqual(job.progress, 100.0)

    def test_a_file_that_goes_away(self):
        """The job fails and says why, without the path."""
        source = self.write("in", line("aa"))
        number = self.submit(JobType.CREATE, source)
        self.gateway.containers.path(self.container, "in").unlink()
        self.gateway.clock.advance(0)
        job = self.job(number)
        self.assertEqual((job.status, job.failure), (JobStatus.FAILED, "No such file or directory"))


class ExportTests(JobTestCase):
    """Registrations become a file, which can be imported."""

    def test_there_and_back(self):
        """A line each, whatever stands in templates; what is imported is what was exported."""
        template = Template(body='{"a":"$(b)\n]]>\r\n"}', name="t", headers={"apns-topic": "x\ny"})
        kept = {
            f"{number:04}-1-1": Registration(
                platform=Platform.APNS, handle=b"%04d" % number, template=template, id=f"{number:04}-1-1"
            )
            for number in range(2345)
        }
        self.gateway.registrar.kept = dict(kept)
        job = self.run_job(JobType.EXPORT)
        self.assertEqual((job.status, job.progress, job.failed_file), (JobStatus.COMPLETED, 100.0, ""))
        text = self.read(job.output_file)
        self.assertEqual(text.count("\n"), 2345)
        found = [read_entry(each.encode()) for each in text.splitlines()]
        self.assertEqual([each.id for each in found], list(kept))
        self.assertEqual(found[7].template, template)

    def test_nothing_to_export(self):
        """An empty file is a whole one."""
        job = self.run_job(JobType.EXPORT)
        self.assertEqual((job.status, self.read(job.output_file)), (JobStatus.COMPLETED, ""))


class SubmissionTests(JobTestCase):
    """What is refused at once, and what is kept."""

    def refusal(self, **fields):
        request = JobRequest(**({"type": JobType.CREATE, "output": "", "input": ""} | fields))
        return str(self.failureResultOf(self.submitted(request), Invalid).value)

    def test_addresses_are_checked(self):
        """Of this hub, signed, good for long enough, permitting what is needed, and of a file that is there."""
        good, source = self.gateway.address(self.container), self.write("in", line("aa"))
        for output in (
            "", "https://example.com/c?sig=1", self.gateway.address("f" * 32),
            self.gateway.address(self.container, hub="other"), self.gateway.address(self.container, life=-1.0),
            self.gateway.address(self.container, grant="rl"), f"{good}0",
            self.gateway.address(self.container, "file"),
        ):  # fmt: skip
            self.assertIn("OutputContainerUri: ", self.refusal(output=output, input=source))
        for name in ("", "none", "../x"):
            text = self.refusal(output=good, input=self.gateway.address(self.container, name))
            self.assertIn("ImportFileUri: ", text)
        self.assertEqual(self.gateway.registrar.kept, {})

    def test_jobs_are_listed(self):
        """The latest first; one that is not known is said to be."""
        first = self.run_job(JobType.EXPORT)
        self.gateway.clock.advance(1)
        second = self.run_job(JobType.EXPORT)

        listed = self.successResultOf(ensureDeferred(self.gateway.runner.jobs()))
        self.assertEqual([each.id for each in listed], [second.id, first.id])
        self.failureResultOf(ensureDeferred(self.gateway.runner.job("none")), UnknownResource)

    def test_jobs_are_forgotten(self):
        """Those that ended, after their time."""
        old = self.run_job(JobType.EXPORT).id
        self.gateway.clock.advance(86401)
        self.run_job(JobType.EXPORT)

        self.failureResultOf(ensureDeferred(self.gateway.runner.job(old)), UnknownResource)

    def test_the_end(self):
        """A gateway that stops takes none; what it has, another one may have at once."""

        number = self.submit(JobType.CREATE, self.write("in", line("aa")))
        self.successResultOf(ensureDeferred(self.gateway.runner.stop()))
        request = JobRequest(type=JobType.EXPORT, output=self.gateway.address(self.container))
        self.failureResultOf(self.submitted(request), ShuttingDown)
        self.gateway.clock.advance(1)
        self.assertEqual(self.job(number).status, JobStatus.STARTED)
        self.gateway = self.gateway.restarted("b")
        self.gateway.clock.advance(POLL)
        self.assertEqual(self.job(number).status, JobStatus.COMPLETED)


class CrashTests(JobTestCase):
    """A job that is interrupted anywhere goes on where it was."""

    def interrupt(self, at):
        """Have the transaction with this number not be committed, and all further ones be refused."""
        left = [at]

        def count():
            left[0] -= 1
            if left[0] < 0:
                self.gateway.database.down = True
                raise StoreDown

        self.gateway.database.before_commit = count

    def test_the_database_goes_away(self):
        """The job waits, and goes on by itself: nothing is done twice, and nothing is missing."""
        lines = "\n".join(line(f"{number:04x}") for number in range(1200))
        source = self.write("in", lines)
        number = self.submit(JobType.CREATE, source)
        for at in (0, 1, 2, 1, 3, 1):
            self.interrupt(at)
            self.gateway.clock.advance(POLL)
            self.gateway.database.down = False
            self.gateway.database.before_commit = lambda: None
        self.gateway.clock.advance(POLL)
        job = self.job(number)
        self.assertEqual(job.status, JobStatus.COMPLETED)
        numbers = [each.partition(",")[0] for each in self.read(job.output_file).splitlines()]
        self.assertEqual(numbers, [str(each) for each in range(1, 1201)])
        self.assertEqual(len(self.gateway.registrar.kept), 1200)

    def test_the_files_lag_behind(self):
        """What was committed and not yet written is written by the next program; what is too much goes."""
        source = self.write("in", "\n".join(line(f"{number:04x}") for number in range(700)))
        number = self.submit(JobType.CREATE, source)
        runner = self.gateway.runner
        writing = runner._in_thread

        calls = []

        def fails_at_the_second_step(what, *arguments):
            calls.append(what.__name__)
            if calls.count("write_at") == 3:
                return fail(StoreDown())  # as good as a crash: nothing follows in this program
            return writing(what, *arguments)

        runner._in_thread = fails_at_the_second_step
        self.gateway.clock.advance(0)
        self.assertEqual(self.job(number).status, JobStatus.RUNNING)
        output = self.gateway.containers.path(self.container, f"main/{number}/Output.txt")
        output.write_text("1,what a crash left\n" * 3)
        self.gateway = self.gateway.restarted()
        self.gateway.clock.advance(POLL)
        job = self.job(number)
        self.assertEqual(job.status, JobStatus.COMPLETED)
        found = self.read(job.output_file).splitlines()
        self.assertEqual([each.partition(",")[0] for each in found], [str(each) for each in range(1, 701)])
        self.assertEqual(len(self.gateway.registrar.kept), 700)

    def test_another_gateway_takes_over(self):
        """Once the lease has run out, and not before."""
        number = self.submit(JobType.CREATE, self.write("in", line("aa")))
        runner = self.gateway.runner

        stuck = Deferred()
        runner._in_thread = lambda *_: stuck
        self.gateway.clock.advance(0)
        first, self.gateway = self.gateway, self.gateway.restarted("b")
        self.gateway.clock.advance(LEASE - POLL)
        self.assertEqual(self.job(number).status, JobStatus.RUNNING)
        for _ in range(5):
            self.gateway.clock.advance(POLL)
        self.assertEqual(self.job(number).status, JobStatus.COMPLETED)
        first.runner._stopping = False
        first.runner._in_thread = self.gateway.runner._in_thread
        stuck.callback(None)  # it comes back, and finds out
        self.assertEqual(self.job(number).status, JobStatus.COMPLETED)
        self.assertEqual(len(self.gateway.registrar.kept), 1)
        first.killed()

    def aged(self, name, *files):
        """Make what a container has, and itself, look as if nothing was written since a job is forgotten."""
        directory = self.gateway.directory / "main" / name
        for path in (*(directory / each for each in files), directory):
            utime(path, (self.gateway.context.wall() - 86401,) * 2)
        return name

    def test_old_containers_go(self):
        """Within the hour: those that no job names, and in which nothing was written lately."""
        self.gateway.clock.advance(POLL)
        containers = self.gateway.containers
        old, fresh, written, named = (containers.make() for _ in range(4))
        containers.path(written, "a").touch()
        for each in (self.container, old, written):
            self.aged(each)
        request = JobRequest(type=JobType.EXPORT, output=self.gateway.address(named))
        number = self.successResultOf(self.submitted(request)).id
        self.gateway.clock.advance(0)
        self.aged(named, f"main/{number}/Output.txt", f"main/{number}", "main")
        self.gateway.clock.advance(SWEEP - 2 * POLL)
        self.assertTrue((self.gateway.directory / "main" / old).exists())
        self.gateway.clock.advance(POLL)
        self.gateway.clock.advance(POLL)
        left = {each.name for each in (self.gateway.directory / "main").iterdir() if each.is_dir()}
        self.assertEqual(left, {fresh, written, named})

    def test_containers_that_cannot_be_removed(self):
        """The log says so, and jobs go on."""
        self.gateway.containers.remove_old = Mock(side_effect=PermissionError(13, "Permission denied"))
        with capturedLogs() as events:
            self.gateway.clock.advance(POLL)
        self.assertIn("Permission denied", " ".join(formatEvent(each) for each in events))
        number = self.submit(JobType.EXPORT)
        self.gateway.clock.advance(0)
        self.assertEqual(self.job(number).status, JobStatus.COMPLETED)

    def test_an_export_goes_on(self):
        """The file has each registration once."""
        self.gateway.registrar.kept = {
            f"{number:05}": Registration(platform=Platform.ADM, handle=b"a", id=f"{number:05}")
            for number in range(2500)
        }
        number = self.submit(JobType.EXPORT)
        self.interrupt(4)
        self.gateway.clock.advance(0)
        self.gateway.database.down, self.gateway.database.before_commit = False, lambda: None
        self.gateway = self.gateway.restarted()
        self.gateway.clock.advance(POLL)
        job = self.job(number)
        self.assertEqual(job.status, JobStatus.COMPLETED)
        found = [read_entry(each.encode()).id for each in self.read(job.output_file).splitlines()]
        self.assertEqual(found, list(self.gateway.registrar.kept))

    def test_a_bug_is_logged_once(self):
        """The job fails, rather than the program, and says where the reason is."""
        self.gateway.registrar.total = lambda session: 1 / 0
        number = self.submit(JobType.EXPORT)
        self.gateway.clock.advance(0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        job = self.job(number)
        self.assertEqual(
            (job.status, job.failure), (JobStatus.FAILED, "the gateway failed; its log says why")
        )


@given(st.text(), st.text())
@settings(max_examples=50)
def test_any_template_is_one_line(body, header):
    """Line ends become references, in sections without references too; what is read is the same."""
    template = Template(body=f"a{body}a", headers={"apns-topic": f"a{header}a"})
    registration = Registration(platform=Platform.APNS, handle=b"a", template=template)
    before = description(registration)
    after = one_line(before)
    assert "\n" not in after
    assert "\r" not in after
    read = read_entry(after.encode()).template
    assert read.body == template.body.translate(UNWRITABLE)
    assert read.headers["apns-topic"] == template.headers["apns-topic"].translate(UNWRITABLE)


UNWRITABLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 65534, 65535], "�")
"""What XML has no way to write."""
