"""ETags of requests."""

from pushgate.model.errors import Invalid


def if_match(text: str | None) -> str | None:
    """The ETag of an ``If-Match`` header: quoted or not, weak or not, or ``*``.

    :param text: None: there is no such header; returns None then.
    :raises Invalid: it is empty.
    """
    if text is None:
        return None
    etag = text.strip().removeprefix("W/").strip('"')
    if not etag:
        raise Invalid("If-Match", f"text of {len(text)} characters", 'an ETag in quotes, or "*"')
    return etag
