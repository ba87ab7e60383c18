"""What differs as static HTML: words that went and words that came, marked by colour and by ``del`` and ``ins``.

A notebook that is not trusted loses the styles; strikes and underlines remain, and every line break is an element.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.html.card import notes
from mailframe.html.style import NO_FORMULAS, STYLE
from mailframe.html.table import LEFT
from mailframe.html.text import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.html.mail import ShownProblem

CONTEXT: Final = 120
"""Characters of unchanged text that stay beside a change; what lies further away is an ellipsis."""
MAX_SHOWN: Final = 2_000
"""Characters of one changed piece that are shown."""
MAX_PIECES: Final = 200
"""Changed pieces of one field that are shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs.

    Attributes:
        field: as Postmark calls it, such as ``Subject`` or ``Metadata.plan``.
        segments: pieces of both texts, in order: ``same`` or what became of it, as it was, as it is.
        old, new: both texts; None where there is none.
    """

    field: str
    segments: tuple[tuple[str, str, str], ...]
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One of two rows.

    Attributes:
        label: what stands above it.
        notes: what is wrong with it.
    """

    label: str
    notes: tuple[ShownProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Rows that changed by the same edit.

    Attributes:
        title: which edit it is, and how many rows have it.
        example: whose words are shown.
        changes: the edit, word by word; a text in curly brackets is a column's name.
    """

    title: str
    example: str
    changes: tuple[Change, ...]


def rows_page(
    old: Side,
    new: Side,
    fields: Sequence[Change],
    cells: Sequence[tuple[str, str | None, str | None]],
    *,
    summary: str,
) -> str:
    """Two rows side by side.

    Args:
        old: what stands above the first.
        new: what stands above the second.
        fields: of their messages that differ.
        cells: columns that differ, with both values.
        summary: one line for the head.
    """
    lines = "".join(map(_line_of, fields, [_is_open(fields)] * len(fields)))
    columns = "".join(_line(name, _cell(before), _cell(after)) for name, before, after in cells)
    sections = [_section("Message", lines), _section("Row, as the templates see it", columns)]
    faults = f"<tr><th {LEFT}></th><td {LEFT}>{notes(old.notes)}</td><td {LEFT}>{notes(new.notes)}</td></tr>"
    head = f"<tr><th {LEFT}></th><th {LEFT}>{escaped(old.label)}</th><th {LEFT}>{escaped(new.label)}</th></tr>"
    has_notes = old.notes or new.notes
    table = f"<thead>{head}</thead><tbody>{faults if has_notes else ''}{''.join(sections)}</tbody>"
    return _card(f"{_title('Difference', summary)}<div>{_table(table, 'mf-beside')}</div>")


def campaigns_page(
    title: str,
    summary: str,
    counts: Sequence[tuple[str, int]],
    groups: Sequence[ChangeGroup],
    *,
    rest: str,
) -> str:
    """What an edit changed: the counts, then each edit inline, in the words of an example.

    Args:
        title: which campaigns.
        summary: one line for the head.
        counts: what and how many, in order.
        groups: the edits.
        rest: one line about edits that are not shown; empty when all are.
    """
    numbers = "".join(
        f"<td {LEFT}{'' if many else _ZERO}><b>{many:,}</b> {html.escape(what)}</td>"
        for what, many in counts
    )
    head = f'<table class="mf-counts"><tbody><tr>{numbers}</tr></tbody></table>' if numbers else ""
    parts = [_title(title, summary), f"<div>{head}</div>" if head else ""]
    parts += [_group(group) for group in groups]
    parts.append(f'<div class="mf-quiet">{escaped(rest)}</div>' if rest else "")
    return _card("".join(parts))


def inline(segments: Iterable[tuple[str, str, str]], *, is_code: bool = False) -> str:
    """The segments as one text: what went struck out, what came underlined.

    Args:
        segments: of both texts.
        is_code: it is HTML; what did not change is shown without line breaks and attributes.

    >>> inline([("replaced", "Hi", "<b>"), ("same", " Ann", " Ann")])
    '<bdi><del>Hi</del><ins>&lt;b&gt;</ins> Ann</bdi>'
    """
    return _marked(segments, is_code=is_code)


def _beside(change: Change) -> tuple[str, str]:
    """Both texts, each with its own words marked."""
    return (
        _none() if change.old is None else _marked(change.segments, show_new=False),
        _none() if change.new is None else _marked(change.segments, show_old=False),
    )


def _marked(
    segments: Iterable[tuple[str, str, str]],
    *,
    show_old: bool = True,
    show_new: bool = True,
    is_code: bool = False,
) -> str:
    listed = list(segments)
    said, changed = [], 0
    for i, (kind, old, new) in enumerate(listed):
        if kind == "same":
            text = _ATTRIBUTES.sub(r"<\1 …>", _BLANKS.sub(" ", old)) if is_code else old
            said.append(_context(text, is_first=i == 0, is_last=i == len(listed) - 1))
            continue
        changed += 1
        if changed > MAX_PIECES:
            said.append(_quiet("… more changes are not shown"))
            break
        said.append(_element("del", old) if show_old else "")
        said.append(_element("ins", new) if show_new else "")
    return f"<bdi>{''.join(said)}</bdi>"


def _context(text: str, *, is_first: bool, is_last: bool) -> str:
    """Unchanged text, as much of it as stands next to a change."""
    head, tail = (0 if is_first else CONTEXT), (0 if is_last else CONTEXT)
    if len(text) <= head + tail + CONTEXT // 2:
        return _plain(text)
    before = text[:head].rpartition(" ")[0] or text[:head]
    after = text[len(text) - tail :].partition(" ")[2] or text[len(text) - tail :]
    return f"{_plain(before)}{_quiet(' … ')}{_plain(after if tail else '')}"


def _element(name: str, text: str) -> str:
    """A changed piece in its element, which ends before the break of a last line."""
    shown = _changed(text)
    body = shown.removesuffix("<br>")
    return f"<{name}>{body}</{name}>{shown[len(body) :]}" if text else ""


def _changed(text: str) -> str:
    """A piece that changed; blanks alone are written out, for nobody sees a blank that went."""
    shown = _plain(
        text[:MAX_SHOWN].replace(" ", "␣").replace("\t", "⇥")
        if not text.strip()
        else text[:MAX_SHOWN]
    )
    shown = shown.replace("<br>", "↵<br>")
    more = len(text) - MAX_SHOWN
    return f"{shown}{_quiet(f' … {more:,} more characters')}" if more > 0 else shown


def _plain(text: str) -> str:
    """Text for HTML; the bidi controls are written out, so the direction is that of its letters."""
    return html.escape(visible(text)).replace("\n", "<br>")


def _quiet(text: str) -> str:
    return f'<span class="mf-quiet">{html.escape(visible(text))}</span>'


def _none() -> str:
    return '<span class="mf-gap">none</span>'


def _cell(text: str | None) -> str:
    if text is None:
        return '<span class="mf-gap">no value</span>'
    return escaped(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …")


def _is_open(changes: Sequence[Change]) -> bool:
    """The source of the HTML part is shown at once when no other field tells what changed."""
    return all(change.field == _CODE for change in changes)


def _code(change: Change, *, is_open: bool) -> str:
    many = sum(kind != "same" for kind, _, _ in change.segments)
    summary = f"<summary>{many:,} change{'' if many == 1 else 's'} in the source</summary>"
    shown = f'<div class="mf-code">{inline(change.segments, is_code=True)}</div>'
    return f"<details{' open' if is_open else ''}>{summary}{shown}</details>"


def _line_of(change: Change, is_open: bool) -> str:
    if change.field != _CODE:
        return _line(change.field, *_beside(change))
    code = _code(change, is_open=is_open)
    return f'<tr><th {LEFT}>{escaped(change.field)}</th><td colspan="2" {LEFT}>{code}</td></tr>'


def _line(name: str, old: str, new: str) -> str:
    return f"<tr><th {LEFT}>{escaped(name)}</th><td {LEFT}>{old}</td><td {LEFT}>{new}</td></tr>"


def _section(title: str, lines: str) -> str:
    return (
        f'<tr class="mf-section"><th colspan="3" {LEFT}>{html.escape(title)}</th></tr>{lines}'
        if lines
        else ""
    )


def _group(group: ChangeGroup) -> str:
    is_open = _is_open(group.changes)
    shown = [
        (
            change.field,
            _code(change, is_open=is_open) if change.field == _CODE else inline(change.segments),
        )
        for change in group.changes
    ]
    lines = "".join(
        f"<tr><th {LEFT}>{escaped(field)}</th><td {LEFT}>{text}</td></tr>" for field, text in shown
    )
    title = f"<b>{escaped(group.title)}</b> {_quiet('·')} {_quiet(group.example)}"
    return f'<div class="mf-edit"><div>{title}</div>{_table(lines, "mf-inline")}</div>'


def _title(title: str, summary: str) -> str:
    return f'<div class="mf-label"><b>{escaped(title)}</b> · {escaped(summary)}</div>'


def _table(lines: str, kind: str) -> str:
    return f'<table class="mf-changes {kind}">{lines}</table>'


def _card(inside: str) -> str:
    return f'{STYLE}{_STYLE}<div class="mf-card mf-difference {NO_FORMULAS}">{inside}</div>'


_CODE: Final = "HtmlBody"
_ATTRIBUTES: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)\s[^<>]*>")
_BLANKS: Final = re.compile(r"\s+")
_ZERO: Final = ' class="mf-zero"'
_CHANGES: Final = """
.mf-difference { --mf-good: var(--jp-success-color1, #1a7f37); }
.mf-difference del, .mf-difference ins { border-radius: 3px; padding: 0 2px; color: inherit; }
.mf-difference del { text-decoration: line-through; text-decoration-color: var(--mf-bad);
  background: color-mix(in srgb, var(--mf-bad) 26%, transparent); }
.mf-difference ins { text-decoration: underline; text-decoration-color: var(--mf-good);
  background: color-mix(in srgb, var(--mf-good) 28%, transparent); }
.mf-card table.mf-changes, .mf-card table.mf-counts { border-collapse: collapse; border: 0; margin: 0; width: 100%;
  font-size: 13px; table-layout: fixed; }
.mf-changes tr, .mf-counts tr { background: none !important; border: 0; }
.mf-changes th, .mf-changes td { text-align: left; vertical-align: top; border: 0; background: none; max-width: none;
  padding: 4px 14px 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; }
.mf-changes td:last-child { padding-right: 0; }
.mf-changes tbody th { color: var(--mf-quiet); font-weight: normal; }
.mf-changes th:first-child { width: 10.5em; }
.mf-beside del { text-decoration: underline; text-decoration-color: var(--mf-bad); }
.mf-difference del, .mf-difference ins { box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.mf-changes tr + tr > * { border-top: 1px solid var(--mf-line); }
.mf-changes thead th { font-weight: 600; padding-top: 0; }
.mf-changes tr.mf-section th { font-weight: 600; color: var(--jp-ui-font-color1, CanvasText); padding-top: 14px; }
.mf-changes .mf-code { margin-top: 4px; font: 12.5px/1.55 var(--jp-code-font-family, ui-monospace, monospace); }
.mf-card table.mf-counts { width: auto; table-layout: auto; }
.mf-counts td { text-align: left; border: 0; padding: 0 22px 0 0; background: none; white-space: nowrap; }
.mf-counts td b { font-size: 16px; font-variant-numeric: tabular-nums; }
.mf-counts td.mf-zero, .mf-counts td.mf-zero b { color: var(--mf-quiet); font-weight: normal; }
.mf-card .mf-changes details[open] > summary { margin-bottom: 0; }
@media (max-width: 600px) { .mf-counts td { display: inline-block; }
  .mf-changes tr { display: grid; grid-template-columns: 1fr 1fr; } .mf-inline tr { grid-template-columns: 1fr; }
  .mf-changes tbody th:first-child { grid-column: 1 / -1; padding-bottom: 0; width: auto; }
  .mf-changes tr > td { border-top: 0; }
  .mf-changes td[colspan] { grid-column: 1 / -1; } .mf-changes thead th:first-child { display: none; } }
"""
_STYLE: Final = f"<style>{' '.join(_CHANGES.split())}</style>"
