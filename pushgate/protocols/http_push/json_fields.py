"""A payload in JSON to which a service wants fields added: the rest of it stays as it is, byte for byte."""

import msgspec

Fields = dict[str, msgspec.Raw]
"""The fields of an object, each as it stands in the text."""
_decode = msgspec.json.Decoder(Fields).decode


def read_fields(payload: bytes) -> Fields | None:
    """The fields of a JSON object; None when the payload is none."""
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def raw(value: object) -> msgspec.Raw:
    """A value as it stands in the text."""
    return msgspec.Raw(msgspec.json.encode(value))


def write_fields(fields: Fields) -> bytes:
    """The object."""
    return msgspec.json.encode(fields)


def opened(text: bytes, name: str) -> bytes:
    """An object, as far as the value of one more field, which its writer appends together with ``}``.

    A field that is another one in each request is appended, so that the rest is made once.
    """
    head = text.rstrip()[:-1].rstrip()
    comma = b"" if head.endswith(b"{") else b","
    return head + comma + msgspec.json.encode(name) + b":"
