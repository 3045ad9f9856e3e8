"""Random bits, many of them read from the system at a time."""

import os

import pytest

from pushgate.service.entropy import Entropy


@pytest.mark.parametrize("count", [1, 58, 64])
def test_so_many_bits(count: int) -> None:
    """Each number has that many at most, all are used, and none comes again."""
    entropy = Entropy()
    numbers = [entropy.bits(count) for _ in range(2000)]
    combined = 0
    for number in numbers:
        combined |= number
    assert combined == (1 << count) - 1
    assert count == 1 or len(set(numbers)) == len(numbers)


def test_few_system_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand numbers need four: each call may have to wait for the interpreter."""
    calls: list[int] = []
    monkeypatch.setattr(os, "urandom", lambda size: calls.append(size) or bytes(size))
    entropy = Entropy()
    assert {entropy.bits(58) for _ in range(2000)} == {0}
    assert len(calls) == 4
