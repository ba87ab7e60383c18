"""``mf.outcomes``: the outcomes of a campaign whose results are gone, by its name in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.errors import LedgerError
from mailframe.outcomes.refreshing import refreshed, refuse_arguments
from mailframe.outcomes.sent import Sent
from mailframe.pandas_versions import text_column
from mailframe.paths import DEFAULT_LEDGER, LedgerUrl, ledger_path
from mailframe.postmark.client import Postmark
from mailframe.postmark.search import scope_of
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults, Status
from mailframe.results.summary_line import About, with_summary_line
from mailframe.send.ledger import Ledger, MessageState

if TYPE_CHECKING:
    from mailframe.paths import LedgerName

_KEY: Final = "key"


def outcomes(
    name: str,
    server: Postmark | None = None,
    *,
    details: int = 0,
    progress: bool = True,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> pd.DataFrame:
    """What happened to the accepted messages of a campaign, when its results are not at hand.

    The ledger has the MessageIDs, and Postmark has recipients and times, for 45 days by default. To
    refresh what it returned, use ``.mail.refresh(server)``.

    Args:
        name: the name of the campaign; ``mf.history()`` lists them.
        server: the server that it was sent through; None is ``mf.Postmark()``.
        details: for how many messages to ask one by one when they were delivered.
        progress: whether to show a progress bar.
        ledger: the path or the URL of the ledger in which it is recorded.

    Returns:
        One row per message that Postmark accepted, in the order of sending: ``key`` (digest of the
        row's key, hexadecimal), the columns of results, of which the ledger has ``status`` and
        ``MessageID``, Postmark ``To`` and ``SubmittedAt``, and those of ``results.mail.refresh``.

    Raises:
        LedgerError: the ledger has no such campaign of this server.
        AccountError: Postmark does not answer or refuses; ``results`` has what was read before.

    >>> import mailframe as mf
    >>> people = pd.DataFrame({"email": ["ann@example.com"]})
    >>> with mf.Sandbox(in_process=True) as sandbox:
    ...     campaign = people.mail.compose(
    ...         sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hi"
    ...     )
    ...     results = campaign.send(sandbox.server, progress=False)
    ...     mf.outcomes("hi", sandbox.server)[["To", "outcome"]]
                    To   outcome
    0  ann@example.com  accepted
    """
    server = Postmark() if server is None else server
    refuse_arguments(server, details)
    results = _recorded(name, server, ledger)
    return refreshed(results, Sent(results), server, details=details, progress=progress)


def _recorded(name: object, server: Postmark, ledger: LedgerName) -> pd.DataFrame:
    """Results of the messages that a ledger records as accepted."""
    place = ledger_path(ledger)
    if place is None or not isinstance(name, str):
        raise LedgerError(f"outcomes needs the name of a campaign and a ledger, not {name!r}")
    with Ledger(place, read_only=isinstance(place, LedgerUrl)) as opened:
        record = opened.find_campaign(scope_of(server), name)
        if record is None:
            raise LedgerError(
                f"{opened.place}: no campaign {name!r} of this server; mf.history() lists the names"
            )
        recorded = opened.recorded_messages(record)
    lines = np.flatnonzero(recorded.states == MessageState.ACCEPTED)
    rows = RowResults(len(lines))
    rows.settle_many(np.arange(len(lines)), Status.ACCEPTED)
    keys = [key.tobytes().hex() for key in recorded.keys[lines]]
    results = results_frame(pd.DataFrame({_KEY: text_column(keys)}), rows)
    results["MessageID"] = text_column(recorded.message_id_texts(lines)).array
    about = About(name=record.name, has_ledger=True, ledger=str(place), key=(_KEY,))
    return with_summary_line(results, about)
