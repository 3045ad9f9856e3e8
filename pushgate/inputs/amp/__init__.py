"""The AMP input: answers the commands of `pushgate.protocols.amp.commands`.

`server` listens and holds what its connections share, `connection` turns boxes into requests, `handlers` does
what each command asks for, `watcher` sends outcomes back.
"""

from pushgate.inputs.amp.server import plug_in

__all__ = ["plug_in"]
