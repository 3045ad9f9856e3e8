"""The template of a REST injection: an e-mail with placeholders for the keys of each recipient."""

import re
from collections.abc import Mapping
from typing import Final

from pushgate.model.errors import Invalid, TooLarge

MAX_PLACES: Final = 1000
"""Placeholders of one template at most."""
_PLACE: Final = re.compile(r"(?:<%=\s*:([\w.-]+)\s*%>|\[%=\s*:([\w.-]+)\s*%\])")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_MAX_NAME: Final = 40


class Template:
    """A parsed template. Values are inserted unchanged, without any encoding.

    :raises TooLarge: it has more than `MAX_PLACES` placeholders.
    """

    def __init__(self, text: str) -> None:
        first, *rest = _PLACE.split(text, MAX_PLACES + 1)
        self._first = first
        self._pieces = [
            ((one or other).lower(), literal)
            for one, other, literal in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        ]
        if len(self._pieces) > MAX_PLACES:
            raise TooLarge("template", len(self._pieces), MAX_PLACES, "places for keys")
        self._literal = len(first) + sum(len(literal) for _, literal in self._pieces)

    def message(self, keys: Mapping[str, str], limit: int) -> bytes:
        """Return the message for a recipient, with lines that end with CRLF.

        :param keys: values by names in lower case.
        :param limit: characters of the message at most, before line ends are converted.
        :raises Invalid: a key is missing, or a value is not valid Unicode.
        :raises TooLarge: the message would be longer than `limit`.
        """
        try:
            values = [keys[name] for name, _ in self._pieces]
        except KeyError as error:
            name = str(error.args[0])[:_MAX_NAME].encode("ascii", "backslashreplace").decode()
            raise Invalid("keys", f"without {name}", "each key that the template names") from None
        size = self._literal + sum(map(len, values))
        if size > limit:
            raise TooLarge("message", size, limit, "characters")
        literals = (literal for _, literal in self._pieces)
        text = self._first + "".join(value + literal for value, literal in zip(values, literals, strict=True))
        try:
            return _LINE_END.sub("\r\n", text).encode()
        except UnicodeEncodeError:  # JSON can spell half a surrogate pair
            raise Invalid("message", "text that is not all of it Unicode", "text in ASCII or UTF-8") from None
