"""The demonstration: a gateway and a push service as processes of their own, and an audit of what they say.

`pushgate.cli.demo` is the command; here is what it does, without a word about how it is shown.
"""
