"""The REST injector: a template of an e-mail and its recipients in JSON, in the format of Momentum's module.

`input` listens, `server` builds connections and routes requests, `request` has the format of errors,
`injection` carries out a request, and `merging` makes a message for each recipient, and a notification from
each message.
"""

from pushgate.inputs.rest_injector.input import plug_in

__all__ = ["plug_in"]
