"""What commands print for programs."""

import json

import pytest

from pushgate.cli.output import print_json, print_json_line

HOSTILE = "\x1b[2J \x9b31m \x7f \u202e \u2028 \U000e0041 Grüße"
"""What a terminal obeys, and a text that it shows."""


@pytest.mark.parametrize("write", [print_json, print_json_line])
def test_json_on_a_terminal(capsys: pytest.CaptureFixture[str], write):
    """No character in it is obeyed by a terminal, and a program reads what it would have read anyhow."""
    value = {"reason": HOSTILE, "more": {HOSTILE: [1, None]}}
    write(value)
    text = capsys.readouterr().out
    assert text.replace("\n", "").isprintable()
    assert "Grüße" in text
    assert json.loads(text) == value
