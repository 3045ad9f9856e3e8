"""The registrations that an installation stands for: one native, and one for each template. Pure."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pushgate.hub.tag_expressions.tags import installation_tag, user_tag
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.registration import Registration

NATIVE = ""
"""What `slot` says of the native registration: no template has this name."""


def derived(installation: Installation) -> tuple[Registration, ...]:
    """The registrations of an installation, without ids and ETags; none once its push channel has expired.

    Each has the tags of the installation, and those that stand for it and for its user, as far as a tag can
    name these; one of a template has the template's own tags besides.
    """
    if installation.push_channel_expired:
        return ()
    native = Registration(
        platform=installation.platform,
        handle=installation.handle,
        tags=_once([*installation.tags, *_implicit(installation)]),
        push_variables=installation.push_variables,
        expires_at=installation.expires_at,
        updated_at=installation.updated_at,
        installation_id=installation.id,
    )
    return native, *(
        replace(native, template=replace(entry.template, name=name), tags=_once([*native.tags, *entry.tags]))
        for name, entry in installation.templates.items()
    )


def slot(registration: Registration) -> tuple[bool, str]:
    """Which registration of its installation one is: with or without a template, and of which name."""
    template = registration.template
    return template is not None, NATIVE if template is None else template.name


def _implicit(installation: Installation) -> Iterator[str]:
    for tag in (installation_tag(installation.id), user_tag(installation.user_id)):
        if tag is not None:
            yield tag


def _once(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in their order, without those that differ from earlier ones by their case alone."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.lower(), tag)
    return tuple(found.values())
