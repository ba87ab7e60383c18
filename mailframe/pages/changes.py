"""What differs between two rows or two campaigns, as static HTML with ``del`` and ``ins``.

A notebook that is not trusted drops the styles; strikes and underlines remain, and every line break
is an element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mailframe.pages.environment import render
from mailframe.pages.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.pages.mail import ShownProblem

CONTEXT: Final = 120
"""Characters of unchanged text that are shown beside a change; an ellipsis replaces the rest."""
MAX_SHOWN: Final = 2_000
"""Characters of one changed piece that are shown."""
MAX_PIECES: Final = 200
"""Changed pieces of one field that are shown."""
_CODE: Final = "HtmlBody"
_ATTRIBUTES: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)\s[^<>]*>")
_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs.

    Attributes:
        field: the field's name in Postmark, such as ``Subject`` or ``Metadata.plan``.
        segments: the pieces of both texts, in order: ``same`` or the kind of change, the old text,
            the new text.
        old, new: both texts; None for a missing one.
    """

    field: str
    segments: tuple[tuple[str, str, str], ...]
    old: str | None = None
    new: str | None = None

    @property
    def is_code(self) -> bool:
        """Whether it is HTML source, which is shown folded."""
        return self.field == _CODE

    @property
    def count(self) -> int:
        """How many pieces changed."""
        return sum(kind != "same" for kind, _, _ in self.segments)

    def pieces(self, kinds: str = "del ins") -> Iterator[Piece]:
        """The pieces of both texts as one: deleted ones before inserted ones.

        Unchanged parts of HTML source are without line breaks and attributes.

        Args:
            kinds: the kinds of changes; ``del`` alone gives the old text, ``ins`` alone the new.

        >>> change = Change("Subject", (("replaced", "Hi", "<b>"), ("same", " Ann", " Ann")))
        >>> [piece[:2] for piece in change.pieces()]
        [('del', 'Hi'), ('ins', '<b>'), ('same', ' Ann')]
        """
        changed = 0
        for i, (kind, old, new) in enumerate(self.segments):
            if kind == "same":
                text = _ATTRIBUTES.sub(r"<\1 …>", _BLANKS.sub(" ", old)) if self.is_code else old
                yield from _context(text, is_first=i == 0, is_last=i == len(self.segments) - 1)
                continue
            changed += 1
            if changed > MAX_PIECES:
                yield Piece("note", "… more changes are not shown")
                return
            if old and "del" in kinds:
                yield _changed("del", old)
            if new and "ins" in kinds:
                yield _changed("ins", new)


@dataclass(frozen=True, slots=True)
class Side:
    """One of two rows.

    Attributes:
        label: the label of the row.
        problems: the problems of its message.
    """

    label: str
    problems: tuple[ShownProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Rows that changed by the same edit.

    Attributes:
        title: the number of the edit, and the number of rows that have it.
        example: the row whose words are shown.
        changes: the edit, word by word; a text in curly brackets is the name of a column.
    """

    title: str
    example: str
    changes: tuple[Change, ...]

    @property
    def is_open(self) -> bool:
        """Whether to unfold the HTML source."""
        return _is_open(self.changes)


class Piece(NamedTuple):
    """A piece of a text with changes.

    Attributes:
        kind: ``same``, ``del``, ``ins``, or ``note`` for a remark that is not part of the text.
        text: the text of the piece, without its last line break if ``ends_line``.
        more: the number of characters that are not shown.
        ends_line: whether a line break follows.
    """

    kind: Literal["same", "del", "ins", "note"]
    text: str
    more: int = 0
    ends_line: bool = False


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
        old: the first row.
        new: the second row.
        fields: the fields that differ between the messages.
        cells: the columns that differ, with both values.
        summary: the summary, one line.
    """
    return render(
        "changes/rows",
        old=old,
        new=new,
        summary=summary,
        fields=fields,
        is_open=_is_open(fields),
        cells=[(name, _cell(before), _cell(after)) for name, before, after in cells],
    )


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
        title: the title, which names the campaigns.
        summary: the summary, one line.
        counts: the names and numbers, in order.
        groups: the edits.
        rest: one line about edits that are not shown; empty if all are.
    """
    return render(
        "changes/campaigns", title=title, summary=summary, counts=counts, groups=groups, rest=rest
    )


def _context(text: str, *, is_first: bool, is_last: bool) -> list[Piece]:
    """Unchanged text, as much of it as is next to a change."""
    head, tail = (0 if is_first else CONTEXT), (0 if is_last else CONTEXT)
    if len(text) <= head + tail + CONTEXT // 2:
        return [Piece("same", text)]
    before = text[:head].rpartition(" ")[0] or text[:head]
    after = text[len(text) - tail :].partition(" ")[2] or text[len(text) - tail :]
    return [Piece("same", before), Piece("note", " … "), Piece("same", after if tail else "")]


def _changed(kind: Literal["del", "ins"], text: str) -> Piece:
    """A changed piece. Its line breaks are marked; so are its blanks if it has nothing else."""
    shown, more = visible(text[:MAX_SHOWN]), max(len(text) - MAX_SHOWN, 0)
    if not text.strip():
        shown = shown.replace(" ", "␣").replace("\t", "⇥")
    ends_line = shown.endswith("\n") and not more
    shown = shown.replace("\n", "↵\n")
    return Piece(kind, shown.removesuffix("\n") if ends_line else shown, more, ends_line)


def _cell(text: str | None) -> list[Piece] | None:
    if text is None:
        return None
    return [Piece("same", text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …")]


def _is_open(changes: Iterable[Change]) -> bool:
    """Whether to unfold the HTML source: if no other field shows what changed."""
    return all(change.is_code for change in changes)
