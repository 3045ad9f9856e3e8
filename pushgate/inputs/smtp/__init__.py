"""The SMTP input: MCMT messages by e-mail, in the format of Momentum.

`server` listens, `services` holds the state that its connections share, `connection` reads lines and answers
them in order, `dialogue` is Twisted's ESMTP server with the rules of this input, `line_reader` splits bytes
into lines, `message` collects a message and `submission` submits it; `replies` maps errors to SMTP replies.
"""

from pushgate.inputs.smtp.server import plug_in

__all__ = ["plug_in"]
