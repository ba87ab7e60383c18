"""What a preview shows: a composed campaign, or another one whose messages are made already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mailframe.review.chosen_rows import full_tour
from mailframe.review.preview.approval_page import approval_page
from mailframe.review.preview.row_view import RowView

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight
    from mailframe.pages.mail import Mail, Rendering
    from mailframe.review.tour import Tour


class View(Protocol):
    """Shows the rows of a campaign one by one, such as ``RowView``."""

    @property
    def rows(self) -> int:
        """How many there are."""

    def mail(
        self,
        position: int,
        *,
        reasons: tuple[str, ...] = (),
        with_cells: bool = True,
        is_rendered: bool = True,
    ) -> Mail:
        """The message of a row, as a page shows it."""


class Subject(Protocol):
    """A campaign as its preview needs it."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per message; its cells and labels can be searched."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key."""

    @property
    def has_html(self) -> bool:
        """Whether its messages have an HTML part."""

    def preflight(self, *, watch: Callable[[int], None] | None = None) -> Preflight:
        """The check of all rows."""

    def view(self, *, mask: bool) -> View:
        """A view of its rows."""

    def full_tour(self, watch: Callable[[int], object]) -> Tour:
        """The edge cases of all rows."""

    def approval_page(self, *, mask: bool) -> str:
        """The page that a colleague approves."""


@dataclass(frozen=True, slots=True, eq=False)
class ComposedSubject:
    """A composed campaign.

    Attributes:
        composed: the campaign.
        rendering: makes the mails of templates at Postmark; None shows their models.
    """

    composed: Composed
    rendering: Rendering | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """One row per message."""
        return self.composed.frame

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key."""
        return self.composed.key

    @property
    def has_html(self) -> bool:
        """Whether its messages have an HTML part."""
        letters = [bound.letter for bound in self.composed.bounds]
        return any(one.html_body is not None or one.template is not None for one in letters)

    def preflight(self, *, watch: Callable[[int], None] | None = None) -> Preflight:
        """The check of all rows."""
        return self.composed.preflight(watch=watch)

    def view(self, *, mask: bool) -> View:
        """A view of its rows."""
        return RowView(self.composed, mask=mask, rendering=self.rendering)

    def full_tour(self, watch: Callable[[int], object]) -> Tour:
        """The edge cases of all rows."""
        return full_tour(self.composed, progress=False, watch=watch)

    def approval_page(self, *, mask: bool) -> str:
        """The page that a colleague approves."""
        return approval_page(self.composed, mask=mask, rendering=self.rendering)
