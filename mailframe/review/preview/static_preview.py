"""A preview without a widget: a table of the selected rows, and the first of them as a card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.pages.card import card
from mailframe.pages.environment import render
from mailframe.pages.text import one_line
from mailframe.review.preview.pages import write
from mailframe.review.tour.stops import reasons_text

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from mailframe.pages.mail import Mail
    from mailframe.review.chosen_rows import ChosenRows
    from mailframe.review.preview.subject import Subject, View
    from mailframe.review.tour import Tour

SHOWN_STOPS: Final = 25
_NO_ROWS: Final = "the frame has no rows; check the filter before .mail.compose(…)"
_NOT_SHOWN: Final = "not shown, because save=False and a notebook saves the pages that it shows"


@dataclass(frozen=True, slots=True, eq=False)
class StaticPreview:
    """A preview as a static page."""

    subject: Subject
    tour: Tour
    stops: ChosenRows
    mask: bool
    title: str
    is_shown: bool = True

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page for a colleague who approves, and return its path."""
        return write(path, self.subject.approval_page(mask=self.mask))

    def close(self) -> None:
        """Nothing is open; both kinds of preview have the same methods."""

    def __repr__(self) -> str:
        if not self.is_shown:
            return f"<Preview of {self.title}: {_NOT_SHOWN}>"
        view = self.subject.view(mask=self.mask)
        return plain_text(view, self.stops, title=f"<Preview of {self.title}>")

    def _repr_html_(self) -> str:
        if not self.is_shown:
            return str(render("static_preview", title=self.title, remark=_NOT_SHOWN))
        return str(static_html(self.subject.view(mask=self.mask), self.stops, title=self.title))


def static_html(view: View, stops: ChosenRows, *, title: str) -> str:
    """The first selected message as a card, below a table of all of them.

    Args:
        view: the view that shows the rows.
        stops: the selected rows.
        title: the title of the page.
    """
    if not stops:
        remark = "no rows selected" if view.rows else _NO_ROWS
        return render("static_preview", title=title, remark=remark)
    position, reasons = stops[0]
    return render(
        "static_preview",
        title=title,
        remark="",
        lines=[] if len(stops) == 1 else [_line(mail) for mail in _mails(view, stops)],
        more=max(len(stops) - SHOWN_STOPS, 0),
        card=card(view.mail(position, reasons=reasons)),
    )


def plain_text(view: View, stops: ChosenRows, *, title: str) -> str:
    """The same for a terminal: one line for each selected row."""
    lines = [title]
    for mail in _mails(view, stops):
        subject, to = mail.subject or f"({mail.no_subject})", _to(mail) or "(no recipient)"
        lines.append(one_line(f"  {mail.label}: {subject} -> {to}  [{reasons_text(mail.reasons)}]"))
    return "\n".join(lines)


def _mails(view: View, stops: ChosenRows) -> list[Mail]:
    return [
        view.mail(position, reasons=reasons, with_cells=False, is_rendered=False)
        for position, reasons in stops[:SHOWN_STOPS]
    ]


def _line(mail: Mail) -> list[str]:
    status = "blocked" if mail.is_blocked else ""
    label = mail.label.removeprefix("row ")
    texts = (label, mail.subject, _to(mail), status, reasons_text(mail.reasons))
    return list(map(one_line, texts))


def _to(mail: Mail) -> str:
    return dict(mail.headers).get("To", "")
