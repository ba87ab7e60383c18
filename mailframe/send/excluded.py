"""The rows that ``send(exclude=…)`` leaves out, by address, by key, or by a truth value per row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError
from mailframe.letter.suggestions import listed
from mailframe.message.address_errors import AddressError
from mailframe.message.addresses import has_at_sign, plain_addresses, read_mailbox
from mailframe.message.arrow_columns import with_fast_cells
from mailframe.message.digests import digest, digests_of
from mailframe.message.given_frame import as_pandas
from mailframe.message.keys import canonical, canonical_chunks, cell, in_one
from mailframe.send.exclude_file import frame_of_file, is_file_name
from mailframe.send.excluded_rows import ExcludedRows, no_digests, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.preflight import Mask
    from mailframe.send.excluded_rows import DigestRows
    from mailframe.send.sendable import Sendable

Exclude: TypeAlias = (
    "str | os.PathLike[str] | Iterable[object] | pd.Series[Any] | pd.DataFrame | None"
)
_COLUMNS: Final = (list, pd.Series, pd.Index, np.ndarray, pd.api.extensions.ExtensionArray)
"""Kinds of values that may be truth values, one per row."""
_ZERO_AND_ONE: Final = (0, 1)
_ADDRESS_COLUMNS: Final = frozenset(
    {"email", "e-mail", "e_mail", "email_address", "emailaddress", "address", "to", "recipient"}
)
"""Names of columns with addresses, in lower case."""


def read_excluded(exclude: object, composed: Sendable) -> ExcludedRows | None:
    """What ``exclude=`` names; None if it is not given.

    Args:
        exclude: an address; a list, a Series or an Index of addresses or keys; a DataFrame with the
            key columns, or with a column of addresses; the path of a CSV or Parquet file of one; or
            a Series or an array of truth values, one per row. Frames and columns of other libraries
            are taken, too.
        composed: the campaign.

    Raises:
        MailframeError: it is something else, or has a value that is neither an address nor a key.
    """
    if exclude is None:
        return None
    key, exclude = composed.key, as_pandas(exclude)
    if isinstance(exclude, os.PathLike) or (isinstance(exclude, str) and is_file_name(exclude)):
        return _read_frame(_with_first_line(frame_of_file(exclude), key), key)
    if isinstance(exclude, str):
        if not exclude.strip():
            raise MailframeError("exclude is an empty text; leave it out, or name an address")
        return replace(_read_values(pd.Series([exclude], dtype=object), key), only=exclude)
    if isinstance(exclude, pd.DataFrame):
        return _read_frame(exclude, key)
    if _is_mask(exclude):
        return ExcludedRows(mask=_checked_mask(exclude, composed))
    _refuse_numbers(exclude, composed.rows)
    if isinstance(exclude, bytes | Mapping) or not isinstance(exclude, Iterable):
        raise MailframeError(
            "exclude takes addresses or keys, a DataFrame with them, the path of a .csv or "
            f".parquet file, or one truth value per row; not a {type(exclude).__name__}"
        )
    return _read_values(_column(exclude), key)


# --- frames --------------------------------------------------------------------------------------


def _read_frame(frame: pd.DataFrame, key: Sequence[str]) -> ExcludedRows:
    """The keys of a frame that has the key columns, else its addresses.

    A row without a key names its address, if there is a column of addresses.
    """
    levels = [name for name in frame.index.names if name in key and name not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    columns = list(frame.columns)
    named = [column for column in columns if str(column).lower() in _ADDRESS_COLUMNS]
    if not key or not all(columns.count(column) == 1 for column in key):
        return _read_values(_column(_address_column(frame, named, key)), key)
    keys = frame[list(key)]
    is_keyless = pd.concat([_is_blank(keys[column]) for column in key], axis=1).all(axis=1)
    others = None
    if len(named) == 1 and named[0] not in key and is_keyless.any():
        others = frame.loc[is_keyless, named[0]]
    parts = [keys.loc[~is_keyless, column] for column in key]
    return _read_keys(parts, others, count=len(frame))


def _with_first_line(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """A file of one column with its first line as a row, too: it may be a key and no header."""
    columns = list(frame.columns)
    if len(key) != 1 or len(columns) != 1 or not isinstance(columns[0], str):
        return frame
    if columns[0] in key or columns[0].lower() in _ADDRESS_COLUMNS or has_at_sign(columns[0]):
        return frame
    return pd.concat([pd.DataFrame({columns[0]: columns}), frame])


def _address_column(
    frame: pd.DataFrame, named: Sequence[Any], key: Sequence[str]
) -> pd.Series[Any]:
    columns = list(frame.columns)
    named = columns if len(columns) == 1 else named
    if len(named) != 1 or columns.count(named[0]) > 1:
        what = f"the key ({', '.join(key)}) or " if key else ""
        raise MailframeError(
            f"exclude has no column that is certainly {what}the address; give one column, such as "
            f"exclude=frame['email']. It has: {listed(columns)}"
        )
    return frame[named[0]]


# --- one truth value per row ---------------------------------------------------------------------


def _is_mask(given: Any) -> bool:
    """Whether values are truth values; of a list or of dtype object some may be missing."""
    if not isinstance(given, _COLUMNS):
        return False
    if isinstance(given, list) or (given.dtype == object and given.ndim == 1):
        return pd.api.types.infer_dtype(given, skipna=True) == "boolean"
    return pd.api.types.is_bool_dtype(given.dtype)


def _refuse_numbers(given: Any, rows: int) -> None:
    """Refuse a 0 or a 1 for each row, which would be keys and are meant as truth values."""
    is_column = isinstance(given, _COLUMNS) and getattr(given, "ndim", 1) == 1
    if not is_column or len(given) != rows or rows <= len(_ZERO_AND_ONE):
        return
    numbers = _column(given).dropna()
    is_number = len(numbers) and pd.api.types.is_numeric_dtype(numbers.infer_objects())
    if is_number and numbers.isin(_ZERO_AND_ONE).all():
        raise MailframeError(
            "exclude has a 0 or a 1 for each row, which would be keys; for truth values write, "
            "for example, exclude=frame['left'] == 1"
        )


def _checked_mask(given: Any, composed: Sendable) -> Mask:
    rows = composed.rows
    if np.ndim(given) != 1:
        raise MailframeError("exclude has truth values that are not one column")
    if len(given) != rows:
        raise MailframeError(f"exclude has {len(given):,} truth values for {rows:,} rows")
    if isinstance(given, pd.Series) and not given.index.equals(composed.frame.index):
        raise MailframeError(
            "exclude has truth values with another index than the frame; make them of the frame "
            "that was composed, or give an array"
        )
    if pd.isna(given).any():
        raise MailframeError(
            "exclude has truth values that are missing; write .fillna(True) to leave these rows "
            "out, or .fillna(False) to send to them"
        )
    return np.asarray(given, dtype=bool)


# --- addresses and keys --------------------------------------------------------------------------


def _column(values: Any) -> pd.Series[Any]:
    """Values as a column; one that is named by an address has lost its first line as a header."""
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise MailframeError(f"exclude is an array of {values.ndim} dimensions; give one column")
    if isinstance(values, pd.Index) and not isinstance(values, pd.MultiIndex):
        values = values.to_series()
    if not isinstance(values, pd.Series):
        return pd.Series(list(values), dtype=object)
    if isinstance(values.name, str) and has_at_sign(values.name):
        values = pd.concat([pd.Series([values.name], dtype=object), values.astype(object)])
    column: pd.Series[Any] = values
    return column


def _is_blank(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Whether each cell is a missing value, or a text without any character that can be seen."""
    is_text = [isinstance(cell, str) and not cell.strip() for cell in cells.tolist()]
    return cells.isna() | pd.Series(is_text, index=cells.index, dtype=bool)


