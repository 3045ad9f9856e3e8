"""The names of plug-ins, and of the tables of a configuration."""

import re
from typing import Final

NAME: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")
"""The names that a plug-in, an app, an input, a sink or a principal may have. Some become names of files;
none leads out of a directory."""
NAME_RULE: Final = "1 to 64 of A-Z a-z 0-9 . _ -, and not . or .."
