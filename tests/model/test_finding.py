"""Findings of an examination."""

from pushgate.model.finding import Finding, Level, failure, ok, warning, worst


def test_findings_by_level() -> None:
    """Each level has a function that makes its findings; what is well needs no meaning and no advice."""
    assert ok("a-check", "what", "a line") == Finding(
        check="a-check", level=Level.OK, what="what", details=("a line",)
    )
    assert warning("a", "b", "c", "d") == Finding(
        check="a", level=Level.WARNING, what="b", meaning="c", advice="d"
    )
    assert failure("a", "b", "c", "d", "e") == Finding(
        check="a", level=Level.FAILURE, what="b", meaning="c", advice="d", details=("e",)
    )


def test_the_worst_level() -> None:
    """One failure outweighs all the rest; of nothing the worst is ok."""
    assert worst([]) == Level.OK
    assert worst([Level.OK, Level.FAILURE, Level.WARNING]) == Level.FAILURE
    assert worst([Level.WARNING, Level.OK]) == Level.WARNING
