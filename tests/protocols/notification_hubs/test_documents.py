"""The documents that answers have: telemetry, test sends, feedback, jobs, lists of files."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from pushgate.protocols.notification_hubs.container_xml import Blob, listing
from pushgate.protocols.notification_hubs.feedback_xml import line
from pushgate.protocols.notification_hubs.job_xml import entry, feed, read_job
from pushgate.protocols.notification_hubs.outcome_xml import outcome
from pushgate.protocols.notification_hubs.telemetry_xml import details

CONNECT = "{http://schemas.microsoft.com/netservices/2010/10/servicebus/connect}"


def send(**changes):
    """A send that has ended."""
    request = SendRequest(body=b'{"a":"<&"}', platform=Platform.APNS, expression="a && b")
    fields = {"id": "7", "request": request, "state": SendState.COMPLETED, "at": 1.5} | changes
    return Send(**fields)


def test_telemetry():
    """The elements in their order, without prefixes; of counts only those that there are."""
    found = SendDetails(
        send=send(started_at=2.0, ended_at=3.0),
        outcomes={
            Platform.XIAOMI: {"Success": 2},
            Platform.APNS: {"Success": 3, "BadChannel": 1, "Skipped": 0},
            Platform.GCM: {},
        },
        has_errors=True,
    )
    assert details(found, "https://h/m/7?a&b", "https://h/e").decode() == (
        '<NotificationDetails xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"'
        ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        "<NotificationId>7</NotificationId><Location>https://h/m/7?a&amp;b</Location><State>Completed</State>"
        "<EnqueueTime>1970-01-01T00:00:01.500Z</EnqueueTime><StartTime>1970-01-01T00:00:02.000Z</StartTime>"
        "<EndTime>1970-01-01T00:00:03.000Z</EndTime>"
        "<NotificationBody>{&quot;a&quot;:&quot;&lt;&amp;&quot;}</NotificationBody><Tags>a &amp;&amp; b</Tags>"
        "<TargetPlatforms>apple</TargetPlatforms>"
        "<ApnsOutcomeCounts><Outcome><Name>BadChannel</Name><Count>1</Count></Outcome>"
        "<Outcome><Name>Success</Name><Count>3</Count></Outcome></ApnsOutcomeCounts>"
        "<PnsErrorDetailsUri>https://h/e</PnsErrorDetailsUri>"
        "<XiaomiOutcomeCounts><Outcome><Name>Success</Name><Count>2</Count></Outcome></XiaomiOutcomeCounts>"
        "</NotificationDetails>"
    )


def test_telemetry_of_templates():
    """Targets are named once they are known; a time that has not come is left out."""
    request = SendRequest(body=b"\xff")
    early = details(SendDetails(send=send(request=request, state=SendState.SCHEDULED)), "https://h", "")
    assert b"<TargetPlatforms>template</TargetPlatforms></NotificationDetails>" in early
    assert b"StartTime" not in early
    assert b"Tags" not in early
    counts = {Platform.WNS: {"Success": 1}, Platform.FCMV1: {"Success": 1}}
    later = details(SendDetails(send=send(request=request), outcomes=counts), "https://h", "")
    assert b"<TargetPlatforms>template,windowstemplate,fcmv1template<" in later
    assert b"<FcmV1OutcomeCounts>" in later


def test_test_sends():
    """Success, failure and each device, all present even when empty."""
    results = (
        DeviceResult(
            platform=Platform.APNS, handle="AA", registration_id="", outcome="Success", succeeded=True
        ),
        DeviceResult(
            platform=Platform.MPNS, handle="http://<", registration_id="1", outcome="bad", succeeded=False
        ),
    )
    tree = ElementTree.fromstring(outcome(SendTestOutcome(id="1", results=results)))
    assert [tree.findtext(f"{CONNECT}{name}") for name in ("Success", "Failure")] == ["1", "1"]
    first, second = tree.iter(f"{CONNECT}RegistrationResult")
    assert [each.text or "" for each in first] == ["apple", "AA", "", "Success"]
    assert [each.text for each in second] == ["windowsphone", "http://<", "1", "bad"]
    assert b"<Results></Results>" in outcome(SendTestOutcome(id="1", results=()))


def test_feedback():
    """A document a line, with what is known."""
    entry_ = PnsFeedback(
        position=1, at=0.0, platform=Platform.GCM, handle=b"a\nb", name="ExpiredChannel", new_handle=b"c<"
    )
    assert line(entry_).decode() == (
        '<PnsFeedback xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"'
        ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        "<FeedbackTime>1970-01-01T00:00:00.000Z</FeedbackTime>"
        "<NotificationSystemError>ExpiredChannel</NotificationSystemError><Platform>gcm</Platform>"
        "<PnsHandle>a&#10;b</PnsHandle><NewPnsHandle>c&lt;</NewPnsHandle></PnsFeedback>\n"
    )


REQUEST = JobRequest(type=JobType.CREATE, output="https://h/o?a=1&b=2", input="https://h/i?<")


def job(**changes):
    """A job that was begun."""
    fields = {
        "id": "j",
        "request": REQUEST,
        "status": JobStatus.STARTED,
        "created_at": 0.0,
        "updated_at": 1.0,
    }
    return Job(**(fields | changes))


def javascript(kind, output, source):
    """The request that npm's package makes."""
    source = f"<ImportFileUri><![CDATA[{source}]]></ImportFileUri>" if source else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><entry xmlns="http://www.w3.org/2005/Atom">'
        '<updated>2026-11-27T23:16:09.333Z</updated><content type="application/xml"><NotificationHubJob'
        ' xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"'
        ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"<Type>{kind}</Type><OutputContainerUri><![CDATA[{output}]]></OutputContainerUri>{source}"
        "</NotificationHubJob></content></entry>"
    ).encode()


