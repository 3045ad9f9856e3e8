"""Addresses of recipients: their domain says for which app a notification is."""

from pushgate.model.errors import Invalid


def domain_of(address: str, field: str) -> str:
    """Return the domain of an address, in lower case.

    :param address: ``user@domain``, with or without angle brackets and a name before them.
    :raises Invalid: it has none.
    """
    text = address.strip()
    if text.endswith(">"):
        text = text[:-1].rpartition("<")[2]
    local, _, domain = text.rpartition("@")
    domain = domain.removesuffix(".").lower()
    if not local or not domain or not domain.isascii() or not domain.isprintable() or " " in domain:
        raise Invalid(field, f"text of {len(address)} characters", "an address, USER@DOMAIN")
    return domain
