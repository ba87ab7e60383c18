"""How an error ends a command: its exit code, and what to write on the command line instead."""

from __future__ import annotations

from typing import Final

from mailframe import errors

DONE: Final = 0
ROWS_REMAIN: Final = 1
REFUSED: Final = 3
INTERRUPTED: Final = 130

_OF_ROWS: Final = (
    errors.InvalidRows,
    errors.ServerBusy,
    errors.ServerUnreachable,
    errors.ShareExceeded,
    errors.CapReached,
)
_ADVICE: Final[dict[type[errors.MailframeError], str]] = {
    errors.InvalidRows: "`mailframe problems` lists all problems; --on-invalid skip sends the "
    "other rows",
    errors.NotApproved: "write a new page with `mailframe preview`, and give the fingerprint that "
    "is approved to --approved",
    errors.TokenRefused: "put the token of your Postmark server into POSTMARK_SERVER_TOKEN",
    errors.TokenError: "put the token of your Postmark server into the environment variable "
    "POSTMARK_SERVER_TOKEN, or try it with `mailframe sandbox` and --base-url",
    errors.CampaignBusy: "wait until the other run has ended, then run this command again",
    errors.LetterChanged: "--allow-changed sends this letter to the rest",
    errors.AlreadySentElsewhere: "if they should get it again, add --allow-repeat",
    errors.CapReached: "run the command again; it leaves these people out",
    errors.SearchError: "look at --base-url, and at what answers in between, such as a proxy",
    errors.LedgerError: "--ledger or the variable MAILFRAME_LEDGER names the ledger",
    errors.ServerBusy: "run the command again later; it sends only what is unsent",
    errors.ServerUnreachable: "run the command again later; it sends only what is unsent",
    errors.ShareExceeded: "look at the rows that failed; the command goes on with those that are "
    "unsent when it is run again",
    errors.LedgerStopped: "make room for the ledger, or wait until its database answers, then run "
    "the command again",
}
"""By class; the first class of an error that is listed counts."""


def exit_code_of(error: errors.MailframeError) -> int:
    """ROWS_REMAIN if rows, or running again, are the way out; REFUSED if it is the set-up.

    >>> exit_code_of(errors.TokenError("none")), exit_code_of(errors.LetterError("no such folder"))
    (3, 3)
    """
    return ROWS_REMAIN if isinstance(error, _OF_ROWS) else REFUSED


def advice_of(error: errors.MailframeError) -> str | None:
    """What to write on the command line instead; None where the error says all of it.

    >>> advice_of(errors.CampaignBusy("'spring' is being sent by another process"))
    'wait until the other run has ended, then run this command again'
    """
    matches = (_ADVICE[kind] for kind in type(error).__mro__ if kind in _ADVICE)
    return next(matches, None)
