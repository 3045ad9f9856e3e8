"""The query of a request's target, as SDKs write it."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from pushgate.model.errors import Invalid

MAX_FIELDS: Final = 32
NEWEST: Final = "2020-06"
"""The version that is assumed when a request names none, which old device SDKs forget; no answer differs."""
OLDEST: Final = "2013-04"
"""What the first SDKs for devices send; their requests are the same as today's."""
_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}(-[0-9]{2})?(-preview)?", re.ASCII).fullmatch
_OFF: Final = frozenset({"false", "0"})


class Query:
    """The parameters by name, in lower case and with or without ``$``.

    :ivar version: the ``api-version``.
    """

    __slots__ = ("_values", "version")

    def __init__(self, values: dict[str, str]) -> None:
        self._values, self.version = values, values.get("api-version", NEWEST)

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Read what stands behind the question mark; of a parameter that is given twice the last one counts.

        :raises Invalid: it has too many parameters, or an ``api-version`` that is none.
        """
        return _parse(text) if text else NO_QUERY

    def text(self, name: str) -> str | None:
        """A parameter; None when it is missing."""
        return self._values.get(name)

    def flag(self, name: str) -> bool:
        """Whether a flag is set: it may be there without a value."""
        value = self._values.get(name)
        return value is not None and value.strip().lower() not in _OFF

    def number(self, name: str, default: int, highest: int) -> int:
        """A parameter that is a number from 1; one above `highest` means that.

        :raises Invalid: it is none.
        """
        text = self._values.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal()) or len(text) > 18 or not int(text):
            raise Invalid(f"${name}", f"text of {len(text)} characters", "a whole number from 1")
        return min(int(text), highest)


NO_QUERY: Final = Query({})


@lru_cache(maxsize=256)
def _parse(text: str) -> Query:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Invalid("query", f"more than {MAX_FIELDS} parameters", "each parameter once") from None
    query = Query({name.lower().removeprefix("$"): value for name, value in pairs})
    if not _VERSION(query.version) or query.version < OLDEST:
        rule = f"a version such as {NEWEST}, from {OLDEST} on"
        raise Invalid("api-version", f"text of {len(query.version)} characters", rule)
    return query
