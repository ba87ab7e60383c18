"""Loads the layouts of mailframe, and after them the templates of a letter's folders."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import BaseLoader, Environment, FileSystemLoader, TemplateNotFound
from markupsafe import Markup

from mailframe.letter.suggestions import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "mailframe/"
"""The start of the names of mailframe's own templates."""
_FOLDER: Final = Path(__file__).parent


class LetterLoader(BaseLoader):
    """Loads ``mailframe/…`` from the package, and all other templates from a letter's folders.

    Args:
        folders: the loader of the folders; None for a letter without a folder.
        theme: returns the theme of the letter, with its defaults.
    """

    def __init__(self, folders: BaseLoader | None, theme: Callable[[], Mapping[str, Any]]) -> None:
        self._folders = folders
        self._theme = theme

    def get_source(
        self, environment: Any, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """Read a template for jinja2.

        Raises:
            LetterError: the file cannot be read, or the theme is not valid.
            TemplateNotFound: there is no such template.
        """
        if template.startswith(PREFIX):
            return self._own(template), None, lambda: True
        if self._folders is None:
            raise TemplateNotFound(
                template,
                f"the letter has no folder with {template!r}; use mf.Letter.load(folder) for "
                "include and extends, and shared=… for files that several letters use",
            )
        return self._folders.get_source(environment, template)

    def _own(self, template: str) -> str:
        names = _names()
        if template not in names:
            hint = did_you_mean(nearest(template, names))
            raise TemplateNotFound(template, f"mailframe has no template {template!r}{hint}")
        environment = _ENVIRONMENTS[template.endswith(".html")]
        made = environment.get_template(template.removeprefix(PREFIX))
        return made.render(theme={**self._theme()}, css=Markup)


@cache
def _names() -> tuple[str, ...]:
    files = sorted(_FOLDER.glob("*.html")) + sorted(_FOLDER.glob("*.txt"))
    return tuple(PREFIX + path.name for path in files)


def _environment(*, html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        autoescape=html,  # noqa: S701 - text is not escaped
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


_ENVIRONMENTS: Final = {html: _environment(html=html) for html in (True, False)}
