"""The pieces of a part: each makes a column of texts for some rows of a chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from mailframe.message.columnar.chunk import has_none

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.message.columnar.chunk import Chunk, Key
    from mailframe.message.columnar.evaluation import Evaluation, Evaluations
    from mailframe.message.columnar.text_formats import TextFormat

_MAX_KEPT: Final = 50_000
"""Results that a piece keeps; then it begins again."""
_MAX_CHARACTERS: Final = 50_000_000
"""About the bytes of the results that all pieces of a letter keep, with the values they depend on;
then the next piece that has new ones begins again."""
_OF_A_RESULT: Final = 200
"""Bytes that Python needs for a result beside its characters."""
_TRIAL: Final = 2_000
"""Rows after which a piece whose results hardly repeated in these rows keeps none any more."""

_MAX_NEW_SHARE: Final = 0.98
"""The share of rows with a new result at which results hardly repeat.

Of 50,000 equally frequent values, 98 % of the first 2,000 are new. Of more values, most would be
forgotten before they come again.
"""


class Piece(Protocol):
    """A part of a template."""

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """One text for each of *rows*, in the format of its part.

        A row whose text cannot be made, or is uncertain, falls back and has the empty text.
        """


class Constant:
    """The same text in each row."""

    def __init__(self, text: Any) -> None:
        self.text = text

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """The text, again and again."""
        del chunk
        return [self.text] * len(rows)


class Printed:
    """A column that is printed as it is."""

    def __init__(self, name: object, text_format: TextFormat) -> None:
        self._name, self._format = name, text_format

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """The cells as they are printed."""
        texts, missing = chunk.column(self._name).printed(self._format)
        if missing:
            chunk.fall_back(row for row in rows if row in missing)
        return texts if len(rows) == chunk.rows else [texts[row] for row in rows]


class Evaluated:
    """An expression or a statement; its result is kept for the values that it depends on."""

    def __init__(
        self, evaluation: Evaluation, text_format: TextFormat, evaluations: Evaluations
    ) -> None:
        self._evaluation, self._format = evaluation, text_format
        self._all = evaluations
        self._kept: dict[Key, Any] = {}
        self._asked = self._made = self._characters = 0
        self._keeps = True
        self._has_missing = False  # whether a result was None, which may be kept

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """The result for each row."""
        keys = self._keys(chunk, rows) if self._keeps else None
        texts = self._new(chunk, rows) if keys is None else self._cached(chunk, rows, keys)
        return fill_missing(texts, chunk, rows, self._format.empty) if self._has_missing else texts

    def _new(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        texts = self._format.encoded(self._evaluation.texts(chunk, rows))
        self._has_missing = self._has_missing or has_none(texts)
        return texts

    def _cached(self, chunk: Chunk, rows: Sequence[int], keys: Sequence[Key]) -> list[Any]:
        kept = self._kept
        try:
            texts = list(map(kept.__getitem__, keys))
        except KeyError:
            if len(kept) > _MAX_KEPT or self._all.kept_characters > _MAX_CHARACTERS:
                self._forget()
            new = {key: row for key, row in zip(keys, rows, strict=True) if key not in kept}
            made = self._new(chunk, list(new.values()))
            self._count(sum(map(_characters, new)) + sum(map(len, filter(None, made))))
            self._count(_OF_A_RESULT * len(new))
            kept.update(zip(new, made, strict=True))
            texts = list(map(kept.__getitem__, keys))
            self._made += len(new)
        self._asked += len(keys)
        if self._asked > _TRIAL:
            if self._made > _MAX_NEW_SHARE * self._asked:
                self._keeps = False
                self._forget()
            self._asked = self._made = 0
        return texts

    def _forget(self) -> None:
        self._kept.clear()
        self._count(-self._characters)

    def _count(self, characters: int) -> None:
        self._characters += characters
        self._all.kept_characters += characters

    def _keys(self, chunk: Chunk, rows: Sequence[int]) -> Sequence[Key] | None:
        """A key for each row; None if a value has none."""
        columns = [chunk.column(name) for name in self._evaluation.names]
        if not all(column.has_keys for column in columns):
            return None
        lists = [column.keys for column in columns]
        if len(rows) < chunk.rows:
            lists = [[keys[row] for row in rows] for keys in lists]
        return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True))


def _characters(key: Key) -> int:
    """The characters of the texts in a key."""
    parts = key if type(key) is tuple else (key,)
    return sum([len(part) for part in parts if type(part) is str])


class Choice:
    """An ``{% if %}``: the index of the chosen arm in each row, and the pieces of each arm."""

    def __init__(
        self, arm_index: Piece, arms: Sequence[Sequence[Piece]], text_format: TextFormat
    ) -> None:
        self._arm_index, self._format = arm_index, text_format
        self._arms = {str(index): arm for index, arm in enumerate(arms) if arm}

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """The text of the chosen arm in each row."""
        indexes = self._arm_index.column(chunk, rows)
        result = [self._format.empty] * len(rows)
        for index, arm in self._arms.items():
            places = [place for place, chosen in enumerate(indexes) if chosen == index]
            if places:
                chosen_rows = [rows[place] for place in places]
                texts = joined(arm, chunk, chosen_rows, self._format.join)
                for place, text in zip(places, texts, strict=True):
                    result[place] = text
        return result


def joined(
    pieces: Sequence[Piece],
    chunk: Chunk,
    rows: Sequence[int],
    join: Callable[[Sequence[Any]], Any],
) -> list[Any]:
    """The texts of all pieces of each row, in one."""
    if len(pieces) == 1:
        return pieces[0].column(chunk, rows)
    return list(map(join, zip(*[piece.column(chunk, rows) for piece in pieces], strict=True)))


def fill_missing(texts: list[Any], chunk: Chunk, rows: Sequence[int], empty: Any) -> list[Any]:
    """The texts; a row without one falls back to the row-by-row path and has the empty text."""
    if not has_none(texts):
        return texts
    chunk.fall_back(row for row, text in zip(rows, texts, strict=True) if text is None)
    return [empty if text is None else text for text in texts]
