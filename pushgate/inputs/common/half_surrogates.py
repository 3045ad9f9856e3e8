"""JSON that spells half of a surrogate pair, as cutting a JavaScript string leaves it, in one of its texts.

msgspec decodes no JSON with one in it, however many notifications the rest of it holds. Here it is decoded
with a word in their place, and the halves are put back into what comes out: into a text, which has no UTF-8
then, and into a payload, which is no UTF-8. So whatever looks at each notification refuses that one alone.
"""

import re
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Raw

from pushgate.model.notification import MAX_BATCH

_PAIR: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_HALVES: Final = re.compile(rb"(?:\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\xed[\xa0-\xbf][\x80-\xbf])+")
_TEXT: Final = "\ud83d"
_BYTES: Final = _TEXT.encode("utf-8", "surrogatepass")
_HOLDERS: Final = (str, Raw, list)
_WORDS: Final = [f"half{number:02}" for number in range(20)]


def decode_with_halves(decode: Any, data: bytes | bytearray) -> Any:
    """Decode JSON in which there are halves of surrogate pairs; a run of them comes out as one half.

    :returns: None when there are none in it, so that something else is wrong, or more than a batch has.
    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: something else is wrong as well.
    """
    # Both replacements keep every length, so that a half is found where it is.
    masked = _PAIR.sub(b"." * 12, data.replace(rb"\\", b".."))
    places = [match.span() for match in islice(_HALVES.finditer(masked), MAX_BATCH + 1)]
    word = next((each for each in _WORDS if each.encode() not in data), None)
    if word is None or not 0 < len(places) <= MAX_BATCH:
        return None
    starts = [0, *(end for _, end in places)]
    ends = [*(start for start, _ in places), len(data)]
    parts = [data[start:end] for start, end in zip(starts, ends, strict=True)]
    return _restored(decode(word.encode().join(parts)), word, word.encode())


def _restored(value: Any, word: str, encoded: bytes) -> Any:
    if isinstance(value, str):
        return value.replace(word, _TEXT)
    if isinstance(value, Raw):
        raw = bytes(value)
        return Raw(raw.replace(encoded, _BYTES)) if encoded in raw else value
    if isinstance(value, list):
        return [_restored(each, word, encoded) for each in value]
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            old = getattr(value, name)
            if old is not None and isinstance(old, _HOLDERS):
                setattr(value, name, _restored(old, word, encoded))
    return value
