"""What a client program imports: `pushgate.client` alone."""

from pushgate import client
from pushgate.model import errors


def subclasses(kind):
    """All classes derived from one, however far."""
    return {each for direct in kind.__subclasses__() for each in {direct, *subclasses(direct)}}


def test_every_error_that_a_call_may_fail_with_is_there():
    """A program catches what a gateway refuses, and what became of the connection, without knowing our folders."""
    wanted = subclasses(errors.Refusal) | {
        errors.PushgateError, errors.Refusal, errors.Internal, errors.Unreachable, errors.FateUnknown,
    }  # fmt: skip
    # Those of hubs are kinds of them: a wire carries the code, and what comes out is what has that code.
    ours = {each for each in wanted if each.__module__ == "pushgate.model.errors"}
    assert {each.__name__ for each in ours if getattr(client, each.__name__, None) is not each} == set()
    assert {each.__name__ for each in ours} <= set(client.__all__)


def test_all_is_there():
    """What is listed can be imported."""
    assert [name for name in client.__all__ if not hasattr(client, name)] == []
