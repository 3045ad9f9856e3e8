"""What a push service said against one device of a send: an entry of error details and of PNS feedback."""

import msgspec

from pushgate.model.hub.platform import Platform


class PnsFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """One entry.

    :param position: counts the entries of a hub; from 1.
    :param at: Unix seconds.
    :param send_id: "" when it is about no send: the feedback of a push service.
    :param name: an outcome name such as ``BadChannel``.
    :param new_handle: the handle that takes the place of this one; b"" for none.
    """

    position: int
    at: float
    platform: Platform
    handle: bytes
    name: str
    send_id: str = ""
    registration_id: str = ""
    installation_id: str = ""
    new_handle: bytes = b""
