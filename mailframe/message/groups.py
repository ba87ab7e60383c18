"""Who may get a message, and which one: consent, the holdout and variants. Pure.

A share is decided by a keyed hash of the key of each row. So a row has the same group in every run
and on every machine, whatever other rows the frame has, and another seed gives groups that do not
depend on those of the first.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api.types import is_hashable

from mailframe.errors import FrameError, LetterError
from mailframe.letter.pickling import construct, deep_copy, fields_of, refuse_unpicklable
from mailframe.letter.suggestions import listed
from mailframe.message.digests import Digests
from mailframe.message.given_frame import as_pandas
from mailframe.message.given_values import given_series, varies
from mailframe.message.keys import key_problems
from mailframe.message.row_names import RowNames, is_missing_label
from mailframe.message.text_arrays import repeated_texts, text_array
from mailframe.pandas_versions import VARYING
from mailframe.problems import shown

if TYPE_CHECKING:
    from typing import TypeAlias

    from pandas.api.extensions import ExtensionArray

    from mailframe.message.preflight import Preflight
    from mailframe.message.problem_list import Mask

    Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int16]]"

_HOLDOUT: Final = b"holdout"
_VARIANT: Final = b"variant"
_TRUTHS: Final = {"true": True, "false": False}
"""The texts that are read as truth values, as spreadsheets and CSV files have them."""
_MAX_VARIANTS: Final = 100
_BITS: Final = 53
"""Bits of a hash that a float holds exactly."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the rows of a campaign are grouped, as ``compose`` was called.

    Attributes:
        consent: a column, or values that vary by row: whether the person may be mailed.
        holdout: the share of rows that get nothing; or a column or values: whether a row is held.
        seed: decides which rows a share takes; by default the name of the campaign.
        weights: the weights of the variants, by name or in their order.
        variant: a column or values with the name of each row's variant, in place of weights.
    """

    consent: object = None
    holdout: object = None
    seed: str | int | None = None
    weights: Mapping[str, float] | Iterable[float] | None = None
    variant: object = None

    def _parts(self) -> list[tuple[str, object]]:
        return [(one.name, getattr(self, one.name)) for one in fields(self)]

    def __deepcopy__(self, memo: dict[int, Any]) -> Grouping:
        return deep_copy(self, self._parts(), memo)

    def __reduce__(self) -> tuple[Any, ...]:
        refuse_unpicklable(self._parts())
        return construct, (type(self), fields_of(self))


NO_GROUPING: Final = Grouping()
GROUPING: Final = tuple(one.name for one in fields(Grouping))
"""The arguments of ``compose`` that group the rows."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of each row.

    Attributes:
        no_consent: one per row, whether consent is missing; None if it is not asked for.
        holdout: one per row, whether it is held out; None without a holdout.
        variant: one per row, the place of its variant in *variants*; None without them.
        variants: the names of the variants.
        shares: ``holdout``, the share that is held out, and ``variants``, the share of each by its
            name; without those that a column decides.
        rule: the seed, the weights and the names, if they decide about the variants: with others a
            row may get another letter.
    """

    no_consent: Mask | None = None
    holdout: Mask | None = None
    variant: Places | None = None
    variants: tuple[str, ...] = ()
    shares: Mapping[str, Any] = field(default_factory=dict)
    rule: tuple[str, ...] = ()

    def left(self, preflight: Preflight) -> Preflight:
        """The check without those who have not consented, and without the holdout."""
        if self.no_consent is not None:
            preflight = preflight.without(self.no_consent)
        return self.without_holdout(preflight)

    def without_holdout(self, preflight: Preflight) -> Preflight:
        """The check without the rows of the holdout that would get a message.

        The others would not have got it either, so they are no comparison. Of several rows with one
        key or recipient each is left out, or the second would take the place of the first.
        """
        if self.holdout is None:
            return preflight
        return preflight.without(self.holdout & preflight.sound)

    def counts(self, preflight: Preflight) -> dict[str, int]:
        """The number of rows that compose leaves out, by reason, as a plan shows them."""
        left_out = int(np.sum(preflight.left_out))
        no_consent = 0 if self.no_consent is None else int(self.no_consent.sum())
        counts = {"no_consent": no_consent, "holdout": left_out - no_consent}
        return {reason: count for reason, count in counts.items() if count}

    def columns(self) -> dict[str, ExtensionArray]:
        """The columns of the results that say the groups of each row."""
        columns: dict[str, ExtensionArray] = {}
        if self.variant is not None:
            places, codes = self.variant.astype(np.int32), np.arange(len(self.variants))
            columns["variant"] = text_array(
                repeated_texts(places, codes=codes.astype(np.int32), words=self.variants)
            )
        if self.holdout is not None:
            columns["holdout"] = pd.array(self.holdout, dtype="bool")
        return columns


NO_GROUPS: Final = Groups()


def groups_of(
    frame: pd.DataFrame,
    grouping: Grouping,
    *,
    key: Sequence[str],
    name: str | None,
    variants: Sequence[str] = (),
) -> Groups:
    """The groups of the rows of a frame.

    Args:
        frame: one row per message.
        grouping: how they are grouped.
        key: the columns of the key.
        name: the name of the campaign, the seed if there is no other.
        variants: the names of the variants.

    Raises:
        LetterError: an argument is wrong, or a share is asked for without a key or a seed.
        FrameError: a column does not exist, or has a value that is not of its kind.
    """
    asked = _Asked(frame, grouping, key, name)
    return Groups(
        no_consent=None if grouping.consent is None else ~asked.truths("consent"),
        holdout=asked.holdout(),
        variant=asked.variant(variants),
        variants=tuple(variants),
        shares=asked.shares,
        rule=asked.rule,
    )


class _Asked:
    def __init__(
        self, frame: pd.DataFrame, grouping: Grouping, key: Sequence[str], name: str | None
    ) -> None:
        self._frame, self._grouping, self._key, self._name = frame, grouping, key, name
        self._digests: np.ndarray[Any, Any] | None = None
        self.rule: tuple[str, ...] = ()
        self.shares: dict[str, Any] = {}

    def truths(self, what: str) -> Mask:
        """One truth value per row of ``consent`` or ``holdout``."""
        values = self._values(what, getattr(self._grouping, what))
        truths, fault = truth_values(values, is_missing_false=what == "consent")
        if fault is not None:
            value = values.iloc[[fault]].tolist()[0]
            raise FrameError(
                f"{what}: {RowNames(self._frame, self._key).of(fault)} has {shown(value)}, which "
                f"is neither True nor False; compare the column, as in {what}=df['a'] == 'yes' or "
                f"{what}=df['a'].notna()"
            )
        return truths

    def holdout(self) -> Mask | None:
        """Whether each row is held out."""
        given = as_pandas(self._grouping.holdout)
        if given is None:
            return None
        if isinstance(given, str) or varies(given):
            return self.truths("holdout")
        share = _number(given)
        if not 0 <= share < 1:
            raise LetterError(
                f"holdout={given!r} is neither a share from 0 to below 1, such as 0.05, nor a "
                "column"
            )
        self.shares["holdout"] = share
        is_held: Mask = self._fractions("holdout", _HOLDOUT) < share
        return is_held

    def variant(self, names: Sequence[str]) -> Places | None:
        """The place of the variant of each row."""
        grouping = self._grouping
        if not names:
            for what in ("weights", "variant"):
                if getattr(grouping, what) is not None:
                    raise LetterError(f"{what}= needs variants={{'a': letter_a, 'b': letter_b}}")
            return None
        if len(names) > _MAX_VARIANTS:
            raise LetterError(f"{len(names)} variants are more than {_MAX_VARIANTS}")
        if grouping.variant is not None:
            if grouping.weights is not None:
                raise LetterError("variant= says which row has which variant; leave out weights=")
            return self._given_variants(names)
        weights = checked_weights(grouping.weights, names)
        self.shares["variants"] = dict(zip(names, weights, strict=True))
        ends = np.cumsum(weights)
        places = np.searchsorted(ends[:-1], self._fractions("variants", _VARIANT), side="right")
        self.rule = (str(self._seed), *map(repr, weights), *names)
        of_rows: Places = places.astype(np.int16)
        return of_rows

    def _given_variants(self, names: Sequence[str]) -> Places:
        values = self._values("variant", self._grouping.variant)
        of_name = {name: at for at, name in enumerate(names)}
        places = [of_name.get(one) if isinstance(one, str) else None for one in values.tolist()]
        if None in places:
            fault = places.index(None)
            row = RowNames(self._frame, self._key).of(fault)
            raise FrameError(
                f"variant: {row} has {shown(values.iloc[fault])}, and the variants are "
                f"{listed(names)}"
            )
        of_rows: Places = np.array(places, dtype=np.int16)
        return of_rows

    def _values(self, what: str, given: Any) -> pd.Series[Any]:
        if varies(given := as_pandas(given)):
            return given_series(self._frame, given, field=what)
        columns: list[Any] = list(self._frame.columns)
        if not is_hashable(given):
            raise FrameError(f"{what} takes a column or {VARYING}, not a {type(given).__name__}")
        if isinstance(given, bool) or columns.count(given) != 1:
            detail = "the frame has it more than once" if given in columns else "no such column"
            raise FrameError(
                f"{what}={given!r}: {detail}; give a column or {VARYING}. The frame has: "
                f"{listed(columns)}"
            )
        column: pd.Series[Any] = self._frame[given]
        return column

    @property
    def _seed(self) -> str | int | None:
        return self._name if self._grouping.seed is None else self._grouping.seed

    def _fractions(self, what: str, purpose: bytes) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A number from 0 to 1 for each row."""
        if not self._key:
            raise LetterError(f"{what}= decides by the key of each row; name its column with key=…")
        seed = self._seed
        if seed is None:
            raise LetterError(
                f"{what}= needs seed=…, or the campaign a name, which is then the seed"
            )
        if self._digests is None:
            self._digests = _key_digests(self._frame, self._key)
        return fractions(self._digests, seed, purpose)


