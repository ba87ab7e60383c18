"""One file of messages, as it is read: some columns of all rows, or the messages of some rows."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.datasets import rendering
from mailframe.datasets.files import parquet
from mailframe.datasets.parts import arrow_schema
from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailframe.message.preflight import Mask

AGAIN: Final = "write the messages to a new folder with mf.write_messages"


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A file of messages.

    Attributes:
        path: the file.
        rows: its number of rows.
        streams: the message streams of its messages.
        first: the position of its first row among those of all parts.
    """

    path: Path
    rows: int
    streams: tuple[str, ...]
    first: int

    def read(self, columns: Sequence[str]) -> Any:
        """Some columns of all rows as an Arrow table; ours have the types of ``arrow_schema``.

        Raises:
            MailframeError: the file cannot be read, or has other columns.
        """
        _, pq = parquet()
        with reading(self.path):
            table = pq.read_table(
                self.path,
                columns=[*columns],
                page_checksum_verification=True,
                partitioning=None,  # no column is made of a folder that is called country=DE
            )
            if len(table) != self.rows:
                raise MailframeError(f"{self.path} has another number of rows; {AGAIN}")
            return _typed(table)

    def bodies(self, wanted: Mask) -> Iterator[tuple[list[int], list[bytes | None], list[str]]]:
        """The positions, messages and recipients of the wanted rows, one row group after another.

        Args:
            wanted: one boolean per row of all parts.

        Raises:
            MailframeError: the file cannot be read.
        """
        _, pq = parquet()
        first = self.first
        with reading(self.path), pq.ParquetFile(self.path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                places = np.flatnonzero(wanted[first : first + rows])
                if len(places):
                    columns = [rendering.BODY, rendering.TO]
                    table = _typed(file.read_row_group(group, columns=columns).take(places))
                    bodies, recipients = (table.column(name).to_pylist() for name in columns)
                    yield (places + first).tolist(), bodies, recipients
                first += rows


def _typed(table: Any) -> Any:
    """The table with the types that our columns have, which another engine may not have kept."""
    pa, _ = parquet()
    ours = arrow_schema(pa.schema([]))
    arrays = [
        column.cast(ours.field(name).type) if name in ours.names else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(arrays, names=table.column_names)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Errors of Arrow and of the disk as those of mailframe, with the path."""
    pa, _ = parquet()
    try:
        yield
    except FileNotFoundError:
        raise MailframeError(
            f"{path} is missing; the same mf.write_messages makes it again"
        ) from None
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise MailframeError(f"{path} is damaged ({error}); {AGAIN}") from None
