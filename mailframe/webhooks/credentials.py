"""The user and password of basic authentication: checked, compared, never shown."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Final

from mailframe.errors import MailframeError
from mailframe.secret_values import SecretValue

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE: Final = "MAILFRAME_WEBHOOKS_AUTH"
_MOST_BYTES: Final = 4096


class Credentials(SecretValue[bytes]):
    """A user and a password, shown as ``•••``.

    >>> acme = Credentials(b"acme:secret")
    >>> acme.user, acme
    ('acme', •••)
    >>> acme.fit("Basic YWNtZTpzZWNyZXQ="), acme.fit("Basic YWNtZTp4"), acme.fit(None)
    (True, False, False)
    """

    __slots__ = ()
    _NOT_PICKLABLE = "a password cannot be pickled; read it again where it is needed"

    @property
    def user(self) -> str:
        """The user."""
        return self._value().partition(b":")[0].decode()

    def fit(self, header: str | None) -> bool:
        """Whether *header*, the ``Authorization`` of a request, has this user and password."""
        scheme, _, encoded = (header or "").partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        is_equal = hmac.compare_digest(given, self._value())  # it takes as long for each text
        return is_equal and scheme.lower() == "basic"


def credentials_of(secret: SecretValue[bytes], *, source: str) -> Credentials:
    """The credentials of a text ``user:password``.

    Args:
        secret: the text; a line break at its end does not count.
        source: where it comes from, for the error.

    Raises:
        MailframeError: it is not ``user:password``. The error does not contain it.
    """
    credentials = Credentials(_without_line_break(secret))
    if not _is_pair(credentials):
        raise MailframeError(
            f"{source} is not user:password, one line of UTF-8 with a user, a colon and a password"
        )
    return credentials


def read_credentials(path: Path) -> Credentials:
    """The credentials of a file with the one line ``user:password``.

    Raises:
        MailframeError: the file cannot be read, or has something else.
    """
    try:
        with path.open("rb") as file:
            secret = SecretValue(file.read(_MOST_BYTES + 1))
    except OSError as error:
        raise MailframeError(
            f"--auth-file {path}: it cannot be read ({error.strerror}); it has one line, "
            "user:password"
        ) from None
    return credentials_of(secret, source=f"--auth-file {path}")


def _without_line_break(secret: SecretValue[bytes]) -> bytes:
    return secret._value().removesuffix(b"\n").removesuffix(b"\r")  # noqa: SLF001 - no local has it


def _is_pair(credentials: Credentials) -> bool:
    try:
        text = credentials._value().decode()  # noqa: SLF001 - as above
    except UnicodeDecodeError:
        return False
    user, _, password = text.partition(":")
    return bool(user and password) and text.isprintable() and len(text) <= _MOST_BYTES
