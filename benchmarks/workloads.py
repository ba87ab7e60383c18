"""The three workloads of the benchmarks: a letter, a frame, and the loops that do the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import mailframe as mf
from benchmarks import loops, sample
from benchmarks.frame import distinct, people
from benchmarks.letter import KEY, LETTER, USED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    import pandas as pd


@dataclass(frozen=True, slots=True)
class Workload:
    """A letter and its frame.

    Attributes:
        name: of the workload, for ``--workload``.
        about: in one phrase.
        letter: what mailframe sends.
        frame: a number of rows → the frame.
        templates: the templates as the loops compile them.
        has_missing: whether the letter handles missing values; the loops leave them out of a row.
        used_columns: those that the letter prints or tests.
        at_least: how many times as fast as loop (a) a row shall be rendered, checked and encoded.
    """

    name: str
    about: str
    letter: mf.Letter
    frame: Callable[[int], pd.DataFrame]
    templates: Callable[[], loops.Rendering]
    has_missing: bool
    used_columns: tuple[str, ...]
    at_least: float

    def records(self, frame: pd.DataFrame) -> Iterable[dict[Any, Any]]:
        """The rows of *frame* as loop (a) has them."""
        return loops.present(frame) if self.has_missing else loops.records(frame)

    def compose(self, frame: pd.DataFrame) -> mf.Campaign:
        """A new campaign over *frame*; nothing is rendered yet."""
        return mf.compose(frame, self.letter, name="benchmark", key=KEY)


PLAIN: Final = Workload(
    name="plain",
    about="the letter of benchmarks/letter",
    letter=LETTER,
    frame=people,
    templates=loops.Templates.compiled,
    has_missing=False,
    used_columns=USED_COLUMNS,
    at_least=5.0,
)
SAMPLE: Final = Workload(
    name="sample",
    about="the sample letter, with a layout, macros, missing values and two attachments",
    letter=sample.LETTER,
    frame=sample.renewals,
    templates=sample.Templates.compiled,
    has_missing=True,
    used_columns=sample.USED_COLUMNS,
    at_least=2.5,
)
UNIQUE: Final = Workload(
    name="unique",
    about="the letter of benchmarks/letter, every printed value in one row only",
    letter=LETTER,
    frame=distinct,
    templates=loops.Templates.compiled,
    has_missing=False,
    used_columns=USED_COLUMNS,
    at_least=2.3,
)
WORKLOADS: Final[Mapping[str, Workload]] = {each.name: each for each in (PLAIN, SAMPLE, UNIQUE)}
