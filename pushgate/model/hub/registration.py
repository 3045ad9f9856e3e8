"""A registration: a device as a hub knows it, with its tags, and the template it wants notifications by."""

import msgspec

from pushgate.model.hub.platform import Platform


class Template(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What notifications to one registration look like.

    :param body: JSON or XML with expressions in it; see `pushgate.hub.templates`.
    :param headers: sent with each notification, by name; values may be expressions.
    :param expiry: an expression, a date and time, or "0"; "" sets none.
    :param priority: an expression or a number; "" sets none.
    """

    body: str
    name: str = ""
    headers: dict[str, str] = {}
    expiry: str = ""
    priority: str = ""


class Registration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One registration, as it is kept.

    :param id: given by the hub; "" until then.
    :param handle: the target that the app of the platform sends to.
    :param tags: as they were given; compared without regard to case.
    :param template: None: it takes native notifications.
    :param properties: further texts of its kind that sends do not need, by their XML name: ``BaiduUserId``.
    :param etag: changes with each update; without quotes.
    :param expires_at: Unix seconds; None: never.
    :param updated_at: Unix seconds of the last update: a death of the handle before it does not count.
    :param installation_id: of the installation that it is a part of; "" for none. Such ones are read, not
        written: they change with their installation.
    """

    platform: Platform
    handle: bytes
    tags: tuple[str, ...] = ()
    template: Template | None = None
    push_variables: dict[str, str] = {}
    properties: dict[str, str] = {}
    id: str = ""
    etag: str = ""
    expires_at: float | None = None
    updated_at: float = 0.0
    installation_id: str = ""


class RegistrationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which registrations are asked for; without conditions all.

    :param handle: with a platform, or of any.
    :param tag: one that they have.
    :param top: at most so many at a time.
    :param after: where the next page begins: a `RegistrationPage.next`.
    """

    platform: Platform | None = None
    handle: bytes | None = None
    tag: str | None = None
    top: int = 100
    after: str = ""


class RegistrationPage(msgspec.Struct, frozen=True):
    """Some registrations.

    :param next: for the page that follows; "" when this is the last.
    """

    registrations: tuple[Registration, ...]
    next: str = ""
