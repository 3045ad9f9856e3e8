"""What the console costs the gateway while pages are open."""

from time import process_time

from pushgate.gateway.outcomes.sampler import OutcomeSampler
from pushgate.model.outcome import State
from pushgate.testing import outcome
from tests.inputs.http.console.test_console import GRANTS, ConsoleCase
from tests.untraced import untraced

RATE = 10_000
SECONDS = 5


class CostTests(ConsoleCase):
    grants = GRANTS

    def opened(self):
        super().opened()
        self.samplers = []
        self.gateway.sampler = self._sampler
        self.metrics = self.context.metrics
        self.gateway.stats = self._stats

    def test_at_ten_thousand_outcomes_a_second(self):
        """
        Less than 3 % of a CPU, though each outcome comes alone: to be offered, added up and sent to two pages.

        The cheapest second counts: another program that takes the caches of this core makes the others dearer.
        """
        self.log_in("desk")
        pages = [self.watch() for _ in range(2)]
        reports = [
            outcome(state, order=order) for order in range(1000) for state in (State.ACCEPTED, State.REJECTED)
        ]
        used = []
        for _ in range(SECONDS):
            for report in reports * (RATE // len(reports)):
                self.metrics.count("pushgate_outcomes_total", "news", report.state, "")
                self.metrics.observe("pushgate_settle_seconds", "news", seconds=0.1)
            with untraced():
                began = process_time()
                for report in reports * (RATE // len(reports)):
                    for sampler in self.samplers:
                        sampler.offer([report])
                self.clock.advance(1.0)
                used.append(process_time() - began)
        for page in pages:
            ticks = [event for kind, event in self.events(page) if kind == "tick"]
            self.assertEqual([each["rates"]["news"] for each in ticks], [RATE] * SECONDS)
            self.assertTrue(all(0 < len(each["latest"]) <= 20 for each in ticks))
        self.assertLess(min(used), 0.03)

    def _sampler(self, limit):
        made = OutcomeSampler(limit, self.samplers.remove)
        self.samplers.append(made)
        return made

    def _stats(self):
        counts = self.metrics.counts["pushgate_outcomes_total"]
        outcomes = {state: counts.get(("news", state, ""), 0) for state in State}
        return {"apps": {"news": {"queue": 1}}, "sinks": {}, "outcomes": {"news": outcomes}}