def truth_values(values: pd.Series[Any], *, is_missing_false: bool) -> tuple[Mask, int | None]:
    """One truth value per value, and the place of the first that is none.

    Args:
        values: truth values, the numbers 0 and 1, or the texts true and false in any case.
        is_missing_false: whether a missing value or a blank text, as in a CSV file, is False; else
            it is a fault.
    """
    truths = np.zeros(len(values), dtype=bool)
    for place, cell in enumerate(values.tolist()):
        value = _TRUTHS.get(cell.strip().lower(), cell) if isinstance(cell, str) else cell
        if isinstance(value, bool | np.bool_ | Real) and value in (0, 1):
            truths[place] = bool(value)
        elif not (is_missing_false and _is_missing(value)):
            return truths, place
    return truths, None


def _is_missing(value: object) -> bool:
    """Whether a cell is a missing value, or a blank text: pandas can read an empty cell as one."""
    return not value.strip() if isinstance(value, str) else is_missing_label(value)


def checked_weights(
    weights: Mapping[str, float] | Iterable[float] | None, names: Sequence[str]
) -> list[float]:
    """The share of each variant; together they are 1.

    Raises:
        LetterError: there is not one weight for each, or one is not a number above 0.
    """
    given: Any = [1.0] * len(names) if weights is None else weights
    if isinstance(given, set | frozenset | bytes | bytearray | pd.DataFrame):
        raise LetterError(
            f"weights is a {type(given).__name__}, whose order does not say which weight is of "
            f"which variant; give a dict by name, or a list in the order of {listed(names)}"
        )
    if isinstance(given, pd.Series) and not isinstance(given.index, pd.RangeIndex):
        if not given.index.is_unique:
            raise LetterError(f"weights has a name twice: {', '.join(map(repr, given.index))}")
        given = given.to_dict()
    if isinstance(given, Mapping):
        if set(given) != set(names):
            raise LetterError(f"weights={dict(given)!r}: the variants are {listed(names)}")
        given = [given[name] for name in names]
    numbers = [_number(one) for one in given] if isinstance(given, Iterable) else []
    if len(numbers) != len(names) or not all(0 < one < math.inf for one in numbers):
        raise LetterError(
            f"weights={weights!r} has not one number above 0 for each of {listed(names)}"
        )
    largest = max(numbers)
    parts = [number / largest for number in numbers]
    total = math.fsum(parts)
    return [part / total for part in parts]


