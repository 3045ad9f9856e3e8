"""Text in files as editors and shells write it."""

import pytest

from pushgate.model.text_file import UTF16, secret_in, text_lines, without_bom

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"word", b"word"),
        (b"word\n", b"word"),
        (b"word\r\n", b"word"),
        (b"word\n\n", b"word"),
        (BOM + b"word\n", b"word"),
        (b" two words \n", b" two words "),
        (b"\tword\t\r\n", b"\tword\t"),
        ("grüße".encode("latin-1"), b"gr\xfc\xdfe"),
        (b"", b""),
    ],
)
def test_a_secret(content: bytes, secret: bytes) -> None:
    """Blanks around it are its own; the mark before it and the end of its line are the file's."""
    assert secret_in(content) == secret


def test_lines() -> None:
    """Lines without their ends, whichever system wrote them, and without the mark."""
    assert text_lines(BOM + b"a\r\n b\n") == [b"a", b" b"]
    assert without_bom(BOM + b"{}") == b"{}" == without_bom(b"{}")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf16(encoding: str) -> None:
    """What PowerShell writes is said to be what it is."""
    content = (
        "\ufeffword".encode(encoding) if encoding != "utf-16" else b"\xff\xfe" + "word".encode("utf-16-le")
    )
    for read in (secret_in, text_lines):
        with pytest.raises(ValueError, match=UTF16):
            read(content)
