"""One message as static HTML: who, what, what is wrong, the mail itself in its frames, and what lies behind it.

A notebook that is not trusted loses frames and styles; the table, the text and the details remain.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from mailframe.html.isolation import HEIGHT_PX, Scheme, isolated
from mailframe.html.style import NO_FORMULAS, STYLE
from mailframe.html.table import line, table
from mailframe.html.text import escaped, visible

if TYPE_CHECKING:
    from mailframe.html.mail import Cell, File, Mail, ShownProblem

LARGE_HTML: Final = 1_000_000
"""Characters of HTML from which on a page shows it only when asked; twice escaped it is 2.5 times as large."""


def card(
    mail: Mail,
    *,
    images: bool = False,
    scheme: Scheme = "light",
    width_px: int | None = None,
    height_px: int = HEIGHT_PX,
    is_open: bool = False,
) -> str:
    """The whole of a message.

    Args:
        mail: what to show.
        images: load remote images.
        scheme: light or dark, for the mail itself.
        width_px: of the mail itself.
        height_px: of the mail itself.
        is_open: show the text part at once, also beside HTML.

    >>> from mailframe.html.mail import Mail
    >>> "&lt;script&gt;" in card(Mail(subject="<script>", text="Hi"))
    True
    """
    hint = f'<span class="mf-quiet">{escaped(mail.hint)}</span>' if mail.hint else ""
    parts = [label(mail), head(mail), notes(mail.notes) + hint, files(mail.files)]
    if mail.html is not None:
        frame = body(mail, images=images, scheme=scheme, width_px=width_px, height_px=height_px)
        parts.append(f'<div class="mf-shown{" mf-dark" if scheme == "dark" else ""}">{frame}</div>')
    parts += [
        _details("Text part", text(mail), is_open=is_open or mail.html is None)
        if mail.text is not None
        else "",
        _details(_JSON, f"<pre>{escaped(mail.payload)}</pre>") if mail.payload else "",
        _details("The row, as the templates see it", cells(mail.cells)) if mail.cells else "",
    ]
    inside = "".join(
        f"<div>{part}</div>" if not part.startswith("<div") else part for part in parts if part
    )
    return f'{STYLE}<div class="mf-card {NO_FORMULAS}">{inside}</div>'


def label(mail: Mail) -> str:
    """Which row it is, and why it is shown."""
    if not mail.label and not mail.reason:
        return ""
    reason = f" · {escaped(mail.reason)}" if mail.reason else ""
    return f'<div class="mf-label"><b>{escaped(mail.label)}</b>{reason}</div>'


def head(mail: Mail) -> str:
    """The lines of its head as a table, which every notebook keeps."""
    subject = (
        f'<span class="mf-subject">{escaped(mail.subject) if mail.subject else _NO_SUBJECT}</span>'
    )
    lines = [line((html.escape(name), escaped(value))) for name, value in mail.headers if value]
    return table([line(("Subject", subject)), *lines], kind="mf-head")


def notes(found: tuple[ShownProblem, ...]) -> str:
    """What is wrong with it: first the errors, then the warnings."""
    if not found:
        return ""
    ordered = sorted(found, key=lambda note: not note.is_error)
    return f'<ul class="mf-notes">{"".join(map(_note, ordered))}</ul>'


def _note(note: ShownProblem) -> str:
    kind, name = ("mf-error", "Error") if note.is_error else ("mf-warning", "Warning")
    where = f" in <code>{escaped(note.field)}</code>" if note.field else ""
    return f'<li class="{kind}"><b>{name}</b>{where} · {html.escape(visible(note.code))}: {escaped(note.detail)}</li>'


def files(found: tuple[File, ...]) -> str:
    """Its attachments and inline images."""
    chips = "".join(
        f'<span class="mf-chip">{"▣" if file.content_id else "📎"} {escaped(file.name)} '
        f'<span class="mf-quiet">{html.escape(visible(file.content_type))} · {file.size:,} bytes'
        f"{' · inline' if file.content_id else ''}</span></span>"
        for file in found
    )
    return f'<div class="mf-files">{chips}</div>' if chips else ""


def body(
    mail: Mail,
    *,
    images: bool = False,
    scheme: Scheme = "light",
    width_px: int | None = None,
    height_px: int = HEIGHT_PX,
) -> str:
    """Its HTML part in its frames; a word where there is none."""
    if mail.html is None:
        return f'<div class="mf-part mf-quiet">{escaped(mail.no_html)}</div>'
    title = (
        f"The HTML part of {visible(mail.label)}" if mail.label else "The HTML part of the message"
    )
    return isolated(
        mail.html,
        inline=mail.inline,
        images=images,
        scheme=scheme,
        width_px=width_px,
        height_px=height_px,
        title=title,
    )


def text(mail: Mail) -> str:
    """Its text part."""
    return (
        f"<pre>{escaped(mail.text)}</pre>"
        if mail.text is not None
        else f'<span class="mf-quiet">{escaped(mail.no_text)}</span>'
    )


def cells(row: tuple[Cell, ...]) -> str:
    """The row as a table: first the columns that the letter uses."""
    ordered = sorted(row, key=lambda cell: not cell.is_used)
    return table(map(_cell, ordered), head=("column", "kind", "value"), kind="mf-cells")


def _cell(cell: Cell) -> str:
    value = '<span class="mf-gap">no value</span>' if cell.kind == "gap" else escaped(cell.value)
    kind = html.escape(cell.kind if cell.is_used else f"{cell.kind}, not used")
    return line((escaped(cell.column), kind, value), kind="" if cell.is_used else "mf-unused")


def _details(title: str, inside: str, *, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{html.escape(title)}</summary>{inside}</details>"


_JSON = "JSON, as it is posted; a ledger adds its marks"
_NO_SUBJECT = '<span class="mf-quiet">no subject</span>'
