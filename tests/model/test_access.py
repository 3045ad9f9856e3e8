"""The rules of a hub."""

from pushgate.model.hub.access import AccessRule, Right


def test_to_manage_includes_the_rest():
    """A rule that may manage may listen and send; any other may what it says."""
    assert all(AccessRule(frozenset({Right.MANAGE}), (b"k",)).permits(right) for right in Right)
    listen = AccessRule(frozenset({Right.LISTEN}), (b"k",))
    assert [right for right in Right if listen.permits(right)] == [Right.LISTEN]


def test_keys_are_not_shown():
    """A rule in a traceback or a log does not give its keys away."""
    shown = repr(AccessRule(frozenset({Right.SEND}), (b"very secret key", b"another secret")))
    assert "secret" not in shown
    assert "2 keys" in shown
