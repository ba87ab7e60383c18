"""The plan of a send: how many messages, in how many requests, and which rows are blocked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.counting import counted
from mailframe.errors import MailframeError, MissingExtra
from mailframe.message import batch
from mailframe.pages.environment import render
from mailframe.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from mailframe.message.preflight import Preflight
    from mailframe.message.problem_list import Places
    from mailframe.problems import Code

_MB: Final = 1_000_000
_NO_LEDGER: Final = "no ledger: sending again sends to everybody again"


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``send`` would do; ``print(plan)`` writes one line, and Jupyter shows a small table.

    Attributes:
        name: the name of the campaign.
        rows: the number of rows of the frame.
        messages: the number of messages that would be sent.
        batches: the number of requests that would be sent.
        bytes: the size of these requests together, in bytes.
        blocked: the number of rows by code of the error that blocks them; a row with several codes
            counts under each.
        warnings: the number of warnings by code.
        has_ledger: whether a ledger records the send, so that a repeat sends no duplicates.
        of_batches: the messages and the bytes of each request.
    """

    name: str | None
    rows: int
    messages: int
    batches: int
    bytes: int
    blocked: dict[str, int]
    warnings: dict[str, int]
    has_ledger: bool = True
    of_batches: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, name: str | None, preflight: Preflight, *, has_ledger: bool = True) -> Plan:
        """The plan that follows from a preflight check."""
        of_batches = batch.counts(size for size in preflight.sizes if size)
        blocked = _most_rows_first(preflight.errors.rows_by_code())
        warnings = preflight.problems.where(lambda code: code.severity is Severity.WARNING)
        return cls(
            name=name,
            rows=len(preflight.sizes),
            messages=int(preflight.sendable.sum()),
            batches=len(of_batches),
            bytes=sum(size for _, size in of_batches),
            blocked=blocked,
            warnings={code.value: count for code, count in warnings.counts().items()},
            has_ledger=has_ledger,
            of_batches=tuple(of_batches),
        )

    @property
    def blocked_rows(self) -> int:
        """Rows that would not be sent."""
        return self.rows - self.messages

    def plot(self) -> Axes:
        """A chart of the messages and MB of each request, which Jupyter shows at the end of a cell.

        Returns:
            The axes of the messages; ``plot().get_figure()`` is the figure, and its label is the
            alternative text. See ``results.mail.plot``.

        Raises:
            MissingExtra: matplotlib is not installed: ``pip install "mailframe[charts]"``.
            MailframeError: there is no message to send.
        """
        try:
            from mailframe.charts.columns import columns  # noqa: PLC0415 - needs the extra
        except ModuleNotFoundError as error:
            raise MissingExtra("plan.plot", "charts") from error
        if not self.of_batches:
            raise MailframeError("the plan has no message to draw")
        messages, sizes = zip(*self.of_batches, strict=True)
        megabytes = [size / _MB for size in sizes]
        digits = 1 if max(megabytes) >= 1 else 3
        what = f"{counted(self.messages, 'message')} in {counted(self.batches, 'batch', 'batches')}"
        alt = (
            f"Bar charts of {what}: {min(messages):,} to {max(messages):,} messages and "
            f"{min(megabytes):,.{digits}f} to {max(megabytes):,.{digits}f} MB in each."
        )
        return columns(
            [
                (what, messages, lambda number: f"{number:,.0f}"),
                (f"{self.bytes / _MB:,.1f} MB", megabytes, lambda number: f"{number:,.{digits}f}"),
            ],
            alt=alt,
            axis="batch",
        )[0]

    def __str__(self) -> str:
        codes = ", ".join(f"{count:,} {code}" for code, count in self.blocked.items())
        return (
            f"{counted(self.rows, 'row')}: {counted(self.messages, 'message')}, "
            f"{counted(self.batches, 'batch', 'batches')}, {self.bytes / _MB:,.1f} MB; "
            f"{self.blocked_rows:,} blocked{f' ({codes})' if codes else ''}"
            f"{'' if self.has_ledger else f'; {_NO_LEDGER}'}"
        )

    def __repr__(self) -> str:
        return f"<Plan {self.name!r}: {self}>" if self.name else f"<Plan: {self}>"

    def _repr_html_(self) -> str:
        """The table that Jupyter shows."""
        lines = {
            "rows": f"{self.rows:,}",
            "messages": f"{self.messages:,}",
            "batches": f"{self.batches:,}",
            "size": f"{self.bytes / _MB:,.1f} MB",
            "blocked": f"{self.blocked_rows:,}",
            **{f"· {code}": f"{count:,}" for code, count in self.blocked.items()},
            **{f"warning · {code}": f"{count:,}" for code, count in self.warnings.items()},
        }
        if not self.has_ledger:
            lines["ledger"] = _NO_LEDGER.replace("no ledger", "none")
        title = f"Plan of {self.name}" if self.name else "Plan"
        return str(render("plan", title=title, lines=lines.items()))


def _most_rows_first(rows_by_code: Mapping[Code, Places]) -> dict[str, int]:
    """The number of rows of each code; of equal numbers the first row, as text, decides."""
    ranks = {
        code: (-len(rows), min(map(_row_text, rows.tolist())), code.value)
        for code, rows in rows_by_code.items()
        if len(rows)
    }
    return {code.value: len(rows_by_code[code]) for code in sorted(ranks, key=ranks.__getitem__)}


def _row_text(row: int) -> str:
    return "None" if row < 0 else str(row)
