"""The webhook sink: outcome records in signed POST requests.

`settings` is its configuration, `sink` says what is sent and what an answer means, `http_request` sends one
request, `guarded_endpoint` connects to addresses that `address_policy` allows, `secrets` reads the file with
the keys.
"""

from pushgate.sinks.webhook.sink import plug_in

__all__ = ["plug_in"]
