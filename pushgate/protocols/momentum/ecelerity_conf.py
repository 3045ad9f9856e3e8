"""Parsing ``ecelerity.conf``, the configuration of Momentum: settings and nested stanzas."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

MAX_DEPTH: Final = 50
"""The deepest nesting of stanzas."""
_TOKEN: Final = re.compile(
    r'\s+|\#[^\n]*|(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>\+=|[{}()\[\]=,;])|(?P<word>(?:[^\s"\#{}()\[\]=,;+]|\+(?!=))+)',
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
INCLUDES: Final = frozenset({"include", "readonly_include", "include_once"})
"""The keys of settings that include another file."""
_CLOSERS: Final = {"(": ")", "[": "]"}


class ConfSyntaxError(ValueError):
    """The file has a syntax error.

    :param line: its line, counted from 1.
    :param what: a description.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


class Setting(msgspec.Struct, frozen=True):
    """A key and its values, several if the value is a list.

    :param key: in lower case, because keys are case-insensitive.
    """

    key: str
    values: tuple[str, ...]
    line: int


class Stanza(msgspec.Struct):
    """A stanza: its name, a label such as a domain, and its content.

    :param kind: its name in lower case; "" for the whole file.
    :param line: the line of its name.
    """

    kind: str
    label: str
    line: int
    settings: list[Setting]
    stanzas: list["Stanza"]

    def setting(self, key: str) -> Setting | None:
        """Return the last setting of this key, or None."""
        return next((each for each in reversed(self.settings) if each.key == key), None)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def read_conf(text: str) -> Stanza:
    """Parse the text of a file.

    :raises ConfSyntaxError: it has a syntax error.
    """
    return _Reader(text).read()


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConfSyntaxError(line, "a quotation mark that is not closed")
        if match.lastgroup is not None:
            found = match[0]
            if match.lastgroup == "text":
                found = _ESCAPE.sub(r"\1", found[1:-1])
            yield _Token("sign" if match.lastgroup == "sign" else "word", found, line)
        line += match[0].count("\n")
        at = match.end()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next: _Token | None = next(self._tokens, None)
        self._open = [Stanza("", "", 1, [], [])]
        self._line = 1

    def read(self) -> Stanza:
        while (token := self._take()) is not None:
            if token.kind == "word":
                self._statement(token)
            elif token.text == "}":
                if len(self._open) == 1:
                    raise ConfSyntaxError(token.line, "a brace that closes nothing")
                self._open.pop()
            elif token.text not in {";", ","}:
                raise ConfSyntaxError(token.line, f"{token.text} where a name should be")
        if len(self._open) > 1:
            raise ConfSyntaxError(self._open[-1].line, "a brace that is not closed")
        return self._open[0]

    def _take(self) -> _Token | None:
        token, self._next = self._next, next(self._tokens, None)
        if token is not None:
            self._line = token.line
        return token

    def _is_sign(self, *signs: str) -> bool:
        return self._next is not None and self._next.kind == "sign" and self._next.text in signs

    def _is_word(self) -> bool:
        return self._next is not None and self._next.kind == "word"

    def _statement(self, name: _Token) -> None:
        key, stanza = name.text.lower(), self._open[-1]
        if self._is_sign("=", "+="):
            self._take()
            stanza.settings.append(Setting(key, self._values(), name.line))
        elif key in INCLUDES and self._is_word():
            stanza.settings.append(Setting(key, (self._word(),), name.line))
        else:
            self._begin(key, name.line)

    def _begin(self, kind: str, line: int) -> None:
        labels = []
        while self._is_word():
            labels.append(self._word())
        if not self._is_sign("{"):
            raise ConfSyntaxError(line, "a name with neither = nor a brace behind it")
        self._take()
        stanza = Stanza(kind, " ".join(labels), line, [], [])
        self._open[-1].stanzas.append(stanza)
        self._open.append(stanza)
        if len(self._open) > MAX_DEPTH:
            raise ConfSyntaxError(line, f"stanzas more than {MAX_DEPTH} deep")

    def _word(self) -> str:
        token = self._take()
        assert token is not None
        return token.text

    def _values(self) -> tuple[str, ...]:
        if self._is_word():
            return (self._word(),)
        if not self._is_sign("(", "["):
            raise ConfSyntaxError(self._line, "no value behind =")
        closer, values = _CLOSERS[self._word()], []
        while not self._is_sign(closer):
            if self._is_word():
                values.append(self._word())
            elif self._is_sign(",", ";"):
                self._take()
            else:
                raise ConfSyntaxError(self._line, "a list that is not closed")
        self._take()
        return tuple(values)
