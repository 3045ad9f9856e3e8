"""The HTTP input: JSON over HTTP/1.1 and HTTP/2.

The server of HTTP itself is `pushgate.net.http`. `input` listens, `server` and `services` hold what its
connections share, `connection` and `request` add sessions and back-pressure to those of the server. `routes`
is the table of methods and paths; `openapi` describes it. `submit`, `ndjson_body`, `outcome_waits`,
`server_sent_events` and `queries` carry the requests out.
"""

from pushgate.inputs.http.input import plug_in

__all__ = ["plug_in"]
