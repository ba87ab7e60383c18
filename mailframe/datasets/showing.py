"""The page that ``preview`` of a dataset shows: stored messages side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailframe.message.shown_message import posted_mail
from mailframe.review.preview.gallery import MAX_TILES, gallery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailframe.message.message import Message
    from mailframe.message.row_names import RowNames
    from mailframe.pages.mail import Mail
    from mailframe.review.preview.pages import Page

MOST_SHOWN: Final = MAX_TILES


@dataclass(frozen=True, slots=True)
class _Stored:
    """Messages by the position of their row, as ``gallery`` asks for them."""

    messages: Mapping[int, Message]
    names: RowNames

    def mail(
        self, position: int, *, reasons: tuple[str, ...] = (), with_cells: bool = True
    ) -> Mail:
        """What the page shows of a message."""
        del reasons, with_cells
        message = self.messages[position]
        mail = posted_mail(message.payload, size=f"{len(message.body):,} bytes")
        return replace(mail, label=self.names.of(position))


def shown_messages(messages: Iterable[Message], names: RowNames, *, title: str) -> Page:
    """A page of messages."""
    by_row = {message.position: message for message in messages}
    return gallery(_Stored(by_row, names), [(position, ()) for position in by_row], title=title)
