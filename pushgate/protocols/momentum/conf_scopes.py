"""The scopes of ``ecelerity.conf``: the domains for Apple, and the settings that apply to each."""

from collections.abc import Iterator
from typing import Final

import msgspec

from pushgate.protocols.momentum.ecelerity_conf import INCLUDES, Setting, Stanza

CHANNEL: Final = "apn"
"""The `delivery_method` of domains for Apple."""
_SCOPES: Final = frozenset({"binding_group", "binding", "domain"})


class Domain(msgspec.Struct, frozen=True):
    """A domain for Apple.

    :param stanzas: the stanzas whose settings apply, the innermost first: its own, its binding's, the file.
    """

    name: str
    line: int
    stanzas: tuple[Stanza, ...]

    def setting(self, key: str) -> Setting | None:
        """Return the setting that applies, or None."""
        found = (stanza.setting(key) for stanza in self.stanzas)
        return next((each for each in found if each is not None), None)

    def settings(self) -> Iterator[Setting]:
        """Return all settings of its stanzas except the file, whose settings are mostly not about push."""
        return (setting for stanza in self.stanzas[:-1] for setting in stanza.settings)

    def unread(self) -> Iterator[Stanza]:
        """Return the nested stanzas that are not scopes, except those of the file."""
        return (each for stanza in self.stanzas[:-1] for each in stanza.stanzas if each.kind not in _SCOPES)


def domains_of(conf: Stanza) -> tuple[list[Domain], list[Domain]]:
    """Return the domains for Apple, and those for Google's GCM, in their order."""
    every = list(_domains(conf, ()))
    return [each for each in every if _method(each) == CHANNEL], [
        each for each in every if _method(each) == "gcm"
    ]


def _domains(stanza: Stanza, around: tuple[Stanza, ...]) -> Iterator[Domain]:
    scopes = (stanza, *around)
    if stanza.kind == "domain":
        yield Domain(stanza.label, stanza.line, scopes)
    for each in stanza.stanzas:
        if each.kind in _SCOPES:
            yield from _domains(each, scopes)


def _method(domain: Domain) -> str:
    setting = domain.setting("delivery_method")
    return setting.values[0].lower() if setting is not None and setting.values else ""


def includes(stanza: Stanza) -> Iterator[Setting]:
    """Return the settings in a stanza, at any depth, that include another file."""
    yield from (setting for setting in stanza.settings if setting.key in INCLUDES)
    for each in stanza.stanzas:
        yield from includes(each)


def listeners(conf: Stanza, kind: str) -> Iterator[tuple[Stanza, Stanza]]:
    """Return each `listen` stanza of the listeners of a kind, with its listener."""
    for listener in conf.stanzas:
        if listener.kind == kind:
            for each in listener.stanzas:
                if each.kind == "listen":
                    yield listener, each
