"""Decoding messages with properties of any kind."""

from twisted.logger import Logger

from pushgate.inputs.amqp.message import Message, as_text
from pushgate.inputs.amqp.message_body import Asked, RulesOf, read
from pushgate.model.errors import Internal, Invalid, Refusal, TooLarge
from pushgate.net.amqp.connect import Unreadable

_log = Logger()


def read_message(message: Message, limit: int, rules_of: RulesOf) -> Asked:
    """The notifications of a message.

    Raises a `Refusal` or, when decoding fails because of a bug, `Internal`; nothing else.

    :param limit: bytes of a body at most.
    :param rules_of: see `RulesOf`.
    """
    size, properties = len(message.body), message.properties
    if size > limit:
        raise TooLarge("message", size, limit)
    if isinstance(properties, Unreadable):
        raise Invalid("headers", "not readable", "only values that AMQP 0-9-1 has")
    kind, encoding = properties.content_type, properties.content_encoding
    try:
        return read(message.body, kind and as_text(kind), encoding and as_text(encoding), rules_of)
    except Refusal:
        raise
    except Exception as error:
        # Passed on, it would end the connection, and the message would be delivered again, here or elsewhere.
        _log.failure("reading a message of a queue")
        raise Internal("the gateway failed at this message; its log says why") from error
