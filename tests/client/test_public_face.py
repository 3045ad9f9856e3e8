"""What a client program imports: `pushgate.client` alone."""

import subprocess
import sys

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
    # A gateway has refusals of further kinds, whose codes are those of these.
    ours = {each for each in wanted if each.__module__.startswith(("pushgate.client", errors.__name__))}
    assert {each.__name__ for each in ours if getattr(client, each.__name__, None) is not each} == set()
    assert {each.__name__ for each in ours} <= set(client.__all__)


def test_all_is_there():
    """What is listed can be imported."""
    assert [name for name in client.__all__ if not hasattr(client, name)] == []


def test_a_client_needs_nothing_of_the_configuration():
    """A program that pushes does not wait until pydantic is imported, which only the gateway's tables need."""
    program = "import sys, pushgate.client; print({'pydantic', 'pushgate.plugin'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
