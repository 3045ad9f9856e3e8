"""The parameters in the query of a request."""

from typing import Final
from urllib.parse import parse_qsl

from pushgate.model.errors import Invalid

MOST: Final = 16
"""Parameters of one query at most."""
_RULE: Final = "each parameter once"


def query_parameters(query: str) -> dict[str, str]:
    """Read the part of a request's target behind the question mark.

    :raises Invalid: a parameter is given twice, or there are too many.
    """
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST)
    except ValueError:
        raise Invalid("query", f"more than {MOST} parameters", _RULE) from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise Invalid("query", "a parameter given twice", _RULE)
    return parameters
