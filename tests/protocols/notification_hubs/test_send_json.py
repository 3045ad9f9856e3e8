"""Sends as JSON."""

import pytest

from pushgate.model.errors import Invalid
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.job import Job, JobRequest, JobStatus, JobType
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import (
    DeviceResult,
    Send,
    SendDetails,
    SendRequest,
    SendState,
    SendTestOutcome,
)
from pushgate.protocols.notification_hubs.send_json import (
    details_document,
    error_document,
    job_document,
    read_headers,
    results_document,
    send_document,
)


def test_headers():
    """Those for push services go on, in any case of letters."""
    assert read_headers(None) == {}
    assert read_headers('{"X-WNS-Type": "wns/raw", "apns-priority": "5"}') == {
        "x-wns-type": "wns/raw",
        "apns-priority": "5",
    }
    expiry = read_headers('{"ServiceBusNotification-Apns-Expiry": "2026-11-29T18:30:00Z"}')
    assert expiry == {"apns-expiration": "1795977000"}


@pytest.mark.parametrize("text", ["", "[]", '{"x-wns-type": 1}', '{"accept": "secret"}', "[" * 100_000])
def test_bad_headers(text):
    """What is no object of texts, or would have no effect, is refused; no value comes out."""
    with pytest.raises(Invalid, match=r"^headers: ") as caught:
        read_headers(text)
    assert "secret" not in str(caught.value)


def test_documents():
    """They say what was sent to whom, and what became of it, by names."""
    request = SendRequest(body=b"secret", platform=Platform.WNS, expression="a", scheduled_for=2.0)
    send = Send(id="1", request=request, state=SendState.COMPLETED, at=1.0, started_at=2.0, ended_at=3.0)
    expected = {
        "id": "1", "state": "Completed", "format": "windows", "expression": "a", "at": 1.0,
        "scheduled_for": 2.0, "started_at": 2.0, "ended_at": 3.0,
    }  # fmt: skip
    assert send_document(send) == expected
    details = SendDetails(send=send, outcomes={Platform.WNS: {"Success": 2}}, has_errors=True)
    assert details_document(details) == {
        **expected,
        "outcomes": {"wns": {"Success": 2}},
        "has_errors": True,
    }
    by_template = Send(id="2", request=SendRequest(body=b"{}"), state=SendState.ENQUEUED, at=1.0)
    assert send_document(by_template)["format"] == "template"
    result = DeviceResult(
        platform=Platform.APNS, handle="AA", registration_id="7", outcome="Success", succeeded=True
    )
    assert results_document(SendTestOutcome(id="1", results=(result,))) == [
        {"platform": "apns", "handle": "AA", "registration": "7", "outcome": "Success", "succeeded": True}
    ]


def test_errors_and_jobs():
    """An error names the device as its push service does; a job says how far it is, and not by which addresses."""
    entry = PnsFeedback(
        position=1, at=5.0, platform=Platform.APNS, handle=b"\xaa", name="BadChannel", registration_id="7"
    )
    assert error_document(entry) == {
        "at": 5.0, "platform": "apns", "handle": "AA", "registration": "7", "installation": "",
        "outcome": "BadChannel",
    }  # fmt: skip
    request = JobRequest(type=JobType.EXPORT, output="https://signed")
    job = Job(
        id="1", request=request, status=JobStatus.FAILED, created_at=1.0, updated_at=2.0, failure="full"
    )
    assert job_document(job) == {
        "id": "1", "type": "ExportRegistrations", "status": "Failed", "progress": 0.0, "failure": "full",
        "created_at": 1.0, "updated_at": 2.0,
    }  # fmt: skip
