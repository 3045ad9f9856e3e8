"""The gateway's state in pages: each fits an AMP value, together they are all of it."""

import msgspec

from pushgate.inputs.amp.stats_page import ROOM, page


def state(names, size=10):
    """What a gateway with these apps says; the app `late` has no outcomes yet."""
    apps = {name: {"depth": 0, "cause": "x" * size} for name in names}
    outcomes = {name: {"accepted": 1} for name in names if name != "late"}
    sinks = {"log": {"buffered": 0, "watches": False}, "watch-1": {"buffered": 0, "watches": True}}
    return {"unsettled": 3, "sinks": sinks, "apps": apps, "outcomes": outcomes}


def test_few_apps_are_one_page():
    """It has everything, the programs that watch left out, and is the last."""
    whole = state(["a", "late"])
    shown, more = page(whole, "")
    assert shown == {**whole, "sinks": {"log": {"buffered": 0, "watches": False}}}
    assert not more


def test_many_apps():
    """Each page follows the last app of the one before, fits, and only the first has what is of no app."""
    names = [f"app-{number:03}" for number in range(200)]
    whole, after, found = state(names, size=1000), "", []
    while True:
        shown, more = page(whole, after)
        assert len(msgspec.json.encode(shown)) <= ROOM + 1000
        assert ("unsettled" in shown, "sinks" in shown) == (after == "", after == "")
        assert shown["outcomes"].keys() == shown["apps"].keys()
        found += shown["apps"]
        if not more:
            break
        after = found[-1]
    assert found == names


def test_an_app_too_large():
    """It is a page of its own all the same, so that the next page begins behind it."""
    shown, more = page(state(["a", "b"], size=2 * ROOM), "")
    assert (list(shown["apps"]), more) == (["a"], True)


def test_without_sinks_and_outcomes():
    """What the gateway does not say is in no page."""
    assert page({"apps": {"a": {}}}, "") == ({"apps": {"a": {}}}, False)
