"""The line door: one command a line, one answer a line.

`door` listens, `server` holds what its connections share, `connection` answers lines in order, `commands`
says what each does; `reader` cuts lines out of bytes, `push` reads those that push, `answers` are the lines
back.
"""

from pushgate.inputs.line.server import plug_in

__all__ = ["plug_in"]
