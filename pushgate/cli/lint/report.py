"""A report of the linter as lines for people, whose editors find the places in them."""

from collections.abc import Iterator

import click

from pushgate.model.printable import escaped
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.lint import LintReport

_COLOURS = {Grade.ERROR: "red", Grade.WARNING: "yellow"}


def lines(name: str, report: LintReport) -> Iterator[str]:
    """What a payload is, how large it is, and what is wrong with it.

    :param name: the file's, or what stands for it.
    """
    yield f"{name}: {_kind(report)}, {report.size:,} bytes{_properties(report)}"
    for verdict, fits in (("fits", True), ("too large for", False)):
        of = ", ".join(f"{each.of} ({each.limit:,})" for each in report.sizes if each.fits is fits)
        if of:
            yield f"  {verdict} {of}"
    for flaw in report.flaws:
        yield from _flaw(name, flaw)
    yield _total(report)


def _kind(report: LintReport) -> str:
    kind = f"{report.service} for {report.platform}" if report.platform else report.service
    return f"{kind}, {escaped(report.push_type)}" if report.push_type else kind


def _properties(report: LintReport) -> str:
    if not report.platform:
        return ""
    return f" without its properties: {', '.join(report.properties) or 'none'}"


def _flaw(name: str, flaw: Flaw) -> Iterator[str]:
    where = f"{name}:{flaw.line}:{flaw.column}" if flaw.line else name
    grade = click.style(flaw.grade, fg=_COLOURS[flaw.grade])
    path = f"{flaw.path}: " if flaw.path else ""
    yield escaped(f"{where}: ") + grade + escaped(f": {path}{flaw.what}")
    yield escaped(f"    {flaw.advice}")


def _total(report: LintReport) -> str:
    counts = [(report.count(grade), grade) for grade in Grade]
    found = [f"{count} {grade}{'s' if count > 1 else ''}" for count, grade in counts if count]
    return ", ".join(found) or click.style("nothing is wrong with it", fg="green")
