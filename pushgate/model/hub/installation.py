"""An installation: one document for all a device wants, under an id that the device chose."""

import msgspec

from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template


class InstallationTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template of an installation.

    :param tags: beside those of the installation.
    """

    template: Template
    tags: tuple[str, ...] = ()


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """One installation, as it is kept. It counts as one native registration, and one more for each template.

    :param push_channel: as it was given: text; a browser's as JSON: an object, or a text with JSON in it.
    :param handle: the target that the app of the platform sends to: the push channel, read.
    :param push_channel_expired: the push service said that the handle is dead; set by the hub.
    :param secondary_tiles: by name, as JSON: kept and given back, never sent to.
    :param expires_at: Unix seconds; None: never.
    :param updated_at: Unix seconds of the last update.
    """

    id: str
    platform: Platform
    push_channel: str
    handle: bytes
    user_id: str = ""
    tags: tuple[str, ...] = ()
    templates: dict[str, InstallationTemplate] = {}
    push_variables: dict[str, str] = {}
    secondary_tiles: str = ""
    push_channel_expired: bool = False
    expires_at: float | None = None
    updated_at: float = 0.0
