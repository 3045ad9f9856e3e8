"""Words for one outcome."""

import msgspec


class Explanation(msgspec.Struct, frozen=True):
    """Words for one outcome.

    :param meaning: what it means, in a sentence.
    :param advice: what to do; "" when there is nothing to do.
    """

    meaning: str
    advice: str = ""
