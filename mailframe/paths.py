"""Paths that a caller gives: ``~`` is the home folder, and other objects are an error."""

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
"""The default of ``ledger=``: see ``default_path``."""
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
        path: the path that the caller gave.
        what: the method that takes the path, such as ``to_csv``; begins the error text.
        example: a name for the error text.
        error: the class of the error.

    Raises:
        MailframeError: *path* is None, a buffer, bytes, a URL or another object that is not a path.

    >>> local_path("results.csv", what="to_csv").name
    'results.csv'
    >>> local_path(None, what="to_csv")
    Traceback (most recent call last):
        ...
    mailframe.errors.MailframeError: to_csv takes a path, not None; write 'results.csv' or ...
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or not text.strip() or "\x00" in text:
        kind = "a buffer" if hasattr(path, "read") or hasattr(path, "write") else _shown(path)
        raise error(f"{what} takes a path, not {kind}; write {example!r} or a pathlib.Path")
    if _URL.match(text):
        raise error(f"{what} takes a path on this machine, not the URL {text!r}")
    return Path(expanded(text))


def expanded(path: str) -> str:
    """The text of a path with ``~`` as the home folder; unchanged if there is no such user.

    >>> expanded("a~b")
    'a~b'
    """
    # Path.expanduser raises if there is no such user
    return path if "\x00" in path else os.path.expanduser(path)  # noqa: PTH111


def _shown(value: object) -> str:
    return repr(value) if value is None or isinstance(value, str) else f"a {type(value).__name__}"


def other_form(path: str | os.PathLike[str]) -> str:
    """The end of an error text, if a missing file exists in another Unicode form; else ``""``.

    macOS and archives can write ``é`` as ``e`` and an accent (NFD). Both look alike, but are
    different names in most file systems.
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
                return f"; {tried!a} exists, the same name in another Unicode form: {how}"
    return ""


def default_path() -> Path:
    """The path of the ledger: ``MAILFRAME_LEDGER``, else one file per user.

    It does not depend on the working directory, because a campaign that is sent from two folders
    must use one ledger.
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
