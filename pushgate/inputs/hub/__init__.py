"""The hub input: the REST interface of notification hubs, as Microsoft's SDKs speak it.

The server of HTTP itself is `pushgate.net.http`. `input` listens, `server` holds what its connections share,
`request` is one request with its answers in XML. `routes` is the table of methods and paths, to which
`registrations`, `installations` and their like contribute a `ROUTES` each; `access` checks signatures.
"""

from pushgate.inputs.hub.input import plug_in

__all__ = ["plug_in"]
