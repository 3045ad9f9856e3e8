"""Addresses of recipients, whose domain selects the app."""

from pushgate.model.errors import Invalid


def domain_of(address: str, field: str) -> str:
    """Return the domain of an address, in lower case.

    :param address: ``user@domain``, optionally in angle brackets behind a name.
    :param field: the name of the address in errors.
    :raises Invalid: it has no domain.
    """
    text = address.strip()
    if text.endswith(">"):
        text = text[:-1].rpartition("<")[2]
    local, _, domain = text.rpartition("@")
    domain = domain.removesuffix(".").lower()
    if not local or not domain or not domain.isascii() or not domain.isprintable() or " " in domain:
        raise Invalid(field, f"text of {len(address)} characters", "an address, USER@DOMAIN")
    return domain
