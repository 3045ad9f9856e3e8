"""The REST injector: a template of an e-mail and its recipients in JSON, as Momentum's module takes them.

`input` listens, `server` holds what its connections share and routes requests, `request` says what is wrong,
`injection` carries one out, `merging` makes a message for each recipient, and a notification of each message.
"""

from pushgate.inputs.rest_injector.input import plug_in

__all__ = ["plug_in"]
