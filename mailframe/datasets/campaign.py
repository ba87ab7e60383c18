"""``messages``: a campaign whose messages are in a folder, with the verbs of ``Campaign``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.datasets.dataset import MessageDataset
from mailframe.datasets.showing import MOST_SHOWN, shown_messages
from mailframe.errors import LetterError, MailframeError
from mailframe.message import row_selection
from mailframe.message.campaign_name import checked_name
from mailframe.message.message import Message
from mailframe.message.problem_frame import problems_frame
from mailframe.paths import DEFAULT_LEDGER, local_path
from mailframe.send.excluded import plan_of
from mailframe.send.send_method import SendMethod

if TYPE_CHECKING:
    import os
    from collections.abc import Hashable

    import pandas as pd

    from mailframe.message.plan import Plan
    from mailframe.paths import LedgerName
    from mailframe.review.preview.pages import Page
    from mailframe.send.excluded import Exclude

_USUAL: Final = 12


class DatasetCampaign(SendMethod["pd.DataFrame"]):
    """A campaign whose messages ``mf.write_messages`` has written; made by ``mf.messages(…)``.

    It has the fingerprint and the ledger records of the campaign that ``compose`` makes of the same
    rows: a send that one began, the other continues.

    Attributes:
        name: the name of the campaign.
        key: the columns that identify a row; empty for the address.
    """

    def __init__(self, dataset: MessageDataset) -> None:
        self._dataset = dataset
        self.name, self.key = dataset.name, dataset.key

    @property
    def frame(self) -> pd.DataFrame:
        """The key columns, one row per message; the index counts the rows."""
        return self._dataset.frame

    @property
    def fingerprint(self) -> str:
        """As ``Campaign.fingerprint``; nothing is rendered for it."""
        return self._dataset.fingerprint()

    def problems(self) -> pd.DataFrame:
        """As ``Campaign.problems``; rows are named by their key or their number."""
        return problems_frame(self._dataset.preflight().problems, self._dataset.names)

    def plan(self, *, ledger: LedgerName | None = DEFAULT_LEDGER, exclude: Exclude = None) -> Plan:
        """As ``Campaign.plan``."""
        return plan_of(self._dataset, has_ledger=ledger is not None, exclude=exclude)

    def message(self, row: Hashable = row_selection.NO_LABEL, *, key: object = None) -> Message:
        """The message of one row, as it will be sent.

        Args:
            row: the number of the row, from 0.
            key: the key of the row, in place of the number.

        Raises:
            FrameError: there is no such row, or there are several.
            LetterError: the row has errors; the text names them.
        """
        position = row_selection.one_row(self.frame, self.key, row=row, key=key)
        message = next(iter(self._messages([position])), None)
        if message is None:
            errors = self._dataset.preflight().of_row(position)
            details = "; ".join(f"{one.field}: {one.detail}" for one in errors)
            name = self._dataset.names.of(position)
            raise LetterError(f"{name} cannot be sent: {details}")
        return message

    def preview(self, n: int = _USUAL) -> Page:
        """Some messages side by side, from the whole range of rows, as a static page.

        Args:
            n: how many, at most 60.

        Raises:
            MailframeError: *n* is another number.
        """
        if not 1 <= n <= MOST_SHOWN:
            raise MailframeError(f"preview shows n={n} messages; write 1 to {MOST_SHOWN}")
        sendable = np.flatnonzero(self._dataset.preflight().sendable)
        places = np.unique(np.linspace(0, max(0, len(sendable) - 1), num=n).astype(int))
        positions = sendable[places].tolist() if len(sendable) else []
        return shown_messages(
            self._messages(positions), self._dataset.names, title=repr(self)[1:-1]
        )

    def _messages(self, positions: list[int]) -> list[Message]:
        preflight = self._dataset.preflight()
        wanted = np.zeros(self._dataset.rows, dtype=bool)
        wanted[positions] = True
        wanted &= preflight.sendable
        items = self._dataset.messages(preflight, live=False, wanted=wanted)
        return [item for item in items if isinstance(item, Message)]

    @property
    def _sendable(self) -> MessageDataset:
        return self._dataset

    def __repr__(self) -> str:
        return f"<{self._dataset.title}>"


def messages(path: str | os.PathLike[str], *, name: str | None = None) -> DatasetCampaign:
    """A campaign with the messages that ``mf.write_messages`` wrote to a folder.

    Args:
        path: the folder; also one with the tables of ``mf.render_partition``, which another engine
            wrote as Parquet, in the order of their names.
        name: the name of the campaign, as for ``compose``.

    Raises:
        MailframeError: the folder is not complete, damaged, or of a newer mailframe, or its files
            are of different letters, keys or sources.
    """
    folder: Any = local_path(path, what="messages", example="messages")
    return DatasetCampaign(MessageDataset(folder, name=checked_name(name)))
