"""Twisted's endpoint strings, ``kind:word:key=value``, taken apart; a backslash escapes what follows it."""

import re
from typing import Final, NamedTuple

_PART: Final = re.compile(r"(?:\\.|[^:\\])+")
_ESCAPED: Final = re.compile(r"\\(.)")


class EndpointParts(NamedTuple):
    """The parts of an endpoint string.

    :param words: those without a key, in their order.
    :param keyed: the others.
    """

    kind: str
    words: list[str]
    keyed: dict[str, str]


def endpoint_parts(text: str) -> EndpointParts:
    """Take an endpoint string apart; what makes no sense is in one of the parts."""
    kind, *parts = _PART.findall(text) or [""]
    words: list[str] = []
    keyed: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            keyed[_ESCAPED.sub(r"\1", name)] = _ESCAPED.sub(r"\1", value)
        else:
            words.append(_ESCAPED.sub(r"\1", part))
    return EndpointParts(kind, words, keyed)
