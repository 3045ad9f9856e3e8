"""The properties of a send by templates."""

from collections.abc import Mapping
from typing import Final, Self

import msgspec

from pushgate.model.errors import Invalid

_RULE: Final = "a JSON object whose values are texts"
_read: Final = msgspec.json.Decoder(dict[str, str]).decode


class Properties(dict[str, str]):
    """Texts by their names, which are in lower case here: case does not count.

    :param texts: by their names in any case.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__({name.lower(): text for name, text in texts.items()})

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """The properties that the body of a send has.

        :raises Invalid: it is no flat JSON object of texts, or two names differ in case only.
        """
        try:
            texts = _read(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Invalid("body", f"{len(body)} bytes", _RULE) from None
        properties = cls(texts)
        if len(properties) < len(texts):
            raise Invalid("body", "a property twice", "names differ in more than their case")
        return properties

    def with_variables(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """These properties, and the push variables of a device in place of those that are absent.

        What a send says wins: a device names its variables for the sends that do not know it.
        """
        return {**Properties(variables), **self} if variables else self
