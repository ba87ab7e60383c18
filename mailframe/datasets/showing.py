"""How the messages of a dataset are shown: a preview, and a page of many side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.counting import counted
from mailframe.message.message import Message
from mailframe.message.shown_message import posted_mail, rendered_mail
from mailframe.pages.mail import Mail
from mailframe.pages.text import one_line
from mailframe.review.preview.approval_page import page_of
from mailframe.review.preview.row_view import shown_problem
from mailframe.review.preview.shown_letter import masked_field
from mailframe.review.tour import Stop, Tour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from mailframe.datasets.dataset import MessageDataset
    from mailframe.message.preflight import Preflight
    from mailframe.pages.mail import Rendering
    from mailframe.review.chosen_rows import ChosenRows

USUAL_ROWS: Final = 12
_MASKED_HTML: Final = "The HTML of a stored message is masked as a whole."
_NO_BODY: Final = "This row has no message; see the problems."


def stored_messages(dataset: MessageDataset, positions: Sequence[int]) -> list[Message]:
    """The messages of those rows that can be sent, in the order of the rows."""
    preflight = dataset.preflight()
    wanted = np.zeros(dataset.rows, dtype=bool)
    wanted[list(positions)] = True
    wanted &= preflight.sendable
    items = dataset.messages(preflight, live=False, wanted=wanted)
    return [item for item in items if isinstance(item, Message)]


def edge_rows(dataset: MessageDataset, *, most: int = USUAL_ROWS) -> ChosenRows:
    """One row of each kind of problem, the largest and the smallest message, then evenly spaced."""
    preflight = dataset.preflight()
    chosen: dict[int, list[str]] = {}
    firsts: dict[str, int] = {}
    for row, code in preflight.problems.codes():
        if row >= 0:
            firsts.setdefault(code.value, row)
    for word, row in firsts.items():
        chosen.setdefault(row, []).append(word.replace("_", " "))
    sendable = np.flatnonzero(preflight.sendable)
    if len(sendable):
        sizes = np.frombuffer(preflight.sizes, dtype="I")[sendable]
        for place, words in ((sizes.argmax(), "largest message"), (sizes.argmin(), "smallest")):
            chosen.setdefault(int(sendable[place]), []).append(words)
        for place in np.unique(np.linspace(0, len(sendable) - 1, num=most).astype(int)):
            if len(chosen) < most:
                chosen.setdefault(int(sendable[place]), [])
    return [(row, tuple(reasons)) for row, reasons in chosen.items()]


def stored_tour(dataset: MessageDataset, chosen: ChosenRows) -> Tour:
    """The chosen rows as a tour, without branches, because a dataset has no templates."""
    stops = tuple(Stop(row, reasons) for row, reasons in chosen)
    index = dataset.frame.index
    return Tour(stops, (), dataset.rows, dataset.rows, index, names=dataset.names)


def stored_title(dataset: MessageDataset) -> str:
    """The title of a preview."""
    rows = counted(dataset.rows, "row")
    return f"{one_line(dataset.name)}, {rows}" if dataset.name else f"a campaign of {rows}"


@dataclass(frozen=True, slots=True, eq=False)
class StoredView:
    """Shows the rows of a dataset one by one; see ``View``.

    Args:
        dataset: the messages.
        mask: whether to show the shape of values instead of the values. A message does not say
            which of its words are values, so all of them are.
        rendering: makes the mails of templates at Postmark; None shows their models.
    """

    dataset: MessageDataset
    mask: bool = False
    rendering: Rendering | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.dataset.rows

    def mail(
        self,
        position: int,
        *,
        reasons: tuple[str, ...] = (),
        with_cells: bool = True,
        is_rendered: bool = True,
    ) -> Mail:
        """The message of the row at *position*; one that is blocked is not shown.

        Raises:
            IndexError: there is no such row.
        """
        del with_cells  # the cells of the source are not stored
        if not 0 <= position < self.rows:
            raise IndexError(f"there is no row {position}; the dataset has {self.rows:,}")
        message = next(iter(stored_messages(self.dataset, [position])), None)
        of_letter = [one for one in self.dataset.preflight().problems if one.row is None]
        problems = [*self.dataset.preflight().of_row(position), *of_letter]
        return replace(
            self._of_message(message, is_rendered=is_rendered),
            label=f"row {position}" if self.mask else self.dataset.names.of(position),
            problems=tuple(shown_problem(one, mask=self.mask) for one in problems),
            reasons=reasons,
        )

    def _of_message(self, message: Message | None, *, is_rendered: bool) -> Mail:
        if message is None:
            return Mail(no_html=_NO_BODY, no_text=_NO_BODY)
        fields: dict[str, Any] = dict(message.payload)
        if self.mask:
            fields = {name: masked_field(name, value) for name, value in fields.items()}
            fields |= {"HtmlBody": _MASKED_HTML} if "HtmlBody" in fields else {}
        mail = posted_mail(fields, size=f"{len(message.body):,} bytes")
        if self.rendering is not None and is_rendered and mail.about:
            return rendered_mail(mail, self.rendering(fields))
        return mail


@dataclass(frozen=True, slots=True, eq=False)
class StoredSubject:
    """A dataset as a preview needs it; see ``Subject``."""

    dataset: MessageDataset
    has_html: bool
    rendering: Rendering | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The key columns, one row per message."""
        return self.dataset.frame

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key."""
        return self.dataset.key

    def preflight(self, *, watch: Callable[[int], None] | None = None) -> Preflight:
        """The check of all rows."""
        return self.dataset.preflight(watch=watch)

    def view(self, *, mask: bool) -> StoredView:
        """A view of its rows."""
        return StoredView(self.dataset, mask=mask, rendering=self.rendering)

    def full_tour(self, watch: Callable[[int], object]) -> Tour:
        """The edge cases of all rows."""
        del watch
        return stored_tour(self.dataset, edge_rows(self.dataset))

    def approval_page(self, *, mask: bool) -> str:
        """The page that a colleague approves; the files are read again for it."""
        preflight, chosen = self.dataset.preflight(again=True), edge_rows(self.dataset)
        tour, key = stored_tour(self.dataset, chosen), ", ".join(self.key) or "the address"
        view = self.view(mask=mask)
        return page_of(
            self.dataset, preflight, view, shown=chosen, tour=tour, letter=[("key", key)]
        )
