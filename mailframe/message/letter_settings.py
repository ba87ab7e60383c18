"""What templates can use besides the columns: files, filters, constants and translations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailframe.errors import LetterError
from mailframe.letter.folder import FolderLoader
from mailframe.letter.jinja.environment import RESERVED
from mailframe.letter.jinja.settings import TemplateSettings
from mailframe.letter.jinja.translations import Catalogs, Translations
from mailframe.letter.jinja.values import Missing, Unsupported
from mailframe.letter.layouts.loading import LetterLoader
from mailframe.letter.layouts.theme import NAME as THEME
from mailframe.letter.layouts.theme import whole_theme
from mailframe.message.own_filters import own_filters
from mailframe.message.plain_values import plain
from mailframe.paths import other_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from mailframe.letter.letter import Letter


def template_settings(letter: Letter, frame: pd.DataFrame) -> TemplateSettings:
    """The settings of the environments of a letter.

    Raises:
        LetterError: a constant has the name of a column or a value that templates cannot use, or
            the catalogs cannot be read or are given without a language, or there is no shared
            folder.
    """
    if letter.translations is not None and letter.language is None:
        raise LetterError(
            "translations need the language of each row: write language='{{ language }}' with the "
            "column that holds it, or a constant such as language='de'"
        )
    if letter.shared is not None and not letter.shared.is_dir():
        raise LetterError(f"shared: there is no folder {letter.shared}{other_form(letter.shared)}")
    folders = [folder for folder in (letter.folder, letter.shared) if folder is not None]
    return TemplateSettings(
        loader=LetterLoader(FolderLoader(*folders) if folders else None, partial(_theme, letter)),
        filters=own_filters(letter.filters or {}),
        constants=_constants(letter.constants or {}, frame),
        has_language=letter.language is not None,
        translations=Translations(_catalogs(letter)),
    )


def _theme(letter: Letter) -> dict[str, Any]:
    """The theme of the layouts that a letter uses."""
    theme = whole_theme((letter.constants or {}).get(THEME), stream=letter.message_stream)
    if not theme["language"] and isinstance(letter.language, str) and "{" not in letter.language:
        theme["language"] = letter.language
    return theme


def _catalogs(letter: Letter) -> Catalogs:
    if letter.translations is None:
        return Catalogs()
    return Catalogs.read((letter.folder or Path()) / letter.translations)


def _constants(constants: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    for name in constants:
        if name in RESERVED:
            raise LetterError(f"constants: {name!r} is a name of Jinja or mailframe; use another")
    twice = [name for name in constants if name in frame.columns]
    if twice:
        raise LetterError(
            f"{', '.join(map(repr, twice))}: both a constant of the letter and a column of the "
            "frame; rename one, or drop the column"
        )
    return {name: _constant(name, value) for name, value in constants.items()}


def _constant(name: str, value: Any) -> Any:
    made = plain(value, column=name)
    if isinstance(made, Missing | Unsupported):
        raise LetterError(
            f"the constant {name!r} is {'missing' if isinstance(made, Missing) else 'a '}"
            f"{'' if isinstance(made, Missing) else type(value).__name__}; {_way(value)}"
        )
    return made


def _way(value: Any) -> str:
    """What to write for a value that is no constant."""
    if hasattr(value, "savefig"):
        return "write mf.image(figure, alt='…')"
    if hasattr(value, "to_html") or hasattr(value, "as_raw_html"):
        return "write mf.html(…) for a table"
    return "give text, a number, a date, or a list or dict of these"
