"""The HTTP input: JSON over HTTP/1.1 and HTTP/2.

`input` listens, `server` holds what its connections share, `connection` bounds one connection in time and
applies back-pressure, `request` is the pump between twisted.web's protocols and the readers of bodies
(`bodies`). `routes` is the table of methods and paths; `openapi` describes it. `submit`, `ndjson_body`,
`outcome_waits`, `server_sent_events` and `queries` carry the requests out.
"""

from pushgate.inputs.http.input import plug_in

__all__ = ["plug_in"]
