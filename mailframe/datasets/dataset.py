"""A folder of messages that can be sent: the digests of all rows, and bodies when they are read."""

from __future__ import annotations

from array import array
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.datasets import rendering
from mailframe.datasets.files import MANIFEST, NOTE, parquet, part_name, read_note
from mailframe.datasets.parts import read_part_note
from mailframe.datasets.rendering import problems_of
from mailframe.errors import MailframeError
from mailframe.message.content_digests import ContentDigests, LateDigests, content_digest
from mailframe.message.fingerprint import campaign_fingerprint, recorded_fingerprint
from mailframe.message.keys import Digests, key_problems
from mailframe.message.message import Message
from mailframe.message.preflight import Preflight
from mailframe.message.problem_list import ProblemCollector
from mailframe.message.row_names import RowNames
from mailframe.pages.text import one_line
from mailframe.problems import Code, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailframe.message.preflight import Mask

_SMALL: Final = [
    rendering.PERSON,
    rendering.CONTENT,
    rendering.MAIL,
    rendering.SIZE,
    rendering.PROBLEMS,
    rendering.LIVE_PROBLEMS,
]
_AGAIN: Final = "write the messages to a new folder with mf.write_messages"


class MessageDataset:
    """The messages of a folder; see ``Sendable``.

    Args:
        folder: the folder that ``write_messages`` wrote.
        name: the name of the campaign.

    Attributes:
        key, name: the columns of the key, and the name.
        rows: the number of rows.

    Raises:
        MailframeError: the folder is not complete, damaged, or of a newer mailframe.
    """

    def __init__(self, folder: Path, *, name: str | None) -> None:
        self._folder, self.name = folder, name
        self._note = _read_manifest(folder)
        self.key: tuple[str, ...] = tuple(self._note["key"])
        self._firsts = np.cumsum([0, *(part["rows"] for part in self._note["parts"])]).tolist()
        for part in self._note["parts"]:
            self._check_part(part)
        self.rows: int = self._note["rows"]
        self._preflights: dict[bool, Preflight] = {}

    def _check_part(self, part: dict[str, Any]) -> None:
        path = self._path(part)
        note = read_part_note(path)
        if note is None:
            raise MailframeError(f"{path} is missing; the same mf.write_messages makes it again")
        expected = (self._note["job"], part["number"], part["rows"])
        if (note["job"], note["number"], note["rows"]) != expected:
            raise MailframeError(f"{path} is of other messages; {_AGAIN}")
        if path.stat().st_size != part["size"]:
            raise MailframeError(f"{path} is damaged: it has another size; {_AGAIN}")

    def _path(self, part: dict[str, Any]) -> Path:
        return self._folder / part_name(part["number"])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The key columns, one row per message; the index counts the rows."""
        return self._key_frame()

    @cached_property
    def names(self) -> RowNames:
        """The names of the rows, for texts."""
        return RowNames(self.frame, self.key)

    def _key_frame(self) -> pd.DataFrame:
        """The key columns, which are not kept."""
        rows = pd.RangeIndex(self.rows)
        if not self.key:
            return pd.DataFrame(index=rows)
        pa, _ = parquet()
        table = pa.concat_tables(self.key_parts())
        columns = {
            name: _as_dtype(table.column(name).to_pandas(), dtypes)
            for name, dtypes in zip(self.key, self._note["key_dtypes"], strict=True)
        }
        return pd.DataFrame(columns, index=rows)

    def key_parts(self) -> Iterator[Any]:
        """The key columns of each part, as Arrow tables with one schema.

        Raises:
            MailframeError: a file cannot be read any more.
        """
        pa, pq = parquet()
        keys = list(self.key)
        schemas = [pq.read_schema(self._path(part)) for part in self._note["parts"]]
        of_keys = [pa.schema([schema.field(key) for key in keys]) for schema in schemas]
        try:
            schema = pa.unify_schemas(of_keys, promote_options="permissive")
            for part in self._note["parts"]:
                yield self._read(part, keys).replace_schema_metadata().cast(schema)
        except pa.ArrowException as error:
            raise MailframeError(
                f"the key {' + '.join(keys)} has values of different kinds in different parts "
                f"({error}); make it text, and {_AGAIN}"
            ) from None

    def _read(self, part: dict[str, Any], columns: list[str]) -> Any:
        pa, pq = parquet()
        path = self._path(part)
        try:
            return pq.read_table(path, columns=columns, page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise MailframeError(f"{path} is damaged ({error}); {_AGAIN}") from None

    # --- what a send needs ---------------------------------------------------------------------

    @property
    def letter_fingerprint(self) -> bytes:
        """The fingerprint of the letter that the ledger records."""
        return recorded_fingerprint(bytes.fromhex(self._note["letter"]))

    @property
    def has_many_recipients(self) -> bool:
        """Whether a message may have several recipients in To."""
        return bool(self._note["has_many_recipients"])

    @property
    def title(self) -> str:
        """The campaign in one line; no value of a row."""
        name = f"Campaign {self.name!r}" if self.name else "Campaign"
        key = f", key {one_line(', '.join(self.key))}" if self.key else ""
        parts = counted(len(self._note["parts"]), "part")
        return f"{name}: {counted(self.rows, 'row')}{key}, {parts} of messages"

    def fingerprint(self, *, sending: Preflight | None = None) -> str:
        """The fingerprint for an approval, the same as that of the composed campaign."""
        return campaign_fingerprint(
            bytes.fromhex(self._note["letter"]),
            self.preflight(),
            name=self.name,
            key=self.key,
            sending=sending,
        )

    def preflight(
        self,
        *,
        live: bool = False,
        again: bool = False,
        with_digests: bool = False,
        watch: Callable[[int], None] | None = None,
    ) -> Preflight:
        """The checks that were made when the messages were rendered, and those over all rows.

        Args:
            live: see ``Composed.preflight``.
            again: whether to read the files again.
            with_digests: no difference, because the files have the digests.
            watch: a function called for each part; it may raise to stop.
        """
        del with_digests
        if again:
            self._preflights.clear()
        if live not in self._preflights:
            self._preflights[live] = self._checked(live=live, watch=watch)
        return self._preflights[live]

    def _checked(self, *, live: bool, watch: Callable[[int], None] | None) -> Preflight:
        rows = self.rows
        problems = ProblemCollector()
        problems += problems_of(self._note["letter_problems"], None)
        read = _Rows(rows)
        keys, spellings = Digests(rows) if self.key else read.people, np.zeros(rows, dtype="<u8")
        if self.key:
            problems += key_problems(self._key_frame(), self.key, keys, spellings)
        for first, part in zip(self._firsts, self._note["parts"], strict=False):
            if watch is not None:
                watch(first)
            problems += read.add(first, self._read(part, _SMALL), live=live)
        problems += self._repeats(read.people)
        ordered = problems.ordered()
        blocked = ordered.errors().positions()
        sendable = read.sizes != 0
        sendable[blocked] = False
        read.sizes[blocked] = 0
        sizes: array[int] = _as_array(read.sizes)
        streams = {stream for part in self._note["parts"] for stream in part["streams"]}
        digests = LateDigests(read.digests)
        return Preflight(
            ordered,
            sendable,
            sizes,
            digests,
            keys,
            spellings,
            read.people,
            tuple(sorted(streams)),
        )

    def _repeats(self, people: Digests) -> Iterator[Problem]:
        """A problem for each row whose recipient an earlier row has."""
        repeats = list(people.repeats())
        firsts = self.names.many([first for _, first in repeats])
        wanted = np.zeros(self.rows, dtype=bool)
        wanted[[position for position, _ in repeats]] = True
        recipients = dict(self._recipients(wanted))
        code = Code.REPEATED_RECIPIENT if self.key else Code.DUPLICATE_RECIPIENT
        for (position, _), first in zip(repeats, firsts, strict=True):
            detail = f"the same recipient as {first}"
            if code is Code.DUPLICATE_RECIPIENT:
                detail += "; drop one, or name the column that tells the rows apart: key=…"
            yield Problem(position, "to", code, detail, value=recipients.get(position))

    def _recipients(self, wanted: Mask) -> Iterator[tuple[int, str]]:
        for first, part in zip(self._firsts, self._note["parts"], strict=False):
            rows = np.flatnonzero(wanted[first : first + part["rows"]])
            if len(rows):
                texts = self._read(part, [rendering.TO]).column(0).take(rows).to_pylist()
                yield from zip((rows + first).tolist(), texts, strict=True)

    def messages(
        self, preflight: Preflight, *, live: bool, wanted: Mask
    ) -> Iterator[Message | Problem]:
        """The messages of some rows, read one row group after another, and compared with digests.

        Raises:
            MailframeError: a file cannot be read any more.
        """
        del live
        for first, part in zip(self._firsts, self._note["parts"], strict=False):
            if wanted[first : first + part["rows"]].any():
                yield from self._of_part(first, part, preflight, wanted)

    def _of_part(
        self, first: int, part: dict[str, Any], preflight: Preflight, wanted: Mask
    ) -> Iterator[Message | Problem]:
        pa, pq = parquet()
        path = self._path(part)
        columns = [rendering.BODY, rendering.TO]
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                if (file.schema_arrow.metadata or {}).get(NOTE) is None:
                    raise MailframeError(f"{path} is of other messages; {_AGAIN}")
                for group in range(file.num_row_groups):
                    rows = file.metadata.row_group(group).num_rows
                    places = np.flatnonzero(wanted[first : first + rows])
                    if len(places):
                        table = file.read_row_group(group, columns=columns).take(places)
                        yield from _compared(table, (places + first).tolist(), preflight, path)
                    first += rows
        except (OSError, pa.ArrowException) as error:
            raise MailframeError(f"{path} is damaged ({error}); {_AGAIN}") from None


def _compared(
    table: Any, positions: list[int], preflight: Preflight, path: Path
) -> Iterator[Message | Problem]:
    bodies, recipients = (table.column(name).to_pylist() for name in (rendering.BODY, rendering.TO))
    for position, body, to in zip(positions, bodies, recipients, strict=True):
        if body is not None and content_digest(body) == preflight.contents.at(position):
            yield Message(position, to, body)
            continue
        detail = f"the message in {path.name} is not the one that was checked; {_AGAIN}"
        yield Problem(position, "html_body", Code.CHANGED_SINCE_CHECK, detail)


class _Rows:
    """What the parts have of each row, in 44 bytes a row; bodies are not kept."""

    def __init__(self, rows: int) -> None:
        self.people = Digests(rows)
        self.digests = ContentDigests(rows)
        self.sizes = np.zeros(rows, dtype="I")

    def add(self, first: int, table: Any, *, live: bool) -> list[Problem]:
        """Take the rows of a part; their problems."""
        cells = {name: table.column(name).to_pylist() for name in _SMALL}
        texts = cells[rendering.PROBLEMS]
        if live:
            pairs = zip(cells[rendering.LIVE_PROBLEMS], texts, strict=True)
            texts = [text if own is None else own for own, text in pairs]
        rows = len(texts)
        problems = [
            problem
            for row, text in enumerate(texts, first)
            if text is not None
            for problem in problems_of(text, row)
        ]
        blocked = {one.row for one in problems if one.code.severity is Severity.ERROR}
        people, contents = cells[rendering.PERSON], cells[rendering.CONTENT]
        sizes = cells[rendering.SIZE]
        for row in blocked:
            place = (row or 0) - first
            people[place] = contents[place] = None
            sizes[place] = 0
        self.people.put_many(first, people)
        self.digests.contents.put_many(first, contents)
        mails = b"".join([one or bytes(8) for one in cells[rendering.MAIL]])
        self.digests.mails[first : first + rows] = np.frombuffer(mails, dtype="<u8")
        self.sizes[first : first + rows] = sizes
        return problems


def _read_manifest(folder: Path) -> dict[str, Any]:
    note = read_note(folder / MANIFEST)
    if note is None:
        raise MailframeError(
            f"{folder} has no {MANIFEST}: no dataset of messages, or one that is not complete; "
            "call mf.write_messages again, which keeps the parts that are there"
        )
    return note


def _as_dtype(column: pd.Series[Any], dtypes: list[str]) -> pd.Series[Any]:
    """A key column with the dtype that it had in the source, if it can have it."""
    dtype = dtypes[0] if len(dtypes) == 1 else str(column.dtype)
    if dtype.startswith("category") or str(column.dtype) == dtype:
        return column
    try:
        return pd.Series(column, dtype=pd.api.types.pandas_dtype(dtype))
    except (TypeError, ValueError):
        return column


def _as_array(sizes: np.ndarray[Any, Any]) -> array[int]:
    return array("I", sizes.tobytes())
