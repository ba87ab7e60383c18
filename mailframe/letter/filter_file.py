"""Filters in a Python file beside the templates of a letter, as ``letter.toml`` names it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mailframe.errors import LetterError
from mailframe.letter.folder import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileFilter:
    """A function of a file, which can be pickled: another process reads the file again.

    Attributes:
        path: the path of the file.
        root: the folder of the letter.
        name: the name of the function.
    """

    path: Path
    root: Path
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return _functions(self.path, self.root)[self.name](*args, **kwargs)


def filters_of(file_name: object, *, root: Path) -> dict[str, FileFilter]:
    """The filters of a letter that are functions of a file: those that it defines.

    Functions that it imports, or whose names begin with an underscore, are no filters.

    Args:
        file_name: the name of the file in the folder of the letter, such as ``filters.py``.
        root: the folder of the letter.

    Raises:
        LetterError: there is no such file in the folder, or running it raises.
    """
    if not isinstance(file_name, str) or not file_name.endswith(".py"):
        raise LetterError(
            f"filters in letter.toml is {file_name!r}; write the name of a Python file beside it: "
            'filters = "filters.py"'
        )
    path = root / file_name
    names = _functions(path, root)
    if not names:
        raise LetterError(f"{path} defines no function")
    return {name: FileFilter(path, root, name) for name in names}


@cache
def _functions(path: Path, root: Path) -> dict[str, Callable[..., Any]]:
    source = read_text(path, root=root)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the file of the letter's authors
    except Exception as error:
        raise LetterError(f"{path}: {type(error).__name__}: {error}") from error
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__globals__ is module.__dict__ and name[0] != "_"
    }
