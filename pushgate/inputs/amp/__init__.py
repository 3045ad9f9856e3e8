"""The AMP door: the commands of `pushgate.protocols.amp.commands`, answered.

`door` listens, `server` holds what its connections share, `connection` turns boxes into requests,
`responders` says what each command does, `watcher` sends outcomes back; `boxes` is the format.
"""

from pushgate.inputs.amp.server import plug_in

__all__ = ["plug_in"]
