"""Running the checks of plug-ins."""

from collections.abc import AsyncIterator

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.finding import Finding, Level, ok
from pushgate.plugin.checks import guarded, without_checks
from pushgate.plugin.examination import Examination
from pushgate.testing import context

FIRST = ok("first", "well")


class GuardedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.examination = Examination(context=context(self.clock), timeout=1.0)

    def start(self, findings: AsyncIterator[Finding]) -> "Deferred[list[Finding]]":
        async def everything() -> list[Finding]:
            return [each async for each in guarded(findings, self.examination)]

        return Deferred.fromCoroutine(everything())

    def test_findings_are_passed_on(self) -> None:
        """What goes well is passed on in its order."""
        found = self.successResultOf(self.start(without_checks('sink "pigeon"')))
        self.assertEqual(found, [ok("no-checks", 'sink "pigeon" has no checks of its own')])

    def test_an_exception_becomes_a_finding(self) -> None:
        """What was found before an exception stays; the exception is named, but its text, which may be secret, is not."""

        async def checks() -> AsyncIterator[Finding]:
            yield FIRST
            raise KeyError("the secret")

        first, last = self.successResultOf(self.start(checks()))
        self.assertEqual((first, last.level, last.check), (FIRST, Level.FAILURE, "check-failed"))
        self.assertRegex(last.what, r"^the check itself failed: KeyError in plugin/test_checks.py, line \d+$")

    def test_checks_that_do_not_end(self) -> None:
        """Checks that hang are given up after six times the time of one step, and cancelled."""
        hanging: Deferred[None] = Deferred()

        async def checks() -> AsyncIterator[Finding]:
            yield FIRST
            await hanging

        found = self.start(checks())
        self.clock.advance(5.9)
        self.assertNoResult(found)
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(found)[1].what, "the check itself failed: no end after 6 s")
        self.assertTrue(hanging.called)

    def test_a_cancelled_examination_ends(self) -> None:
        """A cancellation, such as Ctrl-C, is no finding: it ends everything."""
        hanging: Deferred[None] = Deferred()

        async def checks() -> AsyncIterator[Finding]:
            await hanging
            yield FIRST

        found = self.start(checks())
        found.cancel()
        self.failureResultOf(found)
