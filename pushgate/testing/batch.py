"""Batches as the gateway makes them."""

from collections.abc import Sequence

from pushgate.model.notification import Batch, Delivery, Terms
from pushgate.model.packed import Packed

TOKEN = bytes(range(32))
"""A device token."""


def batch(
    tokens: Sequence[bytes] = (TOKEN,),
    *,
    app: str = "news",
    payload: bytes = b'{"aps":{"alert":"Hi"}}',
    at: float = 1_700_000_000.0,
    order: int = 1,
    terms: Terms | None = None,
) -> Batch:
    """A batch with one notification for each of `tokens`.

    :param order: counts batches; those of different order have different ids.
    """
    return Batch(
        id=0x018F_0000_0000_7000_8000_0000_0000_0000 + (order << 16),
        order=order,
        app=app,
        tokens=Packed.of(tokens, 2),
        payload=payload,
        terms=terms or Terms(),
        delivery=Delivery.AT_LEAST_ONCE,
        accepted_at=at,
        waiting_since=0.0,
    )
