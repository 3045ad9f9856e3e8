"""The HTTP door: JSON over HTTP/1.1 and HTTP/2.

`door` listens, `server` holds what its connections share, `connection` bounds one connection in time and
applies back-pressure, `request` is the pump between twisted.web's protocols and the readers of bodies
(`bodies`). `routes` is the table of what there is; `openapi` describes it. `pushing`, `lines`, `waits`,
`events` and `questions` do what is asked, `answers` turns results and errors into responses.
"""

from pushgate.inputs.http.input import plug_in

__all__ = ["plug_in"]
