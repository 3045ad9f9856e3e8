"""The webhook sink: outcome records in signed POST requests.

`settings` is its configuration, `sink` says what is sent and what an answer means, `http_request` sends one
request, to addresses that `net/guarded_endpoint.py` allows, `secrets` reads the file with the keys.
"""

from pushgate.sinks.webhook.sink import plug_in

__all__ = ["plug_in"]
