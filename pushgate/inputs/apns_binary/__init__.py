"""The APNs input: programs written for Apple's binary service push through it unchanged.

`input` listens on two ports, `authentication` finds the app of a client, `base_connection` is common to both
kinds of connection; `push_connection` takes frames in `frame_runs`, `feedback_connection` delivers dead
tokens and `feedback_delivered` remembers which; `graceful_close` makes sure that the last response arrives.
"""

from pushgate.inputs.apns_binary.input import plug_in

__all__ = ["plug_in"]
