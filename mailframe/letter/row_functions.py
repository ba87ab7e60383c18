"""A row as functions of the user get it, and cells that are made when they are needed."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import LetterError
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.pandas_versions import EXPRESSION, own_copy

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

_MAX_SHOWN: Final = 8


class Row(Mapping["Hashable", Any]):
    """A row of a frame: ``row["plan"]``, or ``row.plan`` for names that are no methods.

    Cells are as ``Series.tolist`` returns them.

    Args:
        frame: the frame.
        position: the position of the row.

    >>> row = Row(pd.DataFrame({"plan": ["team"], "seats": [5]}), 0)
    >>> row["plan"], row.seats, list(row)
    ('team', 5, ['plan', 'seats'])
    """

    __slots__ = ("_frame", "_position", "_read")

    def __init__(
        self, frame: pd.DataFrame, position: int, *, read: dict[Hashable, None] | None = None
    ) -> None:
        self._frame, self._position, self._read = frame, position, read

    def _recording(self) -> Row:
        """The same row; it notes the names of the columns that are read."""
        return Row(self._frame, self._position, read={})

    def _alone(self) -> Row:
        """The same row in a frame of its own, for another process; it notes what is read."""
        return Row(self._frame.iloc[[self._position]], 0, read={})

    @property
    def _names_read(self) -> tuple[Hashable, ...]:
        """The columns that were read, in the order of the frame."""
        return tuple(name for name in self._frame.columns if name in (self._read or {}))

    def _note(self, names: Iterable[Hashable]) -> None:
        """Note that these columns were read, if the row notes them."""
        if self._read is not None:
            self._read.update(dict.fromkeys(names))

    def _key(self, names: Iterable[Hashable]) -> Hashable | None:
        """Equal for two rows if they have the same cells in these columns; None if unknown."""
        try:
            return pickle.dumps([self._cell(name) for name in names])
        except Exception:  # noqa: BLE001 - a cell that cannot be pickled
            return None

    def __getitem__(self, name: Hashable) -> Any:
        if name not in self._frame.columns:
            similar = did_you_mean(map(repr, nearest(name, self._frame.columns)))
            raise KeyError(f"the frame has no column {name!r}{similar}")
        if self._read is not None:
            self._read[name] = None
        return self._cell(name)

    def _cell(self, name: Hashable) -> Any:
        cell = self._frame[name].iloc[self._position : self._position + 1]
        return _copied(cell.tolist()[0])  # an int of Python, not of NumPy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Iterator[Hashable]:
        if self._read is not None:
            self._read.update(dict.fromkeys(self._frame.columns))
        return iter(self._frame.columns)

    def __len__(self) -> int:
        return len(self._frame.columns)

    def __repr__(self) -> str:
        names = ", ".join(map(str, self._frame.columns[:_MAX_SHOWN]))
        more = ", …" if len(self) > _MAX_SHOWN else ""
        # not noted as read, so that a picture for several rows must not have the label of one
        label = "" if self._read is not None else f" {self._frame.index[self._position]!r}"
        return f"<row{label}: {names}{more}>"


class RowCell:
    """A cell that a function makes from its row, when a message needs it.

    Args:
        function: the function of the row.
        row: the row.
    """

    __slots__ = ("function", "row")

    def __init__(self, function: Callable[[Row], Any], row: Row) -> None:
        self.function, self.row = function, row

    @property
    def is_html(self) -> bool:
        """Whether it is a cell of ``mf.html``."""
        return getattr(self.function, "makes_html", False)

    def value(self) -> Any:
        """What the function returns for the row."""
        return self.function(self.row)

    def columns_read(self) -> tuple[Hashable, ...]:
        """The columns that the function reads from the row; it is called once more."""
        row = self.row._recording()  # noqa: SLF001 - not a name of the row
        with suppress(Exception):  # an error is reported where the value is printed
            self.function(row)
        return row._names_read  # noqa: SLF001

    @staticmethod
    def prepare(cells: Sequence[Any]) -> None:
        """Let a function that can make several values together do so."""
        rows: dict[Any, list[Row]] = {}
        for cell in cells:
            if type(cell) is RowCell and hasattr(cell.function, "prepare"):
                rows.setdefault(cell.function, []).append(cell.row)
        for function, of_function in rows.items():
            if len(of_function) > 1:
                function.prepare(of_function)

    def __repr__(self) -> str:
        return f"<made by {_name(self.function)}>"


class RowFunction:
    """A function of a row, as a value of a letter or of ``DataFrame.assign``.

    Called with a frame, it returns a column of cells that are made when a message needs them, for
    the rows that need them, in the order of the frame.

    Args:
        function: the function of the row.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[Row], Any]) -> None:
        self._function = function

    def __call__(self, frame: pd.DataFrame) -> pd.Series[Any]:
        """The column of a frame."""
        kept = own_copy(frame)
        cells = [RowCell(self._function, Row(kept, place)) for place in range(len(kept))]
        return pd.Series(cells, index=frame.index, dtype=object)

    def __repr__(self) -> str:
        return f"<each row: {_name(self._function)}>"


def refuse_column(value: object, *, call: str) -> None:
    """Refuse ``pd.col`` and a Series where a function of a row is expected.

    Args:
        value: what was given.
        call: the function of mailframe that it was given to, such as ``mf.each``.

    Raises:
        LetterError: it is one of them; with what to write.
    """
    if isinstance(value, EXPRESSION | pd.Series):
        kind = "a Series" if isinstance(value, pd.Series) else "pd.col"
        name = value.name if isinstance(value, pd.Series) and value.name is not None else "…"
        raise LetterError(
            f"{call} takes a function of a row, not {kind}; write lambda row: row[{name!r}]"
        )


def each(function: Callable[[Row], Any]) -> RowFunction:
    """A value for each row, made by a function of the row when a message needs it.

    Args:
        function: a function that gets a row, ``row["plan"]`` or ``row.plan``, and returns text,
            a number, a date, or for an attachment bytes. It must depend on the row alone.

    Raises:
        LetterError: it is not a function.

    >>> people = pd.DataFrame({"name": ["Ann"], "seats": [5]})
    >>> made = people.mail.compose(
    ...     sender="me@acme.example", to="ann@example.com", subject="Hi", text_body="Hi",
    ...     attachments=mf.Attachment("a.txt", mf.each(lambda row: row["name"].encode())))
    >>> made.message(0).payload["Attachments"][0]["Content"]
    'QW5u'
    """
    refuse_column(function, call="mf.each")
    if not callable(function):
        raise LetterError(
            f"mf.each takes a function of a row, not a {type(function).__name__}; write "
            "mf.each(lambda row: …)"
        )
    return RowFunction(function)


def _copied(cell: Any) -> Any:
    """A cell that a function can change, and the frame stays as it is."""
    if type(cell) is list:
        return list(map(_copied, cell))
    if type(cell) is dict:
        return {key: _copied(item) for key, item in cell.items()}
    return cell


def _name(function: object) -> str:
    return getattr(function, "__qualname__", None) or repr(function)
