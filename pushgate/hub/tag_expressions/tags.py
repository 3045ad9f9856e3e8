"""One tag, and the tags of a registration.

A tag has up to 120 ASCII letters, digits and ``_ @ # . : -``, as Microsoft documents it. Its .NET SDK lets
other letters pass; here they are refused, since an expression travels in an HTTP header, which carries
ASCII: a send could never name such a tag. Two tags stand for what an installation is: its id,
``$InstallationId:{…}``, and its user, ``$UserId:{…}``; their ids may have ``=`` as well.

Tags are compared without regard to case.
"""

import re
from collections.abc import Iterable

from pushgate.model.errors import Invalid

MAX_TAG = 120
"""Characters of a tag."""
PLAIN = r"[-_@#.:0-9A-Za-z]+"
IMPLICIT = r"\$(?:InstallationId|UserId):\{[-_@#.:=0-9A-Za-z]+\}"
ALLOWED = (
    f"a tag has up to {MAX_TAG} letters, digits and _ @ # . : - (ASCII), "
    "or is $InstallationId:{id} or $UserId:{id}"
)
_TAG = re.compile(f"{PLAIN}|{IMPLICIT}", re.IGNORECASE | re.ASCII)


def is_tag(text: str) -> bool:
    """Whether this is one tag, of either kind."""
    return len(text) <= MAX_TAG and _TAG.fullmatch(text) is not None


def check_tag(tag: str, field: str = "tag", name: str = "") -> str:
    """Return a tag in lower case, as tags are compared.

    Raises `Invalid` that names `field`, and which tag it is if `name` says so: ``"tag 3: "``.
    """
    if not is_tag(tag):
        raise Invalid(field, f"{name}{len(tag)} characters that are no tag", ALLOWED)
    return tag.lower()


def check_tags(tags: Iterable[str], max_tags: int, field: str = "tags") -> tuple[str, ...]:
    """Check the tags of a registration.

    :param max_tags: how many there may be, those that are the same without regard to case counted once.
    :return: as they were given, in their order, each once.
    Raises `Invalid` that names `field` and which tag it is, from 1.
    """
    found: dict[str, str] = {}
    for number, tag in enumerate(tags, 1):
        found.setdefault(check_tag(tag, field, f"tag {number}: "), tag)
    if len(found) > max_tags:
        raise Invalid(field, f"{len(found)} tags", f"at most {max_tags}")
    for name in ("$InstallationId:", "$UserId:"):
        if sum(tag.startswith(name.lower()) for tag in found) > 1:
            raise Invalid(field, f"more than one {name}{{}}", "at most one")
    return tuple(found.values())


def installation_tag(installation_id: str) -> str | None:
    """The tag that finds this installation; None when its id has characters or a length that no tag has."""
    return _implicit("InstallationId", installation_id)


def user_tag(user_id: str) -> str | None:
    """The tag that finds the installations of this user; None when no tag can name the id, or it is ""."""
    return _implicit("UserId", user_id)


def _implicit(name: str, value: str) -> str | None:
    tag = f"${name}:{{{value}}}"
    return tag if is_tag(tag) else None
