"""The server token: checked, and hidden in every repr, log and traceback."""

from __future__ import annotations

from typing import Final

from mailframe.errors import TokenError
from mailframe.secret_values import MASK, SecretValue

TOKEN_VARIABLE: Final = "POSTMARK_SERVER_TOKEN"  # noqa: S105 - not a token
TEST_TOKEN: Final = "POSTMARK_API_TEST"  # noqa: S105 - public; Postmark delivers nothing
_MIN_HIDDEN_CHARS: Final = 8


class Secret(SecretValue[str]):
    """A text that is shown as ``•••`` everywhere.

    >>> token = Secret("0a1b2c3d-secret")
    >>> print(token, repr(token), f"{token}", [token])
    ••• ••• ••• [•••]
    >>> token.reveal()
    '0a1b2c3d-secret'
    """

    __slots__ = ()

    def reveal(self) -> str:
        """Return the value, to send it."""
        return self._value()

    def hide_in(self, text: str) -> str:
        """Return *text* with ``•••`` for the value, also in upper or lower case.

        A value below 8 characters is not hidden: tokens of Postmark are longer, and the token of a
        sandbox could be part of ordinary words.

        >>> Secret("0a1b2c3d-secret").hide_in("The token 0A1B2C3D-SECRET is not valid.")
        'The token ••• is not valid.'
        """
        value = self.reveal()
        if len(value) < _MIN_HIDDEN_CHARS:
            return text
        return text.replace(value, MASK).replace(value.lower(), MASK).replace(value.upper(), MASK)


def checked_token(secret: Secret | None, *, source: str) -> Secret:
    """Return *secret* if it can be a token.

    No local variable has its text, which a traceback could show.

    Raises:
        TokenError: *secret* is None, empty, or has characters that no token has.
    """
    if secret is None:
        raise TokenError(
            f"{source} must be text. Write mf.Postmark(token) or set {TOKEN_VARIABLE}."
        )
    if not secret.reveal() and source == TOKEN_VARIABLE:
        raise TokenError(
            f"There is no token. Set the environment variable {TOKEN_VARIABLE} or write "
            "mf.Postmark(token). To try mailframe without an account, use mf.Sandbox() or the "
            f"token {TEST_TOKEN}."
        )
    if not all("!" <= char <= "~" for char in secret.reveal()) or not secret.reveal():
        raise TokenError(
            f"{source} is empty, or contains a space, a line break or a character outside ASCII. A "
            "server token has 36 letters, digits and hyphens: copy it again, and nothing around it."
        )
    return secret
