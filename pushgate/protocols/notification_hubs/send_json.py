"""Sends as JSON: their headers on the way in; their state, outcomes and errors on the way out. Jobs too."""

from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.job import Job
from pushgate.model.hub.send import Send, SendDetails, SendTestOutcome
from pushgate.protocols.notification_hubs.handles import write_handle
from pushgate.protocols.notification_hubs.platform_names import TARGET_NAMES, TEMPLATE
from pushgate.protocols.notification_hubs.send_headers import APNS_EXPIRY, PASSED_ON, passed_on

Document = dict[str, Any]
"""A JSON object."""
_RULE: Final = "a JSON object of texts"
_ALONE: Final = frozenset(name.lower() for name in APNS_EXPIRY)
_decode: Final = msgspec.json.Decoder(dict[str, str]).decode


def read_headers(text: str | None) -> dict[str, str]:
    """The headers of a send that go on to the push service, from a JSON object.

    :raises Invalid: it is none, or has one that does not go on: it would have no effect.
    :raises TooLarge: of one of them.
    """
    if text is None:
        return {}
    try:
        found = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("headers", f"text of {len(text)} characters", _RULE) from None
    return checked_headers(found)


def checked_headers(found: dict[str, str]) -> dict[str, str]:
    """As `read_headers`, of an object that was decoded."""
    headers = {name.lower(): value for name, value in found.items()}
    for name in headers:
        if not name.startswith(PASSED_ON) and name not in _ALONE:
            begins = ", ".join(PASSED_ON)
            raise Invalid("headers", f"a name of {len(name)} characters", f"names that begin with {begins}")
    return passed_on(headers)


def send_document(send: Send) -> Document:
    """A send, without what is sent."""
    request = send.request
    return {
        "id": send.id,
        "state": send.state.value,
        "format": TEMPLATE if request.platform is None else TARGET_NAMES[request.platform],
        "expression": request.expression,
        "at": send.at,
        "scheduled_for": request.scheduled_for,
        "started_at": send.started_at,
        "ended_at": send.ended_at,
    }


def details_document(details: SendDetails) -> Document:
    """A send with its outcomes, by platform and by their names."""
    outcomes = {platform.value: dict(counts) for platform, counts in details.outcomes.items()}
    return {**send_document(details.send), "outcomes": outcomes, "has_errors": details.has_errors}


def results_document(tested: SendTestOutcome) -> list[Document]:
    """What became of each notification of a test send."""
    return [
        {
            "platform": each.platform.value,
            "handle": each.handle,
            "registration": each.registration_id,
            "outcome": each.outcome,
            "succeeded": each.succeeded,
        }
        for each in tested.results
    ]


def error_document(entry: PnsFeedback) -> Document:
    """What a push service said against one device."""
    return {
        "at": entry.at,
        "platform": entry.platform.value,
        "handle": write_handle(entry.platform, entry.handle),
        "registration": entry.registration_id,
        "installation": entry.installation_id,
        "outcome": entry.name,
    }


def job_document(job: Job) -> Document:
    """How far a job is."""
    return {
        "id": job.id,
        "type": job.request.type.value,
        "status": job.status.value,
        "progress": job.progress,
        "failure": job.failure,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }
