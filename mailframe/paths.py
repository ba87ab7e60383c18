"""Paths as a person gives them: ``~`` is the home folder, and what is no path of a file is refused in words."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Final, Literal

import platformdirs

from mailframe.errors import LedgerError, MailframeError

_FORMS: Final[tuple[Literal["NFC", "NFD"], ...]] = ("NFC", "NFD")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

DEFAULT_LEDGER: Final = "default"
"""What ``ledger=`` is when nobody says anything."""
_EXAMPLE: Final = "ledger.sqlite3"
VARIABLE: Final = "MAILFRAME_LEDGER"


def local_path(
    path: object,
    *,
    what: str,
    example: str = "results.csv",
    error: type[MailframeError] = MailframeError,
) -> Path:
    """The path with ``~`` expanded.

    Args:
        path: what a caller gave.
        what: that it was given to, such as ``to_csv``; begins the message.
        example: a name to write instead.
        error: the class of the error.

    Raises:
        MailframeError: None, a buffer, bytes, a URL or another thing that is no path on this machine.

    >>> local_path("results.csv", what="to_csv").name
    'results.csv'
    >>> local_path(None, what="to_csv")
    Traceback (most recent call last):
        ...
    mailframe.errors.MailframeError: to_csv takes a path, not None; write 'results.csv' or a pathlib.Path
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or not text.strip() or "\x00" in text:
        kind = "a buffer" if hasattr(path, "read") or hasattr(path, "write") else _shown(path)
        raise error(f"{what} takes a path, not {kind}; write {example!r} or a pathlib.Path")
    if _URL.match(text):
        raise error(f"{what} takes a path on this machine, not the URL {text!r}")
    return Path(expanded(text))


def expanded(path: str) -> str:
    """The text of a path with ``~`` as the home folder; as it is where there is no such user.

    >>> expanded("a~b")
    'a~b'
    """
    return path if "\x00" in path else os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises where there is none


def _shown(value: object) -> str:
    return repr(value) if value is None or isinstance(value, str) else f"a {type(value).__name__}"


def other_form(path: str | os.PathLike[str]) -> str:
    """What to say of a path that is not there when the same text in another Unicode form is; else ``""``.

    A Mac or an archive may write ``é`` as ``e`` and an accent (NFD); both look alike, and most file systems tell
    them apart.
    """
    text = os.fspath(path)
    folder, name = os.path.split(text)
    for form in _FORMS:
        for tried in (
            unicodedata.normalize(form, text),
            os.path.join(folder, unicodedata.normalize(form, name)),  # noqa: PTH118
        ):
            if tried != text and os.path.exists(tried):  # noqa: PTH110 - text in, text out
                how = f"unicodedata.normalize({form!r}, path)"
                return f"; {tried!a} is there, the same name in another Unicode form: {how}"
    return ""


def default_path() -> Path:
    """Where the ledger is: ``MAILFRAME_LEDGER``, else one file for each user, whatever the working directory.

    The same campaign run from two folders must meet the same memory.
    """
    named = os.environ.get(VARIABLE)
    return (
        local_path(named, what=VARIABLE, example=_EXAMPLE, error=LedgerError)
        if named
        else Path(platformdirs.user_data_dir("mailframe")) / "ledger.sqlite3"
    )


def ledger_path(named: str | os.PathLike[str] | None) -> Path | None:
    """The path that ``ledger=`` names; None for no ledger."""
    if named is None:
        return None
    return (
        default_path()
        if named == DEFAULT_LEDGER
        else local_path(named, what="ledger=", example=_EXAMPLE, error=LedgerError)
    )
