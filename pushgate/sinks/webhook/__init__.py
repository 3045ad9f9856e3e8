"""The webhook sink: outcome records in signed POST requests.

`table` is its configuration, `sink` says what is sent and what an answer means, `post` sends one request,
`endpoint` connects to addresses that `address` allows, `secrets` reads the file with the keys.
"""

from pushgate.sinks.webhook.sink import plug_in

__all__ = ["plug_in"]
