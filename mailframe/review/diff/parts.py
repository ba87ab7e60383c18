"""One row, ready to be compared: its message as texts by field, its cells as texts by column."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson
from jinja2 import Undefined

from mailframe.letter.jinja.values import GivenValues, Unsupported
from mailframe.message.cells import Column, printed
from mailframe.message.payload import POSTMARK_NAMES, content_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter

HTML_FIELD: Final = "HtmlBody"
_ORDER: Final = {name: place for place, name in enumerate(POSTMARK_NAMES.values())}
_DIGEST_LETTERS: Final = 8


def differing(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[dict[str, tuple[str | None, str | None]], int]:
    """The parts of two payloads that differ, each with both texts (None where there is none), and how many do not.

    Args:
        old: the fields of ``Prepared``.
        new: the same of the other row. A part is a field, or one header or metadata: ``Metadata.plan``.

    >>> differing({"To": "a@example.com", "Metadata": {"n": "1"}}, {"To": "a@example.com", "Metadata": {"n": "2"}})
    ({'Metadata.n': ('1', '2')}, 1)
    """
    before, after = _parts(old), _parts(new)
    if "Attachments" in old or "Attachments" in new:
        before["Attachments"], after["Attachments"] = _both_files(
            old.get("Attachments"), new.get("Attachments")
        )
    names = sorted({**before, **after}, key=_place)
    found = {name: (before.get(name), after.get(name)) for name in names}
    changed = {name: both for name, both in found.items() if both[0] != both[1]}
    return changed, len(found) - len(changed)


def _place(part: str) -> int:
    """Postmark's order, but the source of the HTML part last: it tells a person least."""
    return len(_ORDER) if part == HTML_FIELD else _ORDER[part.partition(".")[0]]


def _parts(fields: Mapping[str, Any]) -> dict[str, str | None]:
    made: dict[str, str | None] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            made[name] = value
        elif isinstance(value, bool):
            made[name] = "yes" if value else "no"
        elif name == "Headers":
            made |= {f"Headers.{pair['Name']}": pair["Value"] for pair in value}
        elif name == "Metadata":
            made |= {f"Metadata.{key}": text for key, text in value.items()}
    return made


def _both_files(old: object, new: object) -> tuple[str | None, str | None]:
    """The attachments of both as texts that are equal when the files are; a digest tells what else does not."""
    before, after = (None if files is None else orjson.dumps(files) for files in (old, new))
    if before == after:
        return "the same files", "the same files"
    listed = [
        [] if files is None else [_file(file) for file in orjson.loads(files)]
        for files in (before, after)
    ]
    texts = []
    for mine, other in (listed, listed[::-1]):
        known = dict(other)
        lines = [
            said
            if known.get(said, digest) == digest
            else f"{said}, content {digest[:_DIGEST_LETTERS]}"
            for said, digest in mine
        ]
        texts.append("\n".join(lines) or None)
    if texts[0] == texts[1]:  # the same name twice, with contents in another order
        texts = [
            "\n".join(f"{said}, content {digest[:_DIGEST_LETTERS]}" for said, digest in mine)
            for mine in listed
        ]
    return texts[0], texts[1]


def _file(file: Mapping[str, str]) -> tuple[str, str]:
    content, size = file["Content"], content_bytes(file)
    inline = f", inline {file['ContentID']}" if "ContentID" in file else ""
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"{file['Name']} ({file['ContentType']}, {size:,} bytes{inline})", digest


def cell_text(value: Any) -> str | None:
    """A cell as a template would print it; None for a gap, and words for what no template can print."""
    if isinstance(value, Undefined):
        return "(a type that templates do not see)" if isinstance(value, Unsupported) else None
    return printed(value)


def is_column(column: Column) -> bool:
    """Whether it is a column of the caller's frame, with cells that a template can see."""
    return not column.raw and not isinstance(column.name, GivenValues)


def cells_of(
    bound: BoundLetter, frame: pd.DataFrame, positions: Sequence[int]
) -> Iterator[tuple[str, list[str | None]]]:
    """Every column of the frame with its cells at these positions; two columns of one name are two."""
    known = {column.name: column for column in bound.columns if is_column(column)}
    for place, name in enumerate(frame.columns):
        column = known.get(name)
        series = frame.iloc[:, place] if column is None else column.series
        whole = Column.of(name, series) if column is None else column
        cells = whole.take(positions).cells(0, len(positions))
        yield str(name), [cell_text(value) for value in cells]
