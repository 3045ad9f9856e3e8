"""What holds for every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The machine may be busy: how long an example takes says nothing about the rule it checks.
# The same examples in every run, so that a change is blamed for what it does; PUSHGATE_HYPOTHESIS=search looks
# for others, as often as you like.
settings.register_profile("pushgate", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("PUSHGATE_HYPOTHESIS", "pushgate"))


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory):
    """Run all tests in a directory of their own, as trial does: the checkout stays as it is."""
    home = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("tests"))
    yield
    os.chdir(home)
