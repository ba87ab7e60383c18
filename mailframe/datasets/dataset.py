"""A folder of messages that can be sent: the digests of all rows, and bodies when they are read."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.datasets import rendering
from mailframe.datasets.files import parquet
from mailframe.datasets.opening import open_folder
from mailframe.datasets.rendering import problems_of
from mailframe.datasets.stored_part import AGAIN, reading
from mailframe.errors import MailframeError
from mailframe.message.arrow_columns import frame_of
from mailframe.message.content_digests import ContentDigests, LateDigests, content_digest
from mailframe.message.digests import Digests
from mailframe.message.fingerprint import campaign_fingerprint, recorded_fingerprint
from mailframe.message.given_frame import PANDAS
from mailframe.message.groups import NO_GROUPS
from mailframe.message.keys import key_problems
from mailframe.message.message import Message
from mailframe.message.preflight import finished_preflight
from mailframe.message.problem_list import ProblemCollector
from mailframe.message.repeats import RepeatFinder, repeated_keys, repeated_recipients
from mailframe.message.row_names import RowNames
from mailframe.message.template_fields import template_of_body
from mailframe.pages.text import one_line
from mailframe.problems import Code, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.message.repeats import Pairs

_SMALL: Final = [
    rendering.PERSON,
    rendering.CONTENT,
    rendering.MAIL,
    rendering.SIZE,
    rendering.PROBLEMS,
    rendering.LIVE_PROBLEMS,
]


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
        self.name = name
        self._note, self._parts = open_folder(folder)
        self.key: tuple[str, ...] = tuple(self._note["key"])
        self.rows: int = self._note["rows"]
        self._preflights: dict[bool, Preflight] = {}

    given, groups = PANDAS, NO_GROUPS

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
        keys = frame_of(pa.concat_tables(self.key_parts()), fast=True)  # whole numbers stay exact
        columns = {
            name: _as_dtype(keys[name], dtypes)
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
        schemas = [pq.read_schema(part.path) for part in self._parts]
        of_keys = [pa.schema([schema.field(key) for key in keys]) for schema in schemas]
        try:
            schema = pa.unify_schemas(of_keys, promote_options="permissive")
            for part in self._parts:
                yield part.read(keys).cast(schema)
        except pa.ArrowException as error:
            raise MailframeError(
                f"the key {' + '.join(keys)} has values of different kinds in different parts "
                f"({error}); make it text, and {AGAIN}"
            ) from None

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
    def has_copies(self) -> bool:
        """Whether a message may have other recipients than the first one in To."""
        return bool(self._note["has_copies"])

    @property
    def title(self) -> str:
        """The campaign in one line; no value of a row."""
        name = f"Campaign {self.name!r}" if self.name else "Campaign"
        key = f", key {one_line(', '.join(self.key))}" if self.key else ""
        parts = counted(len(self._parts), "part")
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
        for part in self._parts:
            if watch is not None:
                watch(part.first)
            table = part.read(_SMALL)
            with reading(part.path):
                problems += read.add(part.first, table, live=live, has_key=bool(self.key))
        finder = RepeatFinder(
            read.people,
            keys if self.key else None,
            lambda pairs: repeated_keys(self.frame, self.key, pairs),
            self._repeated_recipients,
        )
        streams = {stream for part in self._parts for stream in part.streams}
        return finished_preflight(
            problems,
            read.sizes,
            finder,
            digests=LateDigests(read.digests),
            keys=keys,
            spellings=spellings,
            people=read.people,
            streams=tuple(sorted(streams)),
            blocked_people=read.blocked_people,
            templates=self._templates(read.sizes != 0),
        )

    def _templates(self, sendable: Mask) -> frozenset[str | int]:
        """The templates at Postmark that the messages have, which are all of one letter."""
        templates: set[str | int] = set()
        for part in self._parts:
            if not sendable[part.first : part.first + part.rows].any():
                continue
            for _, bodies, _ in part.bodies(sendable):
                for body in bodies:
                    template = template_of_body(body)
                    if template is None:  # of all messages
                        return frozenset()
                    templates.add(template)
        return frozenset(templates)

    def _repeated_recipients(self, pairs: Pairs) -> Iterator[Problem]:
        """A problem for each row whose recipient an earlier row has."""
        wanted = np.zeros(self.rows, dtype=bool)
        wanted[[position for position, _ in pairs]] = True
        texts = dict(self._recipients(wanted))
        recipients = [texts.get(position) for position, _ in pairs]
        return repeated_recipients(pairs, recipients, self.names, has_key=bool(self.key))

    def _recipients(self, wanted: Mask) -> Iterator[tuple[int, str]]:
        for part in self._parts:
            rows = np.flatnonzero(wanted[part.first : part.first + part.rows])
            if len(rows):
                texts = part.read([rendering.TO]).column(0).take(rows).to_pylist()
                yield from zip((rows + part.first).tolist(), texts, strict=True)

    def messages(
        self, preflight: Preflight, *, live: bool, wanted: Mask
    ) -> Iterator[Message | Problem]:
        """The messages of some rows, read one row group after another, and compared with digests.

        Raises:
            MailframeError: a file cannot be read any more.
        """
        del live
        for part in self._parts:
            if not wanted[part.first : part.first + part.rows].any():
                continue
            for positions, bodies, recipients in part.bodies(wanted):
                for position, body, to in zip(positions, bodies, recipients, strict=True):
                    if body is not None and content_digest(body) == preflight.contents.at(position):
                        yield Message(position, to, body)
                        continue
                    detail = (
                        f"the message in {part.path.name} is not the one that was checked; {AGAIN}"
                    )
                    yield Problem(position, "html_body", Code.CHANGED_SINCE_CHECK, detail)


class _Rows:
    """What the parts have of each row, in 44 bytes a row; bodies are not kept."""

    def __init__(self, rows: int) -> None:
        self.people = Digests(rows)
        self.blocked_people: dict[int, bytes] = {}
        self.digests = ContentDigests(rows)
        self.sizes = np.zeros(rows, dtype="I")

    def add(self, first: int, table: Any, *, live: bool, has_key: bool) -> list[Problem]:
        """Take the rows of a part; their problems.

        Raises:
            ValueError: a message has no digest.
        """
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
            if person := people[place]:
                self.blocked_people[first + place] = person
            people[place] = contents[place] = None
            sizes[place] = 0
        needed = [contents] if has_key else [contents, people]
        if any(size and None in one for size, *one in zip(sizes, *needed, strict=True)):
            raise ValueError("a message has no digest")
        self.people.put_many(first, people)
        self.digests.contents.put_many(first, contents)
        mails = b"".join([one or bytes(8) for one in cells[rendering.MAIL]])
        self.digests.mails[first : first + rows] = np.frombuffer(mails, dtype="<u8")
        self.sizes[first : first + rows] = sizes
        return problems


def _as_dtype(column: pd.Series[Any], dtypes: list[str]) -> pd.Series[Any]:
    """A key column with the dtype that it had in the source, if it can have it."""
    dtype = dtypes[0] if len(dtypes) == 1 else str(column.dtype)
    if dtype.startswith("category") or str(column.dtype) == dtype:
        return column
    try:
        return pd.Series(column, dtype=pd.api.types.pandas_dtype(dtype))
    except (TypeError, ValueError, NotImplementedError):
        return column
