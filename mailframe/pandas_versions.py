"""Where the versions of pandas differ. No other module asks which pandas it is.

pandas 3 has the text dtype ``str``, copy-on-write and ``pd.col``. pandas 2 keeps text as Python
objects, copies when it is asked to, and has no ``pd.col``. ``future.infer_string`` of pandas 2
brings the text dtype, ``mode.copy_on_write`` the other copies.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    Frame = TypeVar("Frame", bound=pd.DataFrame)

_ALWAYS_COPIES_ON_WRITE: Final = int(pd.__version__.partition(".")[0]) >= 3  # noqa: PLR2004
_HAS_STR: Final = "na_value" in inspect.signature(pd.StringDtype).parameters  # from pandas 2.3 on


# --- expressions ----------------------------------------------------------------------------------


class _NoExpression:
    """The type of ``pd.col("x")`` where there is no ``pd.col``: nothing has it."""


HAS_EXPRESSIONS: Final = hasattr(pd, "col")
EXPRESSION: Final[type] = type(pd.col("x")) if HAS_EXPRESSIONS else _NoExpression
"""The type of ``pd.col("x")``, which pandas gives no public name."""
VARYING: Final = "a callable, a Series or pd.col" if HAS_EXPRESSIONS else "a callable or a Series"
"""What varies by row, for error texts."""
OVER_THE_FRAME: Final = "a callable or pd.col" if HAS_EXPRESSIONS else "a callable"
"""What gets its values from the frame, for error texts."""


# --- copies ---------------------------------------------------------------------------------------


def own_copy(frame: Frame) -> Frame:
    """A copy that no later change of *frame* reaches, and the other way round.

    With copy-on-write both share their memory until one is changed. The objects in cells, such as
    lists, are shared in any case.

    >>> people = pd.DataFrame({"name": ["Ann"]})
    >>> copy = own_copy(people)
    >>> people.loc[0, "name"] = "Bob"
    >>> copy.loc[0, "name"]
    'Ann'
    """
    shares = _ALWAYS_COPIES_ON_WRITE or pd.get_option("mode.copy_on_write") is True
    return frame.copy(deep=not shares)


# --- text -----------------------------------------------------------------------------------------


def text_dtype() -> Any:
    """The dtype that pandas gives to text: ``str``, or ``object`` where there is none for text."""
    return pd.Index([""]).dtype  # half of the time of a Series


def has_text_dtype() -> bool:
    """Whether text has a dtype of its own."""
    return not isinstance(text_dtype(), np.dtype)


def text_storage() -> str:
    """``pyarrow`` where pandas keeps text in Arrow, ``python`` where as Python objects."""
    storage: str = getattr(text_dtype(), "storage", "python")
    return storage if storage == "pyarrow" else "python"


def str_dtype(storage: str) -> Any:
    """The dtype ``str``, or the dtype of text where pandas gives another one to text.

    Args:
        storage: ``python`` or ``pyarrow``; the other one is used where pyarrow is not installed.
    """
    if not (_HAS_STR and has_text_dtype()):
        return text_dtype()
    try:
        return pd.StringDtype(storage.removesuffix("_numpy"), na_value=np.nan)
    except ImportError:
        return pd.StringDtype("python", na_value=np.nan)


def text_column(
    texts: Iterable[str | None], index: pd.Index[Any] | None = None, name: Hashable = None
) -> pd.Series[Any]:
    """A column of texts, with NaN for None, in the dtype of text.

    >>> text_column(["a", None]).tolist()
    ['a', nan]
    """
    cells: list[Any] = list(texts)
    dtype = text_dtype()
    if isinstance(dtype, np.dtype):
        cells = [np.nan if text is None else text for text in cells]
    column: pd.Series[Any] = pd.Series(cells, index=index, name=name, dtype=dtype)
    return column


def text_labels(texts: Iterable[str], name: Hashable = None) -> pd.Index[Any]:
    """An index of texts in the dtype of text."""
    labels: pd.Index[Any] = pd.Index(list(texts), dtype=text_dtype(), name=name)
    return labels


def as_dtype(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """A column in the dtype of that name, in which ``str`` is the dtype of text.

    Args:
        column: texts and missing values for ``str``; for another dtype what pandas converts.
        name: the name of a dtype.

    >>> as_dtype(pd.Series(["a", None, pd.NA], dtype=object), "str").tolist()
    ['a', nan, nan]
    """
    if name != "str" or has_text_dtype():
        dtype: Any = text_dtype() if name == "str" else name
        return column.astype(dtype)
    texts = column.astype(object)
    return texts.where(texts.notna(), np.nan)
