"""Small letters over small frames, and their tours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.message.render import Renderer
from mailframe.review.tour import Tour, tour
from mailframe.review.tour.edge_cases import _TracedRows
from tests.composing import cells, frame

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from mailframe.message.binding import BoundLetter


def letter(**fields: Any) -> mf.Letter:
    """A letter whose only branches are in these fields."""
    return mf.Letter(
        **{"sender": "me@acme.example", "to": "{{ email }}", "text_body": "Hi", **fields}
    )


def tour_of(
    df: pd.DataFrame, *, of: mf.Letter | None = None, max_rows: int = 100_000, **fields: Any
) -> Tour:
    """The tour of a frame and a letter, which may be given by its fields."""
    return tour(bind(of or letter(**fields), df), df.index, progress=False, max_rows=max_rows)


def taken(template: str, /, *, part: str = "text_body", **cell: Any) -> set[str]:
    """The texts of the branches that one row with these cells takes."""
    return {branch.text for branch in one_row(template, part=part, **cell).branches}


def untaken(template: str, /, *, part: str = "text_body", **cell: Any) -> set[str]:
    """The texts of the branches that are reported as untaken, for one row with these cells."""
    return {branch.text for branch in one_row(template, part=part, **cell).untaken}


def one_row(template: str, /, *, part: str = "text_body", **cell: Any) -> Tour:
    """The tour of one row with these cells."""
    columns = {name: cells(value) for name, value in cell.items()}
    return tour_of(frame(**columns), **{part: template})


def folder(tmp_path: Path, **files: str) -> mf.Letter:
    """A letter in a folder; a name such as ``_footer_html`` is the file ``_footer.html``."""
    settings = ['sender = "me@acme.example"', 'to = "{{ email }}"', "allow_empty_subject = true"]
    (tmp_path / "letter.toml").write_text("\n".join(settings), encoding="utf-8")
    for name, text in files.items():
        stem, _, extension = name.rpartition("_")
        (tmp_path / f"{stem}.{extension}").write_text(text, encoding="utf-8")
    return mf.Letter.load(tmp_path)


def drafts(bound: BoundLetter) -> list[tuple[int, dict[str, Any], list[Any]]]:
    """The contents of the draft of each row."""
    return [
        (draft.position, draft.values, draft.problems)  # noqa: PD011 - no frame, but a draft
        for draft in Renderer(bound).drafts()
    ]


def bits_of_rows(bound: BoundLetter) -> list[int]:
    """The branches that each row takes."""
    rows = _TracedRows.of(bound)
    return [rows.tracer.take() for _ in Renderer(rows.bound).drafts()]


def traced(bound: BoundLetter) -> BoundLetter:
    """The letter with marks in its templates."""
    return _TracedRows.of(bound).bound
