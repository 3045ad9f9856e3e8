"""The findings of `pushgate doctor` about the running gateway."""

from typing import Any

from msgspec.structs import asdict

from pushgate.inputs.http.console.visit import Visit
from pushgate.model.gateway_stats import gateway_stats
from pushgate.model.health.judgement import Judged, judge
from pushgate.net.http.responses import HTTPResponse, json_answer


def findings(visit: Visit) -> HTTPResponse:
    """Return the findings about the apps that the caller may read, and about the gateway as a whole."""
    stats = gateway_stats(visit.visitor.session.stats())
    found = judge(stats, stats.versions, visit.parts.context.wall())
    return json_answer(200, {"findings": [_document(each) for each in found]})


def _document(judged: Judged) -> dict[str, Any]:
    return {"part": judged.part, **asdict(judged.finding)}
