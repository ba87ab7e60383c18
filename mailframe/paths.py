"""Paths that a caller gives: ``~`` is the home folder, and other objects are an error.

The place of a ledger is a path, or the URL of a PostgreSQL database.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

import platformdirs

from mailframe.errors import LedgerError, MailframeError
from mailframe.secret_values import MASK, SecretValue

_FORMS: Final[tuple[Literal["NFC", "NFD"], ...]] = ("NFC", "NFD")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SCHEME: Final = re.compile(r"postgres(ql)?(\+\w+)?://", re.IGNORECASE)
"""The start of a URL of PostgreSQL; SQLAlchemy adds the name of a driver."""
_POSTGRES: Final = re.compile(
    r"(jdbc:)?postgres(ql)?(\+\w+)?(:|//)"
    r"|(host|hostaddr|port|dbname|user|password|passfile|service)\s*=",
    re.IGNORECASE,
)
"""Also the start of what other programs take, and of a URL with a typing error: a file of that name
would show a password."""
EXAMPLE_URL: Final = "postgresql://user:password@host/database?schema=mailframe"
_USER: Final = re.compile(r"(://).*@", re.DOTALL)
DEFAULT_SCHEMA: Final = "mailframe"
_MIN_HIDDEN_CHARS: Final = 4
_SECRETS: Final = ("password", "sslpassword", "oauth_client_secret")
"""The parameters of libpq that are secrets."""

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
        shown = _USER.sub(rf"\1{MASK}@", text).partition("?")[0]
        raise error(f"{what} takes a path on this machine, not the URL {shown!r}")
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


class LedgerUrl(SecretValue[tuple[str, str]]):
    """The URL of a ledger on PostgreSQL; user, password and host are not shown.

    The text is not checked here: an error would show it in its traceback.

    Args:
        text: ``postgresql://user:password@host/database?schema=team_a``; all parts are optional.

    >>> url = LedgerUrl("postgresql://ann:secret@db.internal/mail?schema=team_a&sslmode=require")
    >>> url
    postgresql://…/mail?schema=team_a
    >>> url.schema, url.hide_in("the password 'secret' is wrong")
    ('team_a', "the password '•••' is wrong")
    """

    __slots__ = ()
    _NOT_PICKLABLE = "the URL of a ledger may hold a password and cannot be pickled"

    def __init__(self, text: str) -> None:
        start, _, query = text.partition("?")
        start = _SCHEME.sub("postgresql://", start, count=1)
        super().__init__((start, query))

    @property
    def schema(self) -> str:
        """The schema that holds the tables of the ledger."""
        return self._parameters().get("schema", DEFAULT_SCHEMA)

    @property
    def is_url(self) -> bool:
        """Whether it begins as a URL of PostgreSQL does."""
        return self._value()[0].startswith("postgresql://")

    def conninfo(self) -> str:
        """The URL for libpq, which does not know ``schema``."""
        start, query = self._value()
        rest = [one for one in query.split("&") if one and one.partition("=")[0] != "schema"]
        return f"{start}?{'&'.join(rest)}" if rest else start

    def hide_in(self, text: str) -> str:
        """Return *text* with ``•••`` for the URL and its passwords, also for that of PGPASSWORD."""
        authority = self._value()[0].partition("://")[2].rpartition("@")[0]
        password, parameters = authority.partition(":")[2], self._parameters()
        secrets = [self.conninfo(), self._value()[0], password, unquote(password)]
        secrets += [parameters.get(name, "") for name in _SECRETS]
        secrets.append(os.environ.get("PGPASSWORD", ""))
        for secret in secrets:
            if len(secret) >= _MIN_HIDDEN_CHARS:
                text = text.replace(secret, MASK)
        return text

    @property
    def is_shortened(self) -> bool:
        """Whether the text is what ``str`` returns, copied from an output."""
        return "…" in self._value()[0]

    def _parameters(self) -> dict[str, str]:
        pairs = (one.partition("=") for one in self._value()[1].split("&"))
        return {unquote(name): unquote(value) for name, _, value in pairs}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LedgerUrl) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __repr__(self) -> str:
        authority = self._value()[0].partition("://")[2]
        database = authority.rpartition("@")[2].partition("/")[2]
        schema = "" if self.schema == DEFAULT_SCHEMA else f"?schema={self.schema}"
        return f"postgresql://…/{unquote(database)}{schema}"


LedgerPlace: TypeAlias = Path | LedgerUrl
"""Where a ledger is."""
LedgerName: TypeAlias = str | os.PathLike[str] | LedgerUrl
"""What ``ledger=`` takes."""


def default_path() -> LedgerPlace:
    """The place of the ledger: ``MAILFRAME_LEDGER``, else one file per user.

    It does not depend on the working directory, because a campaign that is sent from two folders
    must use one ledger.
    """
    named = os.environ.get(VARIABLE)
    return (
        _ledger_place(named, what=VARIABLE)
        if named
        else Path(platformdirs.user_data_dir("mailframe")) / "ledger.sqlite3"
    )


def ledger_path(named: LedgerName | None) -> LedgerPlace | None:
    """The place that ``ledger=`` names; None for no ledger."""
    if named is None or isinstance(named, LedgerUrl):
        return named
    return default_path() if named == DEFAULT_LEDGER else _ledger_place(named, what="ledger=")


def needed_ledger_path(named: LedgerName | None) -> LedgerPlace:
    """The same for a call that needs a ledger; keep it in place of a URL with a password."""
    place = ledger_path(named)
    if place is None:
        raise LedgerError("this call needs a ledger: write ledger='path'")
    return place


def _ledger_place(named: object, *, what: str) -> LedgerPlace:
    if isinstance(named, str | os.PathLike) and _POSTGRES.match(os.fsdecode(named).strip()):
        return LedgerUrl(os.fsdecode(named).strip())
    return local_path(named, what=what, example=_EXAMPLE, error=LedgerError)
