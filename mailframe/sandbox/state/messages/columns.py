"""How the messages of a pack are stored: as columns, and what few values share only once. Pure.

A search reads the traits of every pack: the fields with few values, which say how many messages of
the pack have each, and the names of the other fields. Only packs of which it needs another field
are read in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

MOST_VALUES: Final = 32
"""Values of a field that few messages share; a code is one character from "0" to "O"."""
MOST_CHARACTERS: Final = 1_000
"""Of all these values together: traits are read often."""
MARK: Final = "*"
"""Before the name of a field that is not among the traits."""
NO_COLUMNS: Final = b"{}"


@dataclass(frozen=True)
class Traits:
    """The fields of a pack of which there are few values.

    Attributes:
        few: by name of a field its values, and the code of the value of each message; one value
            needs no codes. None is a missing field.
        many: the names of the other fields.
        count: how many messages the pack has.
    """

    few: dict[str, tuple[list[Any], str]]
    many: frozenset[str]
    count: int

    @classmethod
    def of(cls, text: str, count: int) -> Traits:
        """Read them from the text that ``packed`` has made."""
        fields = orjson.loads(text)
        many = frozenset(name.removeprefix(MARK) for name in fields if name.startswith(MARK))
        return cls({name: tuple(fields[name]) for name in fields if name[0] != MARK}, many, count)

    def column(self, name: str) -> Sequence[Any]:
        """The value of each message in a field with few values, or in one that none has."""
        values, codes = self.few.get(name, ([None], ""))
        if not codes:
            return values * self.count
        return [values[code - _FIRST_CODE] for code in codes.encode()]

    def marks(self, name: str, is_match: Callable[[Any], bool]) -> str:
        """One character for each message: "1" if *is_match* is true of its value in the field.

        Args:
            name: a field with few values, or one that none has.
            is_match: a function of one value.
        """
        values, codes = self.few.get(name, ([None], ""))
        marks = ["1" if is_match(value) else "0" for value in values]
        if not codes:
            return marks[0] * self.count
        return codes.translate({_FIRST_CODE + place: mark for place, mark in enumerate(marks)})


_FIRST_CODE: Final = ord("0")


def packed(rows: Sequence[dict[str, Any]], *, without: Container[str] = ()) -> tuple[str, bytes]:
    """The traits of *rows* as text, and their other fields as JSON.

    Args:
        rows: the fields of each message; an empty one leaves its place empty.
        without: names of fields that are not stored.

    >>> packed([{"Tag": "a", "To": ["x"]}, {"Tag": "b"}, {"Tag": "a"}])
    ('{"Tag":[["a","b"],"010"],"*To":0}', b'{"To":[["x"],null,null]}')
    """
    traits: dict[str, Any] = {}
    others: dict[str, list[Any]] = {}
    first = rows[0] if rows else {}
    of_others = sorted(set().union(*rows) - first.keys())
    for name in [one for one in (*first, *of_others) if one not in without]:
        values = [row.get(name) for row in rows]
        few = _few(values)
        if few is None:
            traits[MARK + name], others[name] = 0, values
        elif few != [None]:
            code = {value: chr(_FIRST_CODE + place) for place, value in enumerate(few)}
            traits[name] = few, "".join([code[one] for one in values]) if len(few) > 1 else ""
    return orjson.dumps(traits).decode(), orjson.dumps(others)


def _few(values: list[Any]) -> list[Any] | None:
    """The different values, in their order; None if there are too many, or they are no texts."""
    if not {str, bool, int, type(None)}.issuperset(map(type, values)):
        return None
    few = list(dict.fromkeys(values[: 2 * MOST_VALUES]))
    if len(few) <= MOST_VALUES:
        few = list(dict.fromkeys(values))
    is_short = len(few) <= MOST_VALUES and sum(len(str(one)) for one in few) <= MOST_CHARACTERS
    return few if is_short else None


def unpacked(
    traits: Traits,
    others: bytes,
    *,
    only: Container[str] | None = None,
    places: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """The fields of messages of a pack; an empty one for an empty place.

    Args:
        traits: the traits of the pack.
        others: its other fields.
        only: the names of the fields that are needed; None is all.
        places: the places of the messages in the pack, from 0; None is all.
    """
    columns = {name: traits.column(name) for name in traits.few} | orjson.loads(others)
    if only is not None:
        columns = {name: values for name, values in columns.items() if name in only}
    places = range(traits.count) if places is None else places
    rows: Iterable[Sequence[Any]]
    if len(places) == traits.count and columns:
        rows = zip(*columns.values(), strict=True)
    else:
        rows = ([values[place] for values in columns.values()] for place in places)
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in rows
    ]


def packed_columns(rows: Sequence[dict[str, Any]], names: Iterable[str]) -> bytes:
    """The fields of those *names* as JSON, column by column."""
    columns = {name: [row.get(name) for row in rows] for name in names}
    return orjson.dumps(
        {name: values for name, values in columns.items() if values.count(None) < len(values)}
    )


def unpacked_columns(
    data: bytes, count: int, *, places: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """The fields that ``packed_columns`` has stored of *count* messages, or of some *places*."""
    return unpacked(Traits({}, frozenset(), count), data, places=places)
