"""Every error that mailframe raises on purpose, under one root.

::

    MailframeError
    ├── LetterError          the letter is wrong: syntax, an unknown column, a header, metadata
    │   └── UnknownField     (also TypeError) a field that letters do not have
    ├── FrameError           the DataFrame or its key is wrong: its shape, columns, repeated keys
    │   ├── NotAFrame        (also TypeError) not a DataFrame; says how to make it one
    │   └── AccessorError    (also AttributeError) ``df.mail`` was used as a column
    ├── TokenError           there is no token, or it cannot be one; raised before any request
    ├── NotPicklable         (also TypeError) an object that cannot leave its process
    ├── MissingExtra         (also ImportError) an optional part is not installed; says how to
    ├── LedgerError          the ledger cannot be made, read, written, locked or trusted
    │   ├── CampaignBusy     another notebook or process is sending this campaign
    │   ├── LedgerBehind     Postmark has more messages of this campaign than the ledger
    │   ├── LetterChanged    some rows were sent with an earlier letter
    │   ├── AlreadySentElsewhere  recipients have the identical message under another name or key
    │   └── CapReached       during a send with ``at_most`` people got emails of another campaign
    ├── AccountError         Postmark did not answer a question, or refused a change of the account
    │   └── SearchError      (also LedgerError) a question about a campaign had no usable answer
    ├── SandboxError         the local Postmark could not start, or cannot do what was asked
    ├── ResultsError         not a results DataFrame, or a results file that cannot be read
    └── SendError            a send that did not go through; ``.results`` has each row's status
        ├── InvalidRows      the checks found errors; nothing was sent; also has ``.problems``
        ├── NotApproved      the campaign is not the approved one; nothing was sent
        ├── UnknownTemplate  the server has no such template; nothing was sent
        ├── TokenRefused     the server refused the token (HTTP 401); nothing more was sent
        ├── RequestRefused   the server refused a whole request (HTTP 4xx), and processed none of it
        ├── EveryoneRejected every message of a batch was rejected, and the next would be too
        ├── ShareExceeded    too many messages were rejected or bounced; see ``stop_when``
        ├── LedgerStopped    the ledger could not be written during a send; the rest is ``unsent``
        ├── ServerBusy       429 or 503 after every retry; the rest is ``unsent``
        └── ServerUnreachable  no connection could be made; the rest is ``unsent``

Every warning is a ``MailframeWarning``.
An error in one row is not in this tree: it is a problem of that row (see ``problems.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class MailframeError(Exception):
    """The root of every error that mailframe raises on purpose.

    It is pickled with all of its attributes, so that a worker of a process pool can raise it.

    Attributes:
        results: the results so far, if it was raised by ``send`` or ``send_test``; else None.
    """

    results: pd.DataFrame | None = None

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: your lines and the message, without those of libraries."""
        from mailframe.short_traceback import short_traceback  # noqa: PLC0415 - only IPython calls it

        return short_traceback(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception.__reduce__ calls the class with the text alone; if it fails, process pools hang
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(kind: type[MailframeError], args: tuple[object, ...]) -> MailframeError:
    error = kind.__new__(kind, *args)
    super(MailframeError, error).__init__(*args)
    return error


class NotPicklable(MailframeError, TypeError):
    """An object cannot leave its process; the message says why and what to do instead."""


class MailframeWarning(UserWarning):
    """The root of every warning of mailframe.

    Attributes:
        results: the results of the send; with ``-W error`` the warning is raised after the send.
    """

    def __init__(self, message: str, *, results: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.results = results


class LetterError(MailframeError):
    """The letter is wrong; it cannot be rendered."""


class UnknownField(LetterError, TypeError):
    """A letter has no such field; the message has similar names."""


class FrameError(MailframeError):
    """The DataFrame or its key is wrong; it cannot be composed."""


class NotAFrame(FrameError, TypeError):
    """The argument is not a DataFrame; the message says how to make it one."""


class AccessorError(FrameError, AttributeError):
    """``df.mail`` has no such attribute; if there is a column, the message names ``df["mail"]``."""


class TokenError(MailframeError):
    """There is no token, or it cannot be one. The message never contains the token."""


class MissingExtra(MailframeError, ImportError):
    """An optional part is not installed; the message has the command that installs it."""

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(f'{part} needs the extra "{extra}": pip install "mailframe[{extra}]"')


class LedgerError(MailframeError):
    """The ledger cannot be made, read, written, locked or trusted; nothing more was sent."""


class CampaignBusy(LedgerError):
    """Another notebook or process is sending this campaign."""


class LedgerBehind(LedgerError):
    """Postmark has more messages of this campaign than the ledger."""


class LetterChanged(LedgerError):
    """Some rows were sent with an earlier letter; the new one was not sent."""


class AlreadySentElsewhere(LedgerError):
    """Recipients have, or may have, the identical message under another name or another key."""


class CapReached(LedgerError):
    """During a send people got as many emails of other campaigns as ``at_most`` allows.

    The rest is ``unsent``; the next call leaves these people out.
    """


class AccountError(MailframeError):
    """Postmark did not answer a question about the account, or refused a change of it.

    Attributes:
        status: the HTTP status of the answer; None without one.
        error_code: Postmark's ErrorCode; None without one.
        results: the addresses with what Postmark said, if only some were changed; else None.
    """

    def __init__(
        self, message: str, *, status: int | None = None, error_code: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code


class SearchError(AccountError, LedgerError):
    """A question about a campaign had no usable answer, so it is not known what Postmark has."""


class SandboxError(MailframeError):
    """The local Postmark could not start, or cannot do what was asked."""


class ResultsError(MailframeError):
    """A DataFrame without results, or a results file that cannot be read."""


class SendError(MailframeError):
    """A send that did not go through.

    Attributes:
        results: the results so far, one row per row of the campaign's frame.
    """

    results: pd.DataFrame

    def __init__(self, message: str, *, results: pd.DataFrame) -> None:
        super().__init__(message)
        self.results = results


class InvalidRows(SendError):
    """The checks found errors, and nothing was sent.

    Attributes:
        problems: the DataFrame of ``campaign.problems()``.
    """

    def __init__(self, message: str, *, results: pd.DataFrame, problems: pd.DataFrame) -> None:
        super().__init__(message, results=results)
        self.problems = problems


class NotApproved(SendError):
    """The campaign's fingerprint is not the ``approved`` one; nothing was sent."""


class UnknownTemplate(SendError):
    """The server does not have a template that the messages name; nothing was sent."""


class StreamRefused(SendError):
    """A message stream of the campaign does not exist or takes no messages; nothing was sent."""


class TokenRefused(SendError):
    """The server refused the token (HTTP 401)."""


class RequestRefused(SendError):
    """The server refused a whole request, and processed none of it."""


class EveryoneRejected(SendError):
    """Every message of a batch was rejected for a reason that applies to the next ones too."""


class ShareExceeded(SendError):
    """More messages were rejected, bounced or marked as spam than ``stop_when`` allows."""


class LedgerStopped(SendError):
    """The ledger could not be written during a send; the rest is ``unsent``."""


class ServerBusy(SendError):
    """The server answered 429 or 503 after every retry, or a question before the send failed there.

    The rest is ``unsent``.
    """


class ServerUnreachable(SendError):
    """No connection could be made; the rest is ``unsent``."""