def test_requests_for_jobs():
    """By name or by number; as an entry, or the description alone, as an answer has it."""
    for kind in ("ImportCreateRegistrations", "importcreateregistrations", "1"):
        assert read_job(javascript(kind, REQUEST.output, REQUEST.input)) == REQUEST
    export = JobRequest(type=JobType.EXPORT, output="https://h/o")
    assert read_job(javascript("ExportRegistrations", "https://h/o", "")) == export
    assert read_job(entry(job(), "https://h/jobs/j")) == REQUEST
    alone = b"<NotificationHubJob><Type>0</Type><OutputContainerUri>https://h/o</OutputContainerUri></NotificationHubJob>"
    assert read_job(alone) == export


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (b"<entry/>", "content"),
        (b"<entry><content><a/></content></entry>", "content"),
        (b"<a/>", "content"),
        (b"no", "body"),
        (javascript("Other", "https://h/o", ""), "Type"),
        (javascript("0", "", ""), "OutputContainerUri"),
        (javascript("1", "https://h/o", ""), "ImportFileUri"),
        (javascript("1", "https://h/o", "x" * 5000), "ImportFileUri"),
    ],
)
def test_requests_for_jobs_that_are_none(document, field):
    """The field is named."""
    with pytest.raises(Invalid, match=f"^{field}:"):
        read_job(document)


def test_jobs():
    """Keys and values have the one prefix that SDKs know; a list without any is not there."""
    started = entry(job(), "https://h/jobs/j").decode()
    assert "<Type>ImportCreateRegistrations</Type><Status>Started</Status>" in started
    assert "<Progress>0</Progress>" in started
    assert "Properties" not in started
    assert "Failure" not in started
    ended = job(status=JobStatus.FAILED, progress=12.345, failure="no", output_file="/a", failed_file="/b")
    text = entry(ended, "https://h/jobs/j").decode()
    assert "<Progress>12.35</Progress>" in text or "<Progress>12.34</Progress>" in text
    assert (
        '<OutputProperties xmlns:d3p1="http://schemas.microsoft.com/2003/10/Serialization/Arrays">'
        "<d3p1:KeyValueOfstringstring><d3p1:Key>OutputFilePath</d3p1:Key><d3p1:Value>/a</d3p1:Value>"
        "</d3p1:KeyValueOfstringstring><d3p1:KeyValueOfstringstring><d3p1:Key>FailedFilePath</d3p1:Key>"
    ) in text
    assert len(list(ElementTree.fromstring(feed([job(), ended], "https://h/jobs", 0.0)))) == 5


def test_lists_of_files():
    """As Azure's clients read them; a file that is made as it is read has no size."""
    blobs = [Blob("a/b", 5, "d", '"e"'), Blob("c", None, "d", '"e"')]
    tree = ElementTree.fromstring(listing("https://h/c", blobs, "a&", "c"))
    assert [each.findtext("Name") for each in tree.iter("Blob")] == ["a/b", "c"]
    assert [each.findtext("Properties/Content-Length") for each in tree.iter("Blob")] == ["5", None]
    assert (tree.findtext("Prefix"), tree.findtext("NextMarker")) == ("a&", "c")
    assert b"<Prefix>" not in listing("https://h/c", [])


@given(st.text(), st.text())
def test_any_text_is_well_formed(name, text):
    """Whatever stands in a body, a handle or a failure, the documents can be read."""
    request = SendRequest(body=name.encode(errors="replace"), platform=Platform.ADM, expression=text)
    ElementTree.fromstring(details(SendDetails(send=send(request=request)), name, text))
    ElementTree.fromstring(entry(job(failure=text, output_file=name), name))
    handle = text.encode(errors="replace")
    written = line(PnsFeedback(position=1, at=0.0, platform=Platform.ADM, handle=handle, name=name))
    ElementTree.fromstring(written)
    assert written.count(b"\n") == 1
