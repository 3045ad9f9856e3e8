"""The APNs HTTP/2 input: programs written for Apple's provider API push through it unchanged.

`input` listens, `server` takes requests, `stream` is one of them and knows Apple's answers; `authentication`
says who may push, by `provider_keys` too, `routing` which app it is; `pushes` submits the requests of one
turn in a `group`, and gives each the answer of its fate; `repeats` knows by `apns_ids` what came before.
"""

from pushgate.inputs.apns_http2.input import plug_in

__all__ = ["plug_in"]
