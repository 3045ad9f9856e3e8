"""What the doctor prints: findings as they come for people, one object for programs."""

from collections import Counter
from textwrap import wrap
from typing import Any, Final

from pushgate.cli.doctor.parts import Part
from pushgate.cli.output import print_json
from pushgate.model.finding import Finding, Level, worst
from pushgate.model.printable import escaped

WIDTH: Final = 80
"""Columns of the text at most, on a wider terminal too."""
_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILURE: "bold red"}


class JSONReport:
    """Everything at the end, as one object.

    :ivar levels: how many findings there were of each.
    """

    def __init__(self) -> None:
        self.levels = Counter[Level]()
        self._findings: list[dict[str, Any]] = []

    def begin(self, part: Part) -> None:
        """A part is examined from now on."""

    def found(self, part: Part, finding: Finding) -> None:
        """A finding about a part."""
        self.levels[finding.level] += 1
        fields = {key: getattr(finding, key) for key in Finding.__struct_fields__}
        self._findings.append({"part": part.name, "plug_in": part.kind or None, **fields})

    def end(self) -> None:
        """There is no other part."""
        counts = {level.value: self.levels[level] for level in Level}
        print_json({"worst": worst(list(self.levels)), "counts": counts, "findings": self._findings})


class TextReport:
    """Each finding at once, as text of 80 columns at most; in a pipe the same without colours."""

    def __init__(self) -> None:
        from rich.console import Console

        self.levels = Counter[Level]()
        self._console = Console(highlight=False, soft_wrap=True)
        self._width = min(WIDTH, self._console.width)

    def begin(self, part: Part) -> None:
        """A heading."""
        self._say(f"{part.name} ({part.kind})" if part.kind else part.name, style="bold")

    def found(self, part: Part, finding: Finding) -> None:
        """A finding, what it means and what to do beneath it."""
        self.levels[finding.level] += 1
        self._say(
            f"{finding.check}: {finding.what}",
            first=f"  {finding.level:8}", rest=" " * 10, first_style=_STYLES[finding.level],
        )  # fmt: skip
        for line in finding.details:
            self._say(line, first=" " * 12, rest=" " * 14, style="dim")
        for label, text in (("it means", finding.meaning), ("to do", finding.advice)):
            if text:
                self._say(f"{label}: {text}", first=" " * 10, rest=" " * 12)

    def end(self) -> None:
        """The sum."""
        failures, warnings = self.levels[Level.FAILURE], self.levels[Level.WARNING]
        self._say(
            f"{_number(failures, 'failure')}, {_number(warnings, 'warning')}, {self.levels[Level.OK]} ok"
        )

    def _say(
        self, text: str, first: str = "", rest: str = "", style: str = "", first_style: str = ""
    ) -> None:
        """Print a paragraph.

        :param first: what stands before its first line, and `rest` before the others.
        """
        from rich.text import Text

        width = max(self._width - len(rest), 20)
        lines = [
            line for each in escaped(text).splitlines() for line in wrap(each, width, break_on_hyphens=False)
        ]
        for number, line in enumerate(lines):
            lead = (rest, "") if number else (first, first_style)
            self._console.print(Text.assemble(lead, (line, style)))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
