"""The SMTP input: MCMT messages by e-mail, as Momentum takes them.

`server` listens and holds what its connections share, `connection` reads lines and answers them in order,
`dialogue` is Twisted's server of ESMTP with the rules of this input, `line_reader` cuts lines out of bytes,
`message` collects one and `submission` submits it; `replies` say what is wrong in the codes of SMTP.
"""

from pushgate.inputs.smtp.server import plug_in

__all__ = ["plug_in"]
