"""The options of a send, and the checks of its arguments."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from mailframe.errors import MailframeError
from mailframe.message.fingerprint import read_fingerprint
from mailframe.message.given_frame import as_pandas
from mailframe.postmark.client import Postmark
from mailframe.send.pacing.pace import UNPACED, Pacing
from mailframe.send.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailframe.paths import LedgerPlace
    from mailframe.send.frequency_cap import FrequencyCap
    from mailframe.send.sendable import Sendable


MAX_WORKERS: Final = 8


@dataclass(frozen=True, slots=True)
class SendOptions:
    """The options of ``Campaign.send``.

    Attributes:
        on_invalid: the handling of rows with an error.
        limit: the maximum number of messages.
        workers: the number of batches in flight at once.
        progress: whether to show a progress bar.
        ledger: the place of the ledger; None for none.
        allow_changed: whether the rest may get another letter than the people before.
        allow_repeat: whether people may get the identical message again, under another name or key.
        resend: the keys of rows that are sent again.
        approved: the fingerprint that was approved; None sends without an approval.
        dry_run: whether to stop before the first request, and write nothing to the ledger.
        recount: whether to ask Postmark before each batch how many messages it has; None asks a
            live server.
        results: the file for the results; None for a frame.
        exclude: what names the rows that are left out; see ``excluded.py``.
        at_most: how many emails a person may have.
        check_suppressed: whether to ask Postmark for streams and suppressions.
        retry_policy: the policy for servers that are busy, unreachable or silent.
        pacing: when batches may go, and what ends the send.
    """

    on_invalid: Literal["raise", "skip"] = "raise"
    limit: int | None = None
    workers: int = 1
    progress: bool = True
    ledger: LedgerPlace | None = None
    allow_changed: bool = False
    allow_repeat: bool = False
    resend: Sequence[object] | None = None
    approved: str | None = None
    dry_run: bool = False
    recount: bool | None = None
    results: Path | None = None
    exclude: object = None
    at_most: FrequencyCap | None = None
    check_suppressed: bool = True
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
    pacing: Pacing = UNPACED


def check_arguments(composed: Sendable, server: object, options: SendOptions) -> None:
    """Refuse wrong arguments of a send before anything is rendered.

    Raises:
        MailframeError: with the argument and what it may be.
    """
    on_invalid: object = options.on_invalid
    limit: object = options.limit
    workers: object = options.workers
    dry_run: object = options.dry_run
    recount: object = options.recount
    check_suppressed: object = options.check_suppressed
    check_server(server, verb="send")
    if on_invalid not in ("raise", "skip"):
        raise MailframeError(f"on_invalid={on_invalid!r} is neither 'raise' nor 'skip'")
    if limit is not None and not _is_count(limit, 0, None):
        raise MailframeError(f"limit={limit!r} is not a number of messages: a whole number from 0")
    if not _is_count(workers, 1, MAX_WORKERS):
        raise MailframeError(f"workers={workers!r} is not a number from 1 to {MAX_WORKERS}")
    if not isinstance(dry_run, bool):  # None or 0 would send
        raise MailframeError(f"dry_run={dry_run!r} is neither True nor False")
    if not isinstance(check_suppressed, bool):
        raise MailframeError(f"check_suppressed={check_suppressed!r} is neither True nor False")
    if recount not in (True, False, None):
        raise MailframeError(f"recount={recount!r} is neither True, False nor None")
    if options.approved is not None:
        read_fingerprint(options.approved)
    _check_ledger(composed, options)


def _check_ledger(composed: Sendable, options: SendOptions) -> None:
    """Refuse what a ledger cannot record, and what needs one."""
    if options.at_most is not None and options.ledger is None:
        raise MailframeError("at_most= counts the emails in the ledger, so it needs one")
    if options.ledger is not None and not composed.key and composed.has_many_recipients:
        raise MailframeError(
            "a mail with several recipients in To needs compose(…, key=…): no single address "
            "identifies its row"
        )
    if options.ledger is not None and composed.name is None:
        raise MailframeError(
            "a campaign needs a name to be sent: the ledger records it under this name. Write "
            "compose(…, name=…); ledger=None sends without a name and without a ledger"
        )


def with_recount(options: SendOptions, server: Postmark) -> SendOptions:
    """The options with a value for ``recount``: True for a live server.

    Also with a shared ledger, because the other ledger may be a file, or another schema.
    """
    return options if options.recount is not None else replace(options, recount=server.is_live)


def check_server(server: object, *, verb: str) -> None:
    """Refuse what is not a server.

    Args:
        server: the argument.
        verb: the method of the campaign, for the error.

    Raises:
        MailframeError: with what to give instead.
    """
    if not isinstance(server, Postmark):
        hint = "; give its .server" if hasattr(server, "server") else ""
        raise MailframeError(
            f"{verb} needs sandbox.server or mf.Postmark(), not a {type(server).__name__}{hint}"
        )


def key_list(resend: object) -> list[object]:
    """The keys of a list, a Series or the like; not the characters of a text.

    Raises:
        MailframeError: it is not a list of keys.
    """
    if isinstance(resend, str | bytes | Mapping) or not isinstance(resend, Iterable):
        raise MailframeError(f"resend={resend!r} is not a list of keys; write resend=[{resend!r}]")
    return list(as_pandas(resend))


def _is_count(value: object, least: int, most: int | None) -> bool:
    """Whether a value is an integer within bounds; numpy integers are, truth values are not."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return False
    number = operator.index(value)
    return least <= number and (most is None or number <= most)
