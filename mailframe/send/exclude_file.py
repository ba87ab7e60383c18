"""The file of ``send(exclude="do_not_mail.csv")`` as a DataFrame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.errors import MailframeError
from mailframe.paths import local_path

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

_EXAMPLE: Final = "do_not_mail.csv"
_SEPARATORS: Final = (",", ";", "\t")


def is_file_name(text: str) -> bool:
    """Whether a text is the path of a file that is read.

    >>> is_file_name("do_not_mail.CSV"), is_file_name("ann@example.com")
    (True, False)
    """
    return text.lower().endswith(tuple(_READERS))


def frame_of_file(named: str | os.PathLike[str]) -> pd.DataFrame:
    """The rows of a CSV or Parquet file; the cells of a CSV stay text, so leading zeros count.

    A CSV is UTF-8 with a header. It is separated by commas, or by what a header without a comma
    has: semicolons or tabs.

    Raises:
        MailframeError: there is no such file, or it cannot be read.
    """
    path = local_path(named, what="exclude", example=_EXAMPLE, error=MailframeError)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise MailframeError(f"exclude reads a .csv or a .parquet file, not {path.name}")
    try:
        return read(path)
    except UnicodeDecodeError as error:
        raise MailframeError(
            f"exclude: {path.name} is not UTF-8 ({error}); give the frame, for example "
            "exclude=pd.read_csv(path, dtype=str, encoding='cp1252'); nothing was sent"
        ) from None
    except (OSError, ValueError, ImportError) as error:
        raise MailframeError(
            f"exclude: {path.name} could not be read ({error}); nothing was sent"
        ) from error


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = re.sub('"[^"]*"', "", file.readline())
    separator = next((one for one in _SEPARATORS if one in header), ",")
    # without index_col, a comma at the end of each row moves the cells to other columns; with the
    # dtype str, pandas 3 warns of that comma
    return pd.read_csv(
        path,
        dtype=object,
        keep_default_na=False,
        sep=separator,
        index_col=False,
        encoding="utf-8-sig",
    )


_READERS: Final[Mapping[str, Callable[[Path], pd.DataFrame]]] = {
    ".csv": _read_csv,
    ".parquet": pd.read_parquet,
}
