"""The fields of two messages that differ, as texts, and the cells of rows as texts."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson
from jinja2 import Undefined

from mailframe.letter.jinja.values import GivenValues, Unsupported
from mailframe.message.cells import Column, printed
from mailframe.message.payload import POSTMARK_NAMES, content_bytes
from mailframe.message.template_fields import ALIAS_NAME, ID_NAME, MODEL_NAME, model_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter

ChangedFields: TypeAlias = "dict[str, tuple[str | None, str | None]]"
"""The old and the new text by field; None for a field that a message does not have."""

HTML_FIELD: Final = "HtmlBody"
_ORDER: Final = {name: place for place, name in enumerate(POSTMARK_NAMES.values())}
_ORDER[ID_NAME] = _ORDER[ALIAS_NAME]
_DIGEST_CHARACTERS: Final = 8


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ChangedFields, int]:
    """The fields of two messages that differ, and the number of fields that are equal.

    Each header, each metadata value and each value of a model is a field of its own, such as
    ``Metadata.plan`` or ``TemplateModel.orders[0].id``.

    Args:
        old: the fields of a ``Prepared``.
        new: the fields of another one.

    Returns:
        The fields that differ; the number of equal fields.

    >>> changed_fields({"Tag": "a", "Metadata": {"n": "1"}}, {"Tag": "a", "Metadata": {"n": "2"}})
    ({'Metadata.n': ('1', '2')}, 1)
    """
    before, after = _texts(old), _texts(new)
    if "Attachments" in old or "Attachments" in new:
        before["Attachments"], after["Attachments"] = _attachments(
            old.get("Attachments"), new.get("Attachments")
        )
    names = sorted({**before, **after}, key=_place)
    both = {name: (before.get(name), after.get(name)) for name in names}
    changed = {name: texts for name, texts in both.items() if texts[0] != texts[1]}
    return changed, len(both) - len(changed)


def _place(field: str) -> int:
    """Postmark's order, with the source of the HTML part last."""
    return len(_ORDER) if field == HTML_FIELD else _ORDER[re.split(r"[.[]", field, maxsplit=1)[0]]


def _texts(fields: Mapping[str, Any]) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            texts[name] = value
        elif isinstance(value, bool):
            texts[name] = "yes" if value else "no"
        elif name == ID_NAME:
            texts[name] = str(value)
        elif name == MODEL_NAME:
            texts |= dict(model_lines(value, MODEL_NAME))
        elif name == "Headers":
            texts |= {f"Headers.{pair['Name']}": pair["Value"] for pair in value}
        elif name == "Metadata":
            texts |= {f"Metadata.{key}": text for key, text in value.items()}
    return texts


def _attachments(old: object, new: object) -> tuple[str | None, str | None]:
    """The attachments of two messages as texts, which are equal if the attachments are.

    Files that differ only in their content have a digest of it.
    """
    before, after = (None if files is None else orjson.dumps(files) for files in (old, new))
    if before == after:
        return "the same files", "the same files"
    own, other = (
        [] if files is None else list(map(_file, orjson.loads(files))) for files in (before, after)
    )
    names = {name for name, _ in own} & {name for name, _ in other}
    with_digest = {file for file in {*own} ^ {*other} if file[0] in names}
    if not with_digest and [name for name, _ in own] == [name for name, _ in other]:
        with_digest = {*own}  # files with one name, in another order
    return _listing(own, with_digest), _listing(other, with_digest)


def _file(file: Mapping[str, str]) -> tuple[str, str]:
    """The name, type and size of a file, and a digest of its content."""
    inline = f", inline {file['ContentID']}" if "ContentID" in file else ""
    digest = hashlib.sha256(file["Content"].encode()).hexdigest()
    return f"{file['Name']} ({file['ContentType']}, {content_bytes(file):,} bytes{inline})", digest


def _listing(files: list[tuple[str, str]], with_digest: set[tuple[str, str]]) -> str | None:
    lines = [
        f"{name}, content {digest[:_DIGEST_CHARACTERS]}" if (name, digest) in with_digest else name
        for name, digest in files
    ]
    return "\n".join(lines) or None


def cell_text(value: Any) -> str | None:
    """A cell as a template prints it; None if missing, a description if it cannot be printed."""
    if isinstance(value, Undefined):
        return "(a type that templates do not see)" if isinstance(value, Unsupported) else None
    try:
        return printed(value)
    except ValueError:
        return "(a number with too many digits)"


def is_frame_column(column: Column) -> bool:
    """Whether it is a column of the caller's frame, with cells that templates can see."""
    return not column.raw and not isinstance(column.name, GivenValues)


def cells_of(
    bound: BoundLetter, frame: pd.DataFrame, positions: Sequence[int]
) -> Iterator[tuple[str, list[str | None]]]:
    """Every column of the frame with its cells at these positions; columns may have equal names."""
    bound_columns = {column.name: column for column in bound.columns if is_frame_column(column)}
    for place, name in enumerate(frame.columns):
        column = bound_columns.get(name) or Column.of(name, frame.iloc[:, place])
        cells = column.take(positions).cells(0, len(positions))
        yield str(name), [cell_text(value) for value in cells]