def _number(value: Any) -> float:
    """A number as a float; NaN for anything else, and for a truth value."""
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    try:
        return float(value) if is_number else math.nan
    except OverflowError:
        return math.inf


def fractions(
    digests: np.ndarray[Any, Any], seed: str | int, purpose: bytes
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A number from 0 to below 1 for each key: BLAKE2b of its digest, keyed by seed and purpose.

    Args:
        digests: the digests of the keys, 16 bytes each, one per line.
        seed: a text or a whole number; the number 7 and the text "7" are the same seed.
        purpose: what the number decides; other purposes give numbers that do not depend on these.

    Raises:
        LetterError: *seed* is something else.
    """
    if isinstance(seed, bool) or not isinstance(seed, str | Integral):
        raise LetterError(f"seed={seed!r} is neither text nor a whole number")
    text = unicodedata.normalize("NFC", str(seed))
    secret = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    new = hashlib.blake2b(key=secret, person=purpose, digest_size=8).copy
    raw = bytearray()
    data = digests.tobytes()
    for start in range(0, len(data), 16):
        one = new()
        one.update(data[start : start + 16])
        raw += one.digest()
    return (np.frombuffer(raw, dtype="<u8") >> np.uint64(64 - _BITS)) / 2.0**_BITS


def _key_digests(frame: pd.DataFrame, key: Sequence[str]) -> np.ndarray[Any, Any]:
    digests = Digests(len(frame))
    spellings = np.zeros(len(frame), dtype="<u8")
    for _ in key_problems(frame, key, digests, spellings):
        pass  # a row without a key is blocked
    return digests.halves()
