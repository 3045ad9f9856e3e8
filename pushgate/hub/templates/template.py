"""Templates of all platforms.

The bodies of wns and mpns are XML, those of the others JSON. What WNS and MPNS call raw, and what a browser
gets, can be anything: a body that does not begin with ``<`` is there a JSON object, or else one value as a
whole, literal or an expression, and what is put into that is not escaped.
"""

import re
from functools import lru_cache
from typing import Final

from pushgate.hub.templates.compiled import CompiledTemplate, joined, value_pieces
from pushgate.hub.templates.json_template import compile_json, is_json_object
from pushgate.hub.templates.xml_template import compile_xml
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.platform import Platform

MAX_TEMPLATE: Final = 16 << 10
"""Characters of a template's body at most."""
_half_a_pair: Final = re.compile("[\ud800-\udfff]").search
_FREE: Final = {Platform.WNS, Platform.MPNS, Platform.BROWSER}
"""Platforms that take other notifications than JSON."""


@lru_cache(maxsize=512)
def compile_template(platform: Platform, body: str) -> CompiledTemplate:
    """Compile the body of a template; the last few hundred are kept.

    :raises Invalid: naming ``template`` and where in it something is wrong, from 1.
    :raises TooLarge: it is longer than `MAX_TEMPLATE`.
    """
    if len(body) > MAX_TEMPLATE:
        raise TooLarge("template", len(body), MAX_TEMPLATE, "characters")
    if _half_a_pair(body):
        raise Invalid("template", "half of a surrogate pair", "characters that UTF-8 has")
    text = body.removeprefix("\ufeff")
    if not text.strip():
        raise Invalid("template", f"{len(body)} blank characters", "JSON or XML, as the platform has it")
    if platform not in _FREE:
        return compile_json(text)
    if text.lstrip().startswith("<"):
        return compile_xml(text)
    return compile_json(text) if is_json_object(text) else _compile_plain(text)


def _compile_plain(text: str) -> CompiledTemplate:
    return joined(value_pieces(text, 0, str.encode))
