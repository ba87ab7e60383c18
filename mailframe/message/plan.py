"""The plan of a send: how many messages, in how many requests, and which rows are blocked."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mailframe.counting import counted, sized
from mailframe.errors import MailframeError, MissingExtra
from mailframe.limits import MAX_BATCH_MESSAGES
from mailframe.message import batch
from mailframe.pages.summary import Summary
from mailframe.problems import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.message.problem_list import Places

_MB: Final = 1_000_000
_LIVE: Final = "The server is live: it delivers emails."
_SANDBOX: Final = "The server is a sandbox: it delivers nothing."
_NO_LEDGER: Final = "no ledger: sending again sends to everybody again"


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``send`` would do; ``print(plan)`` writes one line, and its repr has the next step.

    Attributes:
        name: the name of the campaign.
        rows: the number of rows of the frame.
        messages: the number of messages that would be sent.
        batches: the number of requests that would be sent.
        bytes: the size of these requests together, in bytes.
        blocked: the number of rows by code of the error that blocks them; a row with several codes
            counts under each.
        warnings: the number of warnings by code.
        skipped: the number of rows that are left out, by reason, such as ``suppressed``.
        earlier: the number of rows that keep the status of an earlier run and are not sent:
            ``rejected`` or ``unknown``.
        has_ledger: whether a ledger records the send, so that a repeat sends no duplicates.
        of_batches: the messages and the bytes of each request.
        duration: how long the send takes at the rate, such as ``at 5,000/h: 2 h 28 min``; empty
            without a rate.
        delivers: whether the server delivers emails; None if it was not asked.
    """

    name: str | None
    rows: int
    messages: int
    batches: int
    bytes: int
    blocked: dict[str, int]
    warnings: dict[str, int]
    has_ledger: bool = True
    skipped: dict[str, int] = field(default_factory=dict)
    earlier: dict[str, int] = field(default_factory=dict)
    of_batches: tuple[tuple[int, int], ...] = ()
    duration: str = ""
    delivers: bool | None = None

    @classmethod
    def of(
        cls,
        name: str | None,
        preflight: Preflight,
        *,
        eligible: Mask | None = None,
        has_ledger: bool = True,
        skipped: Mapping[str, int] = MappingProxyType({}),
        earlier: Mapping[str, int] = MappingProxyType({}),
        at_most: int = MAX_BATCH_MESSAGES,
        duration: Callable[[int], str] = lambda _messages: "",
        delivers: bool | None = None,
    ) -> Plan:
        """The plan that follows from a preflight check.

        Args:
            name: the name of the campaign.
            preflight: the check without the rows that are left out.
            eligible: one per row, whether it would be sent; None for all that have no error.
            has_ledger: whether a ledger records the send.
            skipped: how many rows are left out, by reason.
            earlier: how many rows keep the status of an earlier run, by status.
            at_most: the maximum number of messages of a request.
            duration: what says how long so many messages take.
            delivers: whether the server delivers emails.
        """
        eligible = preflight.sendable if eligible is None else eligible
        messages = int(eligible.sum())
        of_batches = batch.counts(
            compress(preflight.sizes, eligible.tolist()),
            at_most=at_most,
            with_templates=bool(preflight.templates),
        )
        blocked = _most_rows_first(preflight.errors.rows_by_code())
        warnings = preflight.problems.where(lambda code: code.severity is Severity.WARNING)
        return cls(
            name=name,
            rows=len(preflight.sizes),
            messages=messages,
            batches=len(of_batches),
            bytes=sum(size for _, size in of_batches),
            blocked=blocked,
            warnings={code.value: count for code, count in warnings.counts().items()},
            has_ledger=has_ledger,
            skipped=dict(skipped),
            earlier=dict(earlier),
            of_batches=tuple(of_batches),
            duration=duration(messages),
            delivers=delivers,
        )

    @property
    def blocked_rows(self) -> int:
        """Rows that would not be sent because of an error."""
        others = (self.skipped, self.earlier)
        return self.rows - self.messages - sum(sum(counts.values()) for counts in others)

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
        return (
            f"{counted(self.rows, 'row')}: {counted(self.messages, 'message')}, "
            f"{counted(self.batches, 'batch', 'batches')}, {sized(self.bytes)}{self._pace}; "
            f"{self.blocked_rows:,} blocked{f' ({_listed(self.blocked)})' if self.blocked else ''}"
            f"{f'; {_listed(self.skipped)}' if self.skipped else ''}"
            f"{f'; {_listed(self.earlier)} earlier' if self.earlier else ''}"
            f"{'' if self.has_ledger else f'; {_NO_LEDGER}'}"
        )

    @property
    def _pace(self) -> str:
        return f", {self.duration}" if self.duration else ""

    @property
    def _title(self) -> str:
        return f"Plan of {self.name}" if self.name else "Plan"

    def _steps(self) -> list[tuple[str, str]]:
        """What to call next, and what it does."""
        if not self.rows:
            return []
        if not self.blocked_rows:
            sends = [(".send(server)", f"sends {counted(self.messages, 'message')}")]
            return sends if self.messages else []
        steps = [(".problems()", "lists what is wrong and how to fix it")]
        if self.messages and not any(Code(code).stops_everything for code in self.blocked):
            steps.append(('.send(server, on_invalid="skip")', f"sends the other {self.messages:,}"))
        return steps

    def _notes(self) -> list[str]:
        notes = [] if self.rows else ["The frame has no rows."]
        if self.delivers is not None:
            notes.append(_LIVE if self.delivers else _SANDBOX)
        return notes if self.has_ledger else [*notes, f"{_NO_LEDGER[0].upper()}{_NO_LEDGER[1:]}."]

    def __repr__(self) -> str:
        batches = counted(self.batches, "batch", "batches")
        lines = [
            f"{self._title}: {counted(self.rows, 'row')}",
            f"{counted(self.messages, 'message')} in {batches}, {sized(self.bytes)}{self._pace}",
        ]
        if self.blocked_rows:
            lines.append(f"{self.blocked_rows:,} blocked: {_listed(self.blocked)}")
        if self.skipped:
            lines.append(f"{sum(self.skipped.values()):,} skipped: {_listed(self.skipped)}")
        if self.earlier:
            lines.append(f"not sent again: {_listed(self.earlier)}")
        if self.warnings:
            lines.append(f"warnings: {_listed(self.warnings)}")
        lines += self._notes()
        steps = "; ".join(f"{call} {does}" for call, does in self._steps())
        return "\n  ".join([*lines, *([f"next: {steps}"] if steps else [])])

    def _repr_html_(self) -> str:
        """The numbers that Jupyter shows, with the codes of the blocked rows and the next step."""
        blocked = self.blocked_rows
        size, unit = sized(self.bytes).split()
        return Summary(
            self._title,
            about=counted(self.rows, "row"),
            counts=(
                (f"{self.messages:,}", "message" if self.messages == 1 else "messages", ""),
                (f"{self.batches:,}", "batch" if self.batches == 1 else "batches", ""),
                (size, unit, ""),
                (f"{blocked:,}", "blocked", "error" if blocked else ""),
                *([(f"{sum(self.skipped.values()):,}", "skipped", "")] if self.skipped else []),
            ),
            chips=(
                *(("error", f"{code} · {counted(n, 'row')}") for code, n in self.blocked.items()),
                *(("", f"{reason} · {counted(n, 'row')}") for reason, n in self.skipped.items()),
                *(("", f"{one} earlier · {counted(n, 'row')}") for one, n in self.earlier.items()),
                *(
                    ("warning", f"{code} · {counted(n, 'warning')}")
                    for code, n in self.warnings.items()
                ),
            ),
            note=" ".join([f"A{self.duration[1:]}."] * bool(self.duration) + self._notes()),
            steps=self._steps(),
        ).html()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in counts.items())


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
