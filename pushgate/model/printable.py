"""The words of a peer, made fit for a log or a terminal."""

from typing import Final

LIMIT: Final = 200
"""Characters of a peer's words that are shown, unless another limit is given."""


def printable(words: object, limit: int = LIMIT) -> str:
    """One line of at most about `limit` characters, in which every control character is escaped.

    Whatever a peer can choose goes through this: the subject of its certificate, its error codes and texts,
    what it answers. A carriage return or an escape sequence in them would rewrite what an operator sees; a
    line feed would pass for a line of our own.

    :param words: bytes, which are read as UTF-8 as far as they are, or anything that has a text.
    """
    text = words.decode("utf-8", "backslashreplace") if isinstance(words, bytes) else str(words)
    shown = text[:limit] + ("…" if len(text) > limit else "")
    return _with_escapes(shown, keep="")


def escaped(line: str) -> str:
    """The line with every control character but tabs escaped."""
    return _with_escapes(line, keep="\t")


def _with_escapes(text: str, keep: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each in keep or each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
