"""The checks of sinks that write a file; see `IDiagnosable`."""

from collections.abc import AsyncIterator
from typing import Any

from pushgate.model.finding import Finding
from pushgate.net.diagnosis.written_file import check_written_file
from pushgate.plugin.examination import Examination


async def diagnose_file(_name: str, config: Any, _: Examination) -> AsyncIterator[Finding]:
    """Whether the file of the key `path` can be written."""
    for each in check_written_file("path", config.path):
        yield each
