"""The line input: one command a line, one answer a line.

`server` listens and holds what its connections share, `connection` answers lines in order, `commands` carries
them out; `line_reader` cuts lines out of bytes, `push` reads those that push, `replies` are the lines back;
`http_start` finds connections that are no such input's.
"""

from pushgate.inputs.line.server import plug_in

__all__ = ["plug_in"]
