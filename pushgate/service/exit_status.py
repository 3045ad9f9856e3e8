"""The status that the process ends with, for supervisors."""

import atexit
import os
import sys
from typing import Final

FAILED: Final = 1
"""The start failed; another try may go well."""
BAD_CONFIG: Final = 78
"""The configuration or a file that it names cannot be used (``EX_CONFIG``): another try will not go well."""


def end_with(status: int) -> None:
    """Have the process end with a status once the reactor has stopped, which twistd takes for a success."""
    atexit.register(_end, status)


def _end(status: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
