"""``messages``: a campaign whose messages are in a folder, with the verbs of ``Campaign``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.datasets.dataset import MessageDataset
from mailframe.datasets.showing import (
    USUAL_ROWS,
    StoredSubject,
    StoredView,
    edge_rows,
    stored_messages,
    stored_title,
    stored_tour,
)
from mailframe.errors import LetterError, MailframeError
from mailframe.message import row_selection
from mailframe.message.campaign_name import checked_name
from mailframe.message.problem_frame import problems_frame
from mailframe.paths import DEFAULT_LEDGER, local_path
from mailframe.postmark.templates import template_rendering
from mailframe.review.preview.gallery import MAX_TILES, gallery
from mailframe.review.preview.opening import open_preview
from mailframe.send.planning import plan_of
from mailframe.send.send_method import SendMethod

if TYPE_CHECKING:
    import os
    from collections.abc import Hashable

    import pandas as pd

    from mailframe.message.message import Message
    from mailframe.message.plan import Plan
    from mailframe.message.row_selection import Rows
    from mailframe.paths import LedgerName
    from mailframe.postmark.client import Postmark
    from mailframe.review.chosen_rows import ChosenRows
    from mailframe.review.preview.pages import Page
    from mailframe.review.preview.static_preview import StaticPreview
    from mailframe.review.preview.widget import Preview
    from mailframe.send.excluded import Exclude


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

    def plan(
        self,
        server: Postmark | None = None,
        *,
        ledger: LedgerName | None = DEFAULT_LEDGER,
        exclude: Exclude = None,
        at_most: str | None = None,
        rate: str | None = None,
    ) -> Plan:
        """As ``Campaign.plan``."""
        return plan_of(
            self._dataset, server, ledger=ledger, exclude=exclude, at_most=at_most, rate=rate
        )

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
        message = next(iter(stored_messages(self._dataset, [position])), None)
        if message is None:
            errors = self._dataset.preflight().of_row(position)
            details = "; ".join(f"{one.field}: {one.detail}" for one in errors)
            name = self._dataset.names.of(position)
            raise LetterError(f"{name} cannot be sent: {details}")
        return message

    def preview(
        self,
        rows: Rows | None = None,
        *,
        key: object = None,
        static: bool | None = None,
        mask: bool | None = None,
        save: bool = True,
        server: Postmark | None = None,
    ) -> Preview | StaticPreview:
        """As ``Campaign.preview``; a masked message shows the shape of all of its words.

        Args:
            rows: numbers of rows, or a boolean Series. By default a row of each kind of problem,
                the largest and the smallest message, and others from the whole range.
            key: one key or a list of keys, in place of *rows*.
            static: as for ``Campaign.preview``.
            mask: as for ``Campaign.preview``.
            save: as for ``Campaign.preview``.
            server: as for ``Campaign.preview``.
        """
        chosen = self._chosen(rows, key)
        messages = self._first_messages(chosen) or self._first_messages(edge_rows(self._dataset))
        has_template = any(message.uses_template for message in messages)
        has_html = has_template or any("HtmlBody" in message.payload for message in messages)
        rendering = template_rendering(server, has_template=has_template)
        return open_preview(
            StoredSubject(self._dataset, has_html=has_html, rendering=rendering),
            chosen,
            tour=stored_tour(self._dataset, chosen),
            is_tour=rows is None and key is None,
            title=stored_title(self._dataset),
            is_small=True,  # the checks are in the files
            static=static,
            mask=mask,
            save=save,
        )

    def gallery(
        self,
        rows: Rows | None = None,
        n: int = USUAL_ROWS,
        *,
        key: object = None,
        mask: bool = False,
    ) -> Page:
        """As ``Campaign.gallery``: up to 60 messages side by side, as a static page.

        Args:
            rows: as for ``preview``.
            n: the number of rows, at most 60.
            key: the key or keys, in place of *rows*.
            mask: whether to show the shape of each word.

        Raises:
            MailframeError: *n* is another number.
        """
        if not 1 <= n <= MAX_TILES:
            raise MailframeError(f"gallery shows n={n} messages; write 1 to {MAX_TILES}")
        chosen = self._chosen(rows, key, most=n)[:n]
        view = StoredView(self._dataset, mask=mask)
        return gallery(view, chosen, title=stored_title(self._dataset))

    def _chosen(self, rows: Rows | None, key: object, *, most: int = USUAL_ROWS) -> ChosenRows:
        """The rows that a page shows, each with its reasons."""
        selected = row_selection.select_rows(self.frame, self.key, rows=rows, key=key)
        if selected is None:
            return edge_rows(self._dataset, most=most)
        positions = row_selection.row_positions(self.frame.index, selected)
        return [(position, ()) for position in positions]

    def _first_messages(self, chosen: ChosenRows) -> list[Message]:
        return stored_messages(self._dataset, [position for position, _ in chosen[:USUAL_ROWS]])

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
