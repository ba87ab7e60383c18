"""The fields of a Markdown letter: which bodies go together, and letters in one file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LetterError, MissingExtra
from mailframe.letter.folder import read_text
from mailframe.paths import other_form

if TYPE_CHECKING:
    from pathlib import Path

    from mailframe.letter.letter import Letter

_FENCE: Final = "---"
_TEMPLATE: Final = re.compile(r"\{[{%]")


def check_bodies(letter: Letter) -> None:
    """Check that the bodies of a letter go together.

    Raises:
        LetterError: it has both Markdown and HTML, or Markdown or a layout that is no text.
    """
    for field in ("markdown_body", "layout"):
        value = getattr(letter, field)
        if value is not None and not isinstance(value, str):
            raise LetterError(
                f"{field} is a {type(value).__name__}; it is text, the same for every row"
            )
    if letter.markdown_body is not None and letter.html_body is not None:
        raise LetterError(
            "the letter has both a markdown_body and a html_body; the HTML is made of the Markdown"
        )


def file_fields(path: Path) -> dict[str, Any]:
    """The fields of a letter in one Markdown file.

    The Markdown keeps the lines that it has in the file, so that messages have these.

    Args:
        path: the path of the file.

    Raises:
        LetterError: the file is missing, not UTF-8, or has no fields or wrong ones at its start.
        MissingExtra: PyYAML is not installed.
    """
    if not path.exists():
        raise LetterError(f"{path}: there is no such file{other_form(path)}")
    lines = read_text(path, root=path.parent).split("\n")
    end = next((i for i, line in enumerate(lines) if i and line.rstrip() == _FENCE), None)
    if lines[0].rstrip() == _FENCE and end is None:
        raise LetterError(f"{path}: its fields have no end; write a line of --- below them")
    if end is None or lines[0].rstrip() != _FENCE:
        raise LetterError(
            f"{path} has no fields; begin it with lines such as sender: hello@acme.example and "
            "to: '{{ email }}' between two lines of ---"
        )
    fields = _read_yaml("\n".join(lines[1:end]), path)
    if "markdown_body" in fields:
        raise LetterError(f"{path}: markdown_body is the text below the fields; remove it")
    fields["markdown_body"] = "\n" * (end + 1) + "\n".join(lines[end + 1 :])
    return fields


def _read_yaml(text: str, path: Path) -> dict[str, Any]:
    try:
        import yaml  # noqa: PLC0415 - an extra

        from mailframe.letter.markdown.front_matter import read  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingExtra(f"the fields of {path.name}", "markdown") from error
    try:
        fields = read(text)
    except yaml.YAMLError as error:
        raise LetterError(f"{path}, {_place(error)}{_hint(text, error)}") from None
    fields = {} if fields is None else fields
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        raise LetterError(f"{path}: the lines between --- are fields such as to: '{{{{ email }}}}'")
    return fields


def _place(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"line {mark.line + 2}: {what}" if mark else f"its fields: {what}"


def _hint(text: str, error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    lines = text.split("\n")
    line = lines[min(mark.line, len(lines) - 1)] if mark else ""
    return (
        "; write text with {{ … }} in quotes: to: '{{ email }}'" if _TEMPLATE.search(line) else ""
    )
