"""The rows that ``send(exclude=…)`` leaves out, by address, by key, or by a truth value per row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError
from mailframe.letter.suggestions import listed
from mailframe.message.address_errors import AddressError
from mailframe.message.addresses import plain_addresses, read_mailbox
from mailframe.message.given_frame import as_pandas
from mailframe.message.key_spelling import loose_texts
from mailframe.message.keys import HALF_BYTES, KeyFault, canonical, digest, joined
from mailframe.message.plan import Plan
from mailframe.message.row_names import is_missing_label
from mailframe.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailframe.message.keys import Digests
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.send.sendable import Sendable

Exclude: TypeAlias = (
    "str | os.PathLike[str] | Iterable[object] | pd.Series[Any] | pd.DataFrame | None"
)
_ADDRESS_COLUMNS: Final = frozenset(
    {"email", "e-mail", "e_mail", "email_address", "emailaddress", "address", "to", "recipient"}
)
"""Names of columns with addresses, in lower case."""
_READERS: Final = {
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
    ".parquet": pd.read_parquet,
}
_EXAMPLE: Final = "do_not_mail.csv"


@dataclass(frozen=True, slots=True)
class ExcludedRows:
    """What names the rows that are left out.

    Attributes:
        mask: one per row of the campaign, whether it is left out; None without a mask.
        people: the digests of addresses.
        keys: the digests of keys.
        spellings: the keys as given, by the first half of the digest of their loose spelling.
    """

    mask: Mask | None = None
    people: frozenset[bytes] = frozenset()
    keys: frozenset[bytes] = frozenset()
    spellings: Mapping[int, object] = field(default_factory=dict)

    def of(self, preflight: Preflight, names: RowNames) -> Mask:
        """One per row, whether it is left out.

        Args:
            preflight: the preflight check of the campaign.
            names: the names of the rows, for an error.

        Raises:
            MailframeError: a row has a key that is written differently in *exclude*.
        """
        if self.mask is not None:
            return self.mask
        rows = _rows_of(preflight.people, self.people)
        if self.keys:
            rows |= _rows_of(preflight.keys, self.keys)
            self._refuse_spellings(preflight.spellings, rows, names)
        return rows

    def _refuse_spellings(
        self, spellings: np.ndarray[Any, Any], rows: Mask, names: RowNames
    ) -> None:
        """Refuse "007" in place of 7: the row would get mail although it is meant."""
        wanted = np.fromiter(self.spellings, dtype=np.uint64, count=len(self.spellings))
        alike = np.flatnonzero(np.isin(spellings, wanted) & (spellings != 0) & ~rows)
        if len(alike):
            value = self.spellings[int(spellings[alike[0]])]
            raise MailframeError(
                f"exclude has the key {value!r}, and the frame has it in another spelling "
                f"({names.of(int(alike[0]))}): leading zeros, case or spaces. Write it as the "
                "frame does; nothing was sent"
            )

    def __len__(self) -> int:
        """How many addresses and keys are named."""
        return max(len(self.people), len(self.keys))


def _rows_of(digests: Digests, wanted: frozenset[bytes]) -> Mask:
    """The rows with one of the digests."""
    firsts = np.frombuffer(b"".join(wanted), dtype="<u8")[::2]
    rows = np.isin(digests.halves()[:, 0], firsts)
    for position in np.flatnonzero(rows).tolist():
        rows[position] = digests.at(position) in wanted
    return rows


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
    exclude = as_pandas(exclude)
    if isinstance(exclude, os.PathLike) or (isinstance(exclude, str) and _is_path(exclude)):
        exclude = _frame_of_file(exclude)
    elif isinstance(exclude, str):
        exclude = [exclude]
    if isinstance(exclude, pd.DataFrame):
        exclude = _values_of_frame(exclude, composed.key)
    elif _is_mask(exclude):
        return ExcludedRows(mask=_checked_mask(exclude, composed))
    if isinstance(exclude, bytes | Mapping) or not isinstance(exclude, Iterable):
        raise MailframeError(
            "exclude takes addresses or keys, a DataFrame with them, the path of a .csv or "
            f".parquet file, or one truth value per row; not a {type(exclude).__name__}"
        )
    return _read_values(list(exclude), composed.key)


def plan_of(composed: Sendable, *, has_ledger: bool, exclude: object) -> Plan:
    """The plan of a campaign without the rows that *exclude* names; see ``Campaign.plan``."""
    excluded = read_excluded(exclude, composed)
    preflight = composed.preflight()
    if excluded is None:
        return Plan.of(composed.name, preflight, has_ledger=has_ledger)
    rows = excluded.of(preflight, composed.names)
    without, count = preflight.without(rows), int(rows.sum())
    return Plan.of(composed.name, without, has_ledger=has_ledger, excluded=count)


def _is_path(text: str) -> bool:
    return text.lower().endswith(tuple(_READERS))


def _frame_of_file(named: str | os.PathLike[str]) -> pd.DataFrame:
    path = local_path(named, what="exclude", example=_EXAMPLE, error=MailframeError)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise MailframeError(f"exclude reads a .csv or a .parquet file, not {path.name}")
    return _read_file(path, read)


def _read_file(path: Path, read: Any) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = read(path)
    except (OSError, ValueError, ImportError) as error:
        raise MailframeError(
            f"exclude: {path.name} could not be read ({error}); nothing was sent"
        ) from error
    return frame


def _values_of_frame(frame: pd.DataFrame, key: Sequence[str]) -> list[object]:
    """The keys of a frame that has the key columns, else its addresses."""
    columns = list(frame.columns)
    if key and all(columns.count(column) == 1 for column in key):
        parts = [frame[column].tolist() for column in key]
        return parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))
    named = [column for column in columns if str(column).lower() in _ADDRESS_COLUMNS]
    if len(columns) == 1:
        named = columns
    if len(named) != 1 or columns.count(named[0]) > 1:
        what = f"the key ({', '.join(key)}) or " if key else ""
        raise MailframeError(
            f"exclude has no column that is certainly {what}the address; give one column, such as "
            f"exclude=frame['email']. It has: {listed(columns)}"
        )
    return frame[named[0]].tolist()


# --- one truth value per row ---------------------------------------------------------------------


def _is_mask(given: object) -> bool:
    if isinstance(given, pd.Series | pd.Index | np.ndarray | pd.api.extensions.ExtensionArray):
        return pd.api.types.is_bool_dtype(given.dtype)
    return isinstance(given, list) and bool(given) and set(map(type, given)) <= {bool, np.bool_}


def _checked_mask(given: Any, composed: Sendable) -> Mask:
    rows = composed.rows
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


def _read_values(values: list[object], key: Sequence[str]) -> ExcludedRows:
    values = [one for one in values if not _is_blank(one)]
    addresses = [one for one in values if isinstance(one, str) and "@" in one]
    if not key:
        _refuse_others(values)
        return ExcludedRows(people=frozenset(map(digest, _identities(addresses))))
    keys, spellings = set(), {}
    for value in values:
        parts = _parts(value, key)
        if parts:
            keys.add(digest(joined(parts)))
            half = digest(joined(loose_texts(parts)))[:HALF_BYTES]
            spellings[int.from_bytes(half, "little")] = value
    people = frozenset(map(digest, _identities(addresses)))
    return ExcludedRows(people=people, keys=frozenset(keys), spellings=spellings)


def _refuse_others(values: list[object]) -> None:
    """Refuse any other value, where the address is the key."""
    for value in values:
        if not (isinstance(value, str) and "@" in value):
            raise MailframeError(
                f"exclude has {value!r}, which is not an email address, and the campaign has no "
                "key; nothing was sent"
            )


def _parts(value: object, key: Sequence[str]) -> list[str]:
    """The canonical parts of a key; empty for an address that cannot be one, as it has one part."""
    given = value if isinstance(value, tuple | list) else (value,)
    if len(given) != len(key):
        if isinstance(value, str) and "@" in value:
            return []
        raise MailframeError(
            f"exclude has {value!r}, which is not an email address, and the key has {len(key)} "
            f"columns: {', '.join(map(str, key))}; nothing was sent"
        )
    try:
        return [canonical(part) for part in given]
    except KeyFault as fault:
        raise MailframeError(f"exclude has {value!r}: {fault}; nothing was sent") from None


def _is_blank(value: object) -> bool:
    return is_missing_label(value) or (isinstance(value, str) and not value.strip())


def _identities(texts: list[str]) -> list[str]:
    """The addresses in lower case, without names."""
    if not texts:
        return []
    stripped = [text.strip() for text in texts]
    quick = plain_addresses(stripped)
    return [
        address.lower() if address else _identity(text)
        for address, text in zip(quick, stripped, strict=True)
    ]


def _identity(text: str) -> str:
    try:
        return read_mailbox(text).identity
    except AddressError as error:
        raise MailframeError(
            f"exclude has {text!r}: {str(error).rstrip('.')}; nothing was sent"
        ) from None
