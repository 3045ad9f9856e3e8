"""What is wrong with JSON that was to be read into a value."""

import msgspec

from pushgate.model.errors import Invalid


def json_fault(error: Exception, whole: str, rule: str) -> Invalid:
    """The error for a caller; the texts of the decoder name types and places, and no values.

    :param error: of the decoder.
    :param whole: the name of the whole, for what is in no field of it.
    """
    if not isinstance(error, msgspec.ValidationError):
        return Invalid(whole, "no JSON", rule)
    text, _, place = str(error).partition(" - at `$")
    field = place.strip("`.").partition("[")[0] or whole
    return Invalid(field, text[:1].lower() + text[1:], rule)
