"""The ledger sink: outcomes kept for days, so that a notification can be traced after its end.

`sink` is fed and asked by the gateway, `rows` turns outcomes into rows and back, `store` is the file.
"""

from pushgate.sinks.ledger.sink import plug_in

__all__ = ["plug_in"]
