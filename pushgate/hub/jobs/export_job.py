"""One step of an export: some registrations become lines of the output."""

import re
from typing import Final

from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.hub.jobs.registrar import Registrar
from pushgate.hub.store.jobs import KeptJob
from pushgate.model.hub.registration import RegistrationPage
from pushgate.protocols.notification_hubs.registration_xml import description

REGISTRATIONS: Final = 1000
"""Registrations that are written at a time."""
_CDATA: Final = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_LINE_END: Final = re.compile("[\r\n]")
_REFERENCES: Final = str.maketrans({"\r": "&#13;", "\n": "&#10;"})


def read_page(session: Session, registrar: Registrar, after: str) -> tuple[RegistrationPage, int]:
    """The next registrations, and how many there are in all."""
    return registrar.page(session, after, REGISTRATIONS), registrar.total(session)


def lines(page: RegistrationPage) -> str:
    """A registration a line, as an import reads them."""
    return "".join([one_line(description(each)) + "\n" for each in page.registrations])


def one_line(document: str) -> str:
    """The same XML without line ends, which its texts have as references then."""
    return _CDATA.sub(_outside, document).translate(_REFERENCES)


def _outside(section: re.Match[str]) -> str:
    """A section in which references mean nothing, interrupted at each line end."""
    return _LINE_END.sub(r"]]>\g<0><![CDATA[", section[0])


def written(kept: KeptJob, page: RegistrationPage, total: int, text: str) -> KeptJob:
    """The job when the lines of a page are in its output."""
    done = kept.position.done + len(page.registrations)
    size = kept.position.output_size + len(text.encode())
    position = replace(kept.position, after=page.next, done=done, output_size=size)
    progress = 100.0 * done / total if page.next and total else 100.0
    return KeptJob(replace(kept.job, progress=round(min(progress, 100.0), 2)), position)
