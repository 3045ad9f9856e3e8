"""The drop-in APNs listener: programs written for Apple's binary service push through it unchanged.

`door` listens on two ports, `entrance` says whose a client is, `guest` is what connections have in common;
`notifications` takes frames in `runs`, `feedback` hands over dead tokens and `handed` remembers which;
`closing` makes sure that the last word arrives.
"""

from pushgate.inputs.apns_binary.input import plug_in

__all__ = ["plug_in"]
