"""Templates in JSON: an object, some of whose texts are expressions. All else stays as it was written."""

import re
from typing import Final

import msgspec

from pushgate.hub.templates.compiled import CompiledTemplate, Piece, joined, value_pieces
from pushgate.hub.templates.expression import STARTS
from pushgate.model.errors import Invalid

MAX_DEPTH: Final = 64
"""How deep objects and arrays may stand in each other."""
_RULE: Final = "a JSON object"
_tokens: Final = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*+)"(?P<colon>\s*:)?|[{}\[\]]').finditer
_is_number: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch


def compile_json(body: str) -> CompiledTemplate:
    """Compile a template in JSON.

    :raises Invalid: it is no JSON object, or nested too deep, or has a bad expression.
    """
    _check(body)
    pieces: list[Piece] = []
    done = depth = 0
    for token in _tokens(body):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth > MAX_DEPTH:
            raise Invalid("template", "JSON nested deeper", f"at most {MAX_DEPTH} levels")
        if not token["text"] or token["colon"] or token["text"][0] not in f"{STARTS}\\":
            continue
        pieces += [body[done : token.start()].encode(), *_value(token[0], token.start())]
        done = token.end()
    return joined([*pieces, body[done:].encode()])


def is_json_object(body: str) -> bool:
    """Whether this is an object in JSON, nested not too deep."""
    try:
        _check(body)
    except Invalid:
        return False
    return True


def escape_text(text: str) -> bytes:
    """A text as it stands between quotes."""
    return msgspec.json.encode(text)[1:-1]


def number_or_text(text: str) -> bytes:
    """A number in JSON as it is, any other text in quotes."""
    return text.encode() if _is_number(text) else msgspec.json.encode(text)


def _check(body: str) -> None:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError as error:  # it says where, and quotes nothing
        raise Invalid("template", f"no JSON: {error}", _RULE) from None
    except RecursionError:
        raise Invalid("template", "JSON nested deeper", f"at most {MAX_DEPTH} levels") from None
    if not isinstance(found, dict):
        raise Invalid("template", "JSON of another type", _RULE)


def _value(token: str, at: int) -> list[Piece]:
    """The pieces of a text, with its quotes; the same token if it is literal."""
    text: str = msgspec.json.decode(token)
    if text[0] not in STARTS:
        return [token.encode()]
    pieces = value_pieces(text, at, escape_text, number_or_text)
    if isinstance(first := pieces[0], bytes) or first.escape is not number_or_text:
        return [b'"', *pieces, b'"']
    return pieces
