"""The words of the ``reason`` column of the results that no ErrorCode or problem gives.

Which words a row has depends on its status:

========  ==============================================================================
invalid   the codes of its problems, see ``problems.py``
rejected  a word for Postmark's ErrorCode, see ``postmark/error_codes.py``
skipped   a word of this module
unsent    what ended the run (``send/``), in words of this module
unknown   why there is no clear answer (``Answer.reason``), or ``not_read`` of this module
========  ==============================================================================
"""

from __future__ import annotations

from typing import Final

# --- skipped -----------------------------------------------------------------------------------

ALREADY_SENT: Final = "already_sent"
"""The message was accepted in an earlier run."""
NO_CONSENT: Final = "no_consent"
"""The cell of ``compose(consent=…)`` is not true."""
EXCLUDED: Final = "excluded"
"""``send(exclude=…)`` names the row."""
SUPPRESSED: Final = "suppressed"
"""Postmark sends nothing to the recipient in this stream."""
FREQUENCY_CAP: Final = "frequency_cap"
"""``send(at_most=…)``: the recipient has so many emails of late."""
HOLDOUT: Final = "holdout"
"""``compose(holdout=…)`` keeps the row without a message, for a comparison."""

# --- unsent ------------------------------------------------------------------------------------

LIMIT: Final = "limit"
"""``send(limit=…)`` was reached."""
INTERRUPTED: Final = "interrupted"
"""The user interrupted the run."""
DRY_RUN: Final = "dry run"
"""A send would post the message."""
NOT_SENT: Final = "not sent"
"""The run ended, and nothing else is known."""
_MAX_CHARS: Final = 120


def stopped(why: object) -> str:
    """The run was stopped after its first request.

    >>> stopped("batch 2 is unknown")
    'stopped: batch 2 is unknown'
    """
    return f"stopped: {why}"


def nothing_sent(refusal: Exception) -> str:
    """The run was refused: the first words of the error, on one line.

    >>> nothing_sent(ValueError("batch 1 is too young. Decide later; nothing was sent"))
    'nothing was sent: batch 1 is too young'
    """
    text = (
        " ".join(str(refusal).split())
        .removesuffix("; nothing was sent")
        .removeprefix("nothing was sent: ")
    )
    for end in ("; ", ". "):
        text = text.partition(end)[0]
    is_long = len(text) > _MAX_CHARS
    return f"nothing was sent: {text[: _MAX_CHARS - 1] + '…' if is_long else text}"


# --- unknown -----------------------------------------------------------------------------------

UNKNOWN: Final = "unknown"
"""The ledger does not record why there is no clear answer."""
UNKNOWN_EARLIER: Final = "no clear answer came in an earlier run"
NOT_READ: Final = "its history could not be read"
"""Start of the reason of a row for which earlier sends could not be looked up."""
LOCKED: Final = "the ledger was locked"
UNREADABLE: Final = "the ledger could not be read"
BEHIND: Final = "Postmark has messages that are not in this ledger; use mf.adopt"
OTHER_KEY: Final = "the ledger has this campaign with another key"
OTHER_SPELLING: Final = "the ledger has this recipient under another spelling of the key"
NOT_CHECKED: Final = "the run was interrupted before its rows were checked"
NO_SERVER: Final = "the server could not be identified"


def not_read(cause: str) -> str:
    """Whether the message was sent earlier could not be looked up; *cause* is one of the above.

    >>> not_read(LOCKED)
    'its history could not be read: the ledger was locked'
    """
    return f"{NOT_READ}: {cause}"
