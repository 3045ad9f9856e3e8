"""The files of a table: whether they can be read, and by whom."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509

from pushgate.model.finding import Finding, Level, failure, ok, warning
from pushgate.model.printable import printable
from pushgate.model.text_file import is_utf16, secret_in
from pushgate.net.certificate_formats import certificates_in

_T = TypeVar("_T")


class FileChecks:
    """Reads the files of one table, and collects the findings about them.

    :param wall: Unix seconds now.
    """

    def __init__(self, wall: float) -> None:
        self.wall = wall
        self.findings: list[Finding] = []

    @property
    def are_good(self) -> bool:
        """Whether nothing has failed."""
        return all(each.level is not Level.FAILURE for each in self.findings)

    def fail(self, check: str, what: str, meaning: str, advice: str, *details: str) -> None:
        """Note a failure."""
        self.findings.append(failure(check, what, meaning, advice, *details))

    def warn(self, check: str, what: str, meaning: str, advice: str, *details: str) -> None:
        """Note a warning."""
        self.findings.append(warning(check, what, meaning, advice, *details))

    def well(self, check: str, what: str, *details: str) -> None:
        """Note what is as it should be."""
        self.findings.append(ok(check, what, *details))

    def read(self, key: str, path: Path, *, is_secret: bool = False) -> bytes | None:
        """The content of a file; None after a failure.

        :param is_secret: others must not read it.
        """
        shown = printable(path)
        try:
            data, mode = path.read_bytes(), path.stat().st_mode
        except OSError as error:
            self.findings.append(_unreadable(key, shown, error))
            return None
        if is_secret and mode & stat.S_IROTH:
            self.warn(
                "file-mode", f"{key}: {shown}: every user of this machine may read it",
                "every user of this machine can read it, and push in your name", f"chmod o= {shown}",
            )  # fmt: skip
        if not data.strip():
            self.fail("file-empty", f"{key}: {shown}: it is empty", _NO_START, "put the content there")
            return None
        return data

    def password(self, key: str, path: Path) -> bytes | None:
        """The password in a file, or the secret; None after a failure."""
        data = self.read(key, path, is_secret=True)
        if data is None:
            return None
        if is_utf16(data):
            self.fail(
                "secret-form", f"{key}: {printable(path)}: text in UTF-16", _NO_START,
                "save it as UTF-8 or ASCII",
            )  # fmt: skip
            return None
        return secret_in(data)

    def secret(self, key: str, path: Path) -> str | None:
        """The secret in a file of one line; None after a failure."""
        secret = self.password(key, path)
        if secret is None:
            return None
        if secret != secret.strip() or b"\n" in secret:
            self.warn(
                "secret-blanks", f"{key}: {printable(path)}: blanks around the secret, or several lines",
                "they count as part of it, which is hardly meant", "write the secret and nothing else",
            )  # fmt: skip
        else:
            self.well("secret", f"{key}: {printable(path)}: one line")
        return secret.decode("utf-8", "replace")

    def authorities(self, key: str, path: Path | None, meaning: str, prefix: str = "trust") -> None:
        """Look at a file of authorities.

        :param meaning: what follows when one of them has expired.
        :param prefix: of the checks' identifiers.
        """
        data = None if path is None else self.read(key, path)
        if data is None:
            return
        try:
            found = certificates_in(data)
        except ValueError as error:
            self.fail(
                f"{prefix}-form", f"{key}: {printable(path)}: {error}", _NO_START,
                "put the certificates of the authorities there, in PEM",
            )  # fmt: skip
            return
        over = [each for each in found if each.not_valid_after_utc.timestamp() < self.wall]
        if over:
            names = ", ".join(printable(each.subject.rfc4514_string()) for each in over)
            self.warn(
                f"{prefix}-dates", f"{key}: {printable(path)}: has expired: {names}", meaning,
                "add the authorities that took its place",
            )  # fmt: skip
        else:
            self.well(prefix, f"{key}: {printable(path)}: {_number(found)}")

    def trust(self, path: Path | None) -> None:
        """Look at the authorities of the key `trust`."""
        self.authorities("trust", path, "a service that stands on it is not trusted")

    def parsed(
        self, key: str, path: Path, parse: Callable[[bytes], _T], kind: Callable[[bytes], tuple[str, str]]
    ) -> _T | None:
        """What `parse` makes of a secret file; None after a failure, such as a ValueError of it.

        :param kind: the check that fails with this content, and the advice.
        """
        data = self.read(key, path, is_secret=True)
        if data is None:
            return None
        try:
            return parse(data)
        except ValueError as error:
            check, advice = kind(data)
            self.fail(check, f"{key}: {printable(path)}: {error}", _NO_START, advice)
            return None


_NO_START: Final = "a gateway does not start with it, and a reload changes nothing"


def _unreadable(key: str, shown: str, error: OSError) -> Finding:
    if isinstance(error, FileNotFoundError):
        return failure(
            "file-missing", f"{key}: {shown}: there is no such file", _NO_START,
            "check the path; one that does not begin with / is relative to the gateway's directory",
        )  # fmt: skip
    if isinstance(error, PermissionError):
        return failure(
            "file-permission", f"{key}: {shown}: this user may not read it", _NO_START,
            f"let the gateway's group read it: chgrp pushgate {shown}, chmod 640",
        )  # fmt: skip
    why = error.strerror or "it cannot be read"
    return failure(
        "file-unreadable", f"{key}: {shown}: {why}", _NO_START, "put a file there that can be read"
    )


def _number(found: list[x509.Certificate]) -> str:
    return "one authority" if len(found) == 1 else f"{len(found)} authorities"
