"""What a session knows from earlier transactions, so that it need not ask again."""


class Remembered(dict[str, int]):
    """Numbers by name.

    :ivar since: Unix seconds when the first of them was entered; None until then.
    """

    since: float | None = None
