"""Files that are made of the hub's entries as they are read: feedback by day, and error details by send."""

from email.utils import formatdate
from typing import Final

from pushgate.inputs.hub.addresses import FEEDBACK
from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.streamed_answer import StreamedAnswer
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.protocols.notification_hubs.blob_signature import Place
from pushgate.protocols.notification_hubs.container_xml import Blob
from pushgate.protocols.notification_hubs.feedback_xml import line

PAGE: Final = 500
"""Entries that are read at a time."""
TEXT: Final = b"text/plain; charset=utf-8"


async def list_days(request: HubRequest, prefix: str, after: str) -> list[Blob]:
    """The days of which there is feedback, as files of the container."""
    days: list[str] = await request.hub.feedback_days()
    now = formatdate(request.server.wall(), usegmt=True)
    return [
        Blob(day, None, now, f'"{day}"', TEXT.decode())
        for day in sorted(days)
        if day.startswith(prefix) and day > after
    ]


async def answer(request: HubRequest, place: Place) -> None:
    """Answer with the entries of a day or of a send, a line each."""
    entries = await _entries(request, place, 0)
    if not entries:
        raise UnknownResource("file")
    request.begin(200, TEXT, (b"x-ms-blob-type", b"BlockBlob"))
    if request.head.method == b"HEAD":
        return
    stream = StreamedAnswer(request)
    while entries:
        if not await stream.write(b"".join([line(each) for each in entries])):
            return
        entries = await _entries(request, place, entries[-1].position)
    request.end()


async def _entries(request: HubRequest, place: Place, after: int) -> list[PnsFeedback]:
    send_id, day = (None, place.name) if place.container == FEEDBACK else (place.name, None)
    found: list[PnsFeedback] = await request.hub.feedback(send_id, day, after, PAGE)
    return found