def _read_values(cells: pd.Series[Any], key: Sequence[str]) -> ExcludedRows:
    """Addresses and keys in any order; tuples for several key columns."""
    count, cells = len(cells), cells[~_is_blank(cells).to_numpy(dtype=bool)]
    if len(key) == 1:
        if any(isinstance(value, tuple | list) for value in cells.tolist()):
            cells = pd.Series(list(map(_in_tuple, cells.tolist())), dtype=object)
        return _read_keys([cells], None, count=count)
    values = cells.tolist()
    addresses = [one for one in values if isinstance(one, str) and has_at_sign(one)]
    others = [one for one in values if not (isinstance(one, str) and has_at_sign(one))]
    if others and not key:
        raise MailframeError(
            f"exclude has {others[0]!r}, which is not an email address, and the campaign has no "
            "key; nothing was sent"
        )
    for value in others:
        if not isinstance(value, tuple | list) or len(value) != len(key):
            raise _of_other_length(value, key)
    columns = list(map(_column, zip(*others, strict=True)))
    return _read_keys(columns, _column(addresses), count=count)


def _in_tuple(value: object) -> object:
    """The value of a tuple or a list of one."""
    if not isinstance(value, tuple | list):
        return value
    if len(value) != 1:
        raise _of_other_length(value, ("",))
    return value[0]


def _of_other_length(value: object, key: Sequence[str]) -> MailframeError:
    names = f": {', '.join(map(str, key))}" if any(key) else ""
    return MailframeError(
        f"exclude has {value!r}, which is not an email address, and the key has {len(key)} "
        f"columns{names}; nothing was sent"
    )


def _read_keys(
    columns: Sequence[pd.Series[Any]], addresses: pd.Series[Any] | None, *, count: int
) -> ExcludedRows:
    """Keys, which may also be addresses if the key has one column.

    Args:
        columns: the columns of the keys; none if there is no key.
        addresses: more addresses, which are no keys.
        count: how many values were given.
    """
    columns = list(map(with_fast_cells, columns))
    keys: list[list[str]] = [[] for _ in columns]
    for first, parts, faults in canonical_chunks(columns) if columns else ():
        for row, fault in faults.items():
            raise MailframeError(
                f"exclude has {cell(columns, first + row)!r}: {fault}; nothing was sent"
            )
        for whole, part in zip(keys, parts, strict=True):
            whole.extend(part)
    people, errors = _people(_texts_with_at(columns[0]) if len(columns) == 1 else [])
    more, wrong = _people([] if addresses is None else _texts_with_at(addresses))
    for error in wrong.values():
        raise error
    not_addresses = {digest(canonical(text)): error for text, error in errors.items()}
    digests = rows_of(digests_of(in_one(keys))) if keys else no_digests()
    return ExcludedRows(count, None, np.concatenate([people, more]), digests, keys, not_addresses)


def _texts_with_at(cells: pd.Series[Any]) -> list[str]:
    return [one for one in cells.tolist() if isinstance(one, str) and has_at_sign(one)]


def _people(texts: list[str]) -> tuple[DigestRows, dict[str, MailframeError]]:
    """The digests of addresses without case and names; and why a text is none."""
    if not texts:
        return no_digests(), {}
    stripped = [text.strip() for text in texts]
    identities, errors = list(map(str.lower, plain_addresses(stripped))), {}
    for place in [place for place, one in enumerate(identities) if not one]:
        try:
            identities[place] = read_mailbox(stripped[place]).identity
        except AddressError as error:
            text = texts[place]
            errors[text] = MailframeError(
                f"exclude has {text!r}: {str(error).rstrip('.')}; nothing was sent"
            )
    return rows_of(digests_of([one or None for one in identities])), errors
