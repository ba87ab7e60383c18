"""Every error that mailframe raises on purpose, under one root.

::

    MailframeError
    ├── LetterError          the letter is at fault: syntax, an unknown column, a header, a metadata key
    │   └── UnknownField     (also TypeError) a field that letters do not have
    ├── FrameError           the frame or its key is at fault: its shape, its columns, doubled keys
    │   ├── NotAFrame        (also TypeError) something that is no DataFrame; says how to make it one
    │   └── AccessorError    (also AttributeError) ``df.mail`` was asked for what only a column has
    ├── TokenError           there is no token, or it cannot be one; raised before anything is contacted
    ├── NotPicklable         (also TypeError) what cannot leave its process, such as a server with its token
    ├── MissingExtra         (also ImportError) an optional part is not installed; says which command does it
    ├── LedgerError          the ledger cannot be made, read, written, locked or believed; nothing was sent
    │   ├── CampaignBusy     another notebook or process is sending this campaign
    │   ├── LedgerBehind     Postmark holds more of this campaign than the ledger knows
    │   ├── LetterChanged    some people have the campaign with an earlier letter
    │   └── AlreadySentElsewhere these people have the identical message under another name or key
    ├── SandboxError         the local Postmark could not start, or was asked for something it cannot do
    ├── ResultsError         a frame that is not a results frame, or a results file that cannot be read
    └── SendError            a run that did not go through; carries ``.results``, one row per row of the frame
        ├── InvalidRows      our own checks found errors; nothing was sent; also carries ``.problems``
        ├── NotApproved      the campaign is not the one that was approved; nothing was sent
        ├── TokenRefused     the server does not know the token (HTTP 401); nothing more was sent
        ├── RequestRefused   the server refused a whole request (HTTP 4xx); nothing in it was processed
        ├── EveryoneRejected each message of a batch was rejected for a reason that would meet the next too
        ├── LedgerStopped    the ledger could not be written in the middle of a run; the rest is ``unsent``
        ├── ServerBusy       429 or 503 outlasted our patience; the rest is ``unsent``
        └── ServerUnreachable no connection could be made; the rest is ``unsent``

Every warning is a ``MailframeWarning``.
A fault of one row is no error of this tree: it is a problem of that row (see ``problems.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class MailframeError(Exception):
    """The root of every error that mailframe raises on purpose.

    It can be pickled with all that it carries, so that a worker of a process pool can raise it.

    Attributes:
        results: the results frame so far, when it was raised by ``send`` or ``send_test``; else None.
    """

    results: pd.DataFrame | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call the class with the text alone: one that wants more makes a process pool hang.
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(kind: type[MailframeError], args: tuple[object, ...]) -> MailframeError:
    error = kind.__new__(kind, *args)
    super(MailframeError, error).__init__(*args)
    return error


class NotPicklable(MailframeError, TypeError):
    """What cannot leave its process; the message says why and what to do instead."""


class MailframeWarning(UserWarning):
    """The root of every warning of mailframe: what a person should know and what stopped nothing.

    Attributes:
        results: the results frame of the run; with ``-W error`` the warning is raised when the run is over.
    """

    def __init__(self, message: str, *, results: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.results = results


class LetterError(MailframeError):
    """The letter is at fault; nothing can be rendered from it."""


class UnknownField(LetterError, TypeError):
    """A letter has no such field; the message has near names."""


class FrameError(MailframeError):
    """The frame or its key is at fault; no row of it can be mailed."""


class NotAFrame(FrameError, TypeError):
    """Something else was given where a DataFrame is needed."""


class AccessorError(FrameError, AttributeError):
    """``df.mail`` has no such attribute; names ``df["mail"]`` where the frame has such a column."""


class TokenError(MailframeError):
    """There is no token, or what was given cannot be one. The message never holds it."""


class MissingExtra(MailframeError, ImportError):
    """An optional part is not installed; the message names the command that installs it."""

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(f'{part} needs the extra "{extra}": pip install "mailframe[{extra}]"')


class LedgerError(MailframeError):
    """The ledger cannot be made, read, written, locked or believed; nothing more was sent."""


class CampaignBusy(LedgerError):
    """Another notebook or process is sending this campaign."""


class LedgerBehind(LedgerError):
    """Postmark holds more of this campaign than the ledger knows."""


class LetterChanged(LedgerError):
    """Some people have the campaign with an earlier letter; nobody was sent the new one."""


class AlreadySentElsewhere(LedgerError):
    """These people have, or may have, the identical message under another name or another key."""


class SandboxError(MailframeError):
    """The local Postmark could not do what was asked of it."""


class ResultsError(MailframeError):
    """A frame that is not a results frame, or a results file that cannot be read."""


class SendError(MailframeError):
    """A run that did not go through.

    Attributes:
        results: the results frame so far, one row per row of the campaign's frame.
    """

    results: pd.DataFrame

    def __init__(self, message: str, *, results: pd.DataFrame) -> None:
        super().__init__(message)
        self.results = results


class InvalidRows(SendError):
    """Our own checks found errors and nothing was sent.

    Attributes:
        problems: the frame of ``campaign.problems()``.
    """

    def __init__(self, message: str, *, results: pd.DataFrame, problems: pd.DataFrame) -> None:
        super().__init__(message, results=results)
        self.problems = problems


class NotApproved(SendError):
    """The campaign's fingerprint is not the one that was given as ``approved``; nothing was sent."""


class TokenRefused(SendError):
    """The server does not know the token (HTTP 401)."""


class RequestRefused(SendError):
    """The server refused a whole request; nothing in it was processed."""


class EveryoneRejected(SendError):
    """Each message of a batch was rejected for a reason that would meet the next one too."""


class LedgerStopped(SendError):
    """The ledger could not be written in the middle of a run; the rest is ``unsent``."""


class ServerBusy(SendError):
    """429 or 503 outlasted our patience; what was not taken is ``unsent``."""


class ServerUnreachable(SendError):
    """No connection could be made; what was not taken is ``unsent``."""
