"""XML as WNS and MPNS take it: well formed, without a document type, with the right root."""

from xml.parsers.expat import ExpatError, ParserCreate


class BadXml(Exception):
    """The text says why."""


def root_of(body: bytes) -> str:
    """The name of the root element, without its prefix; raise `BadXml`.

    A document type is refused before anything in it is looked at, and with it every entity but XML's own.
    """
    roots: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        if not roots:
            roots.append(name)

    def refuse(*_: object) -> None:
        raise BadXml("a document type is not allowed")

    parser = ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = start, refuse
    try:
        parser.Parse(body, True)
    except (ExpatError, ValueError) as error:
        raise BadXml(f"not well formed: {error}") from None
    return roots[0].rpartition(":")[2]
