"""What reports say of MDM pushes."""

from collections.abc import Iterator, Sequence
from typing import Final

from pushgate.mdm.enrolments import PushOutcome
from pushgate.model.outcome import Outcome, Report
from pushgate.protocols.mdm_push import MDM

INPUT_NAME: Final = "mdm"
"""What the gateway calls the schedule, as the input of its pushes and as a sink."""


def push_outcomes(reports: Sequence[Report]) -> Iterator[PushOutcome]:
    """The outcomes of MDM pushes among reports, those of callers included."""
    for report in reports:
        if not isinstance(report, Outcome) or report.span.batch.terms.push_type != MDM:
            continue
        batch = report.span.batch
        for number, token in enumerate(report.span.tokens(), batch.id + report.span.start):
            yield PushOutcome(
                number, batch.app, token, batch.accepted_at, batch.origin == INPUT_NAME,
                report.state, report.status, report.reason, report.at,
            )  # fmt: skip
