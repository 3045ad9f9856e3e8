"""The list of the files of a container, ``EnumerationResults``, as Azure's blob storage writes it."""

from collections.abc import Iterable

import msgspec

from pushgate.protocols.notification_hubs.xml_text import escape


class Blob(msgspec.Struct, frozen=True):
    """A file of a container.

    :param size: bytes; None when it is made as it is read.
    :param modified: as HTTP has dates.
    :param etag: with its quotes.
    """

    name: str
    size: int | None
    modified: str
    etag: str
    content_type: str = "application/octet-stream"


def listing(container: str, blobs: Iterable[Blob], prefix: str = "", next_marker: str = "") -> bytes:
    """The list.

    :param container: its address, without what signs it.
    :param prefix: that all names begin with.
    :param next_marker: where the next page begins; "" on the last.
    """
    return "".join((
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{escape(container)}">',
        f"<Prefix>{escape(prefix)}</Prefix>" if prefix else "",
        "<Blobs>",
        *(_blob(blob) for blob in blobs),
        f"</Blobs><NextMarker>{escape(next_marker)}</NextMarker></EnumerationResults>",
    )).encode()  # fmt: skip


def _blob(blob: Blob) -> str:
    size = "" if blob.size is None else f"<Content-Length>{blob.size}</Content-Length>"
    return (
        f"<Blob><Name>{escape(blob.name)}</Name><Properties>"
        f"<Last-Modified>{escape(blob.modified)}</Last-Modified><Etag>{escape(blob.etag)}</Etag>{size}"
        f"<Content-Type>{escape(blob.content_type)}</Content-Type><BlobType>BlockBlob</BlobType>"
        "</Properties></Blob>"
    )
