"""Jobs as XML, ``NotificationHubJob``: in entries of Atom, and feeds of them."""

from collections.abc import Iterable
from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.hub.job import Job, JobRequest, JobType
from pushgate.protocols.notification_hubs.registration_xml import ATOM, CONNECT, INSTANCE
from pushgate.protocols.notification_hubs.times import written
from pushgate.protocols.notification_hubs.xml_reader import Element, read
from pushgate.protocols.notification_hubs.xml_text import escape

MAX_ADDRESS: Final = 4096
"""Characters of an address at most."""
_NAME: Final = "NotificationHubJob"
_ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_TYPES: Final = {str(each).lower(): each for each in JobType} | {
    str(number): each for number, each in enumerate(JobType)
}
"""The types by their names in lower case, and by their numbers."""


def read_job(document: bytes) -> JobRequest:
    """Read what a job is to do from an entry, or from the description in it alone.

    :raises Invalid: it is none, or a field of it is missing or not valid.
    """
    element = _description(read(document))
    kind, output = element.value("Type") or "", element.value("OutputContainerUri") or ""
    if kind.lower() not in _TYPES:
        raise Invalid("Type", f"text of {len(kind)} characters", f"one of {', '.join(JobType)}")
    source = element.value("ImportFileUri") or ""
    request = JobRequest(type=_TYPES[kind.lower()], output=output, input=source)
    _check_address("OutputContainerUri", output)
    if request.type is not JobType.EXPORT:
        _check_address("ImportFileUri", source)
    return request


def entry(job: Job, address: str) -> bytes:
    """The entry of a job.

    :param address: of the job.
    """
    return (_DECLARATION + _entry(job, address, f' xmlns="{ATOM}"')).encode()


def feed(jobs: Iterable[Job], address: str, now: float) -> bytes:
    """A feed of entries.

    :param address: of the collection: a job's id behind it makes that of its entry.
    :param now: Unix seconds.
    """
    head = (
        f'<feed xmlns="{ATOM}"><title type="text">Jobs</title>'
        f"<id>{escape(address)}</id><updated>{written(now)}</updated>"
    )
    entries = [_entry(job, f"{address}/{job.id}", "") for job in jobs]
    return "".join((_DECLARATION, head, *entries, "</feed>")).encode()


def _description(root: Element) -> Element:
    content = root.child("content") if root.name == "entry" else None
    element = root if content is None else content.child(_NAME)
    if element is None or element.name != _NAME:
        raise Invalid("content", "no job", f"one element {_NAME}")
    return element


def _check_address(field: str, text: str) -> None:
    if not text or len(text) > MAX_ADDRESS:
        raise Invalid(field, f"text of {len(text)} characters", "the address of a container of this hub")


def _entry(job: Job, address: str, namespace: str) -> str:
    return (
        f'<entry{namespace}><id>{escape(address)}</id><title type="text">{escape(job.id)}</title>'
        f"<published>{written(job.created_at)}</published><updated>{written(job.updated_at)}</updated>"
        f'<content type="application/xml"><{_NAME} xmlns="{CONNECT}" xmlns:i="{INSTANCE}">'
        f"{_elements(job)}</{_NAME}></content></entry>"
    )


def _elements(job: Job) -> str:
    """The elements of a job in their order. Empty lists must not be there: one SDK fails at them."""
    request = job.request
    files = {"OutputFilePath": job.output_file, "FailedFilePath": job.failed_file}
    texts = {
        "JobId": job.id,
        "Progress": f"{job.progress:.2f}".rstrip("0").rstrip("."),
        "Type": str(request.type),
        "Status": str(job.status),
        "OutputContainerUri": request.output,
        "ImportFileUri": request.input,
        "Failure": job.failure,
    }
    parts = [f"<{name}>{escape(text)}</{name}>" for name, text in texts.items() if text]
    parts.append(_key_values("OutputProperties", {name: path for name, path in files.items() if path}))
    parts.append(f"<CreatedAt>{written(job.created_at)}</CreatedAt>")
    parts.append(f"<UpdatedAt>{written(job.updated_at)}</UpdatedAt>")
    return "".join(parts)


def _key_values(name: str, values: dict[str, str]) -> str:
    """Keys and values, under the one prefix that SDKs read them by."""
    inside = "".join(
        "<d3p1:KeyValueOfstringstring>"
        f"<d3p1:Key>{key}</d3p1:Key><d3p1:Value>{escape(value)}</d3p1:Value>"
        "</d3p1:KeyValueOfstringstring>"
        for key, value in values.items()
    )
    return f'<{name} xmlns:d3p1="{_ARRAYS}">{inside}</{name}>' if inside else ""
