"""The results frame as a person first sees it: one sentence of what happened and what to do next, then the rows."""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from mailframe.results import Status, results_columns, sentence

if TYPE_CHECKING:
    from collections.abc import Callable


class _LikeAnyFrame(type):
    """Lets ``assert_frame_equal(frame, results)`` compare rows, not classes."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, pd.DataFrame)


class Results(pd.DataFrame, metaclass=_LikeAnyFrame):
    """A results frame that begins with its sentence; everything made from it is a plain DataFrame."""

    _metadata: ClassVar[list[str]] = ["headline"]

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{getattr(self, 'headline', '')}\n\n{super().__repr__()}".lstrip()

    def _repr_html_(self) -> str | None:
        table: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs does not know it
        if table is None:
            return None
        said = html.escape(getattr(self, "headline", ""))
        return f'<div class="tex2jax_ignore mathjax_ignore"><p><b>{said}</b></p>{table}</div>'


def with_headline(frame: pd.DataFrame, *, name: str | None = None, remembered: bool = True) -> pd.DataFrame:
    """The results frame with its sentence; a frame of a class of its own stays as it is.

    Args:
        frame: a results frame.
        name: of the campaign.
        remembered: it is in a ledger.

    >>> from mailframe.results import RowResults, results_frame
    >>> with_headline(results_frame(pd.DataFrame(index=range(2)), RowResults(2)), name="spring").headline
    '2 rows: 2 unsent. Next: run send again; it takes the unsent rows and nobody twice.'
    """
    if type(frame) is not pd.DataFrame:
        return frame
    results = Results(frame)
    results.attrs = frame.attrs
    object.__setattr__(results, "headline", _headline(frame, name=name, remembered=remembered))
    return results


def _headline(frame: pd.DataFrame, *, name: str | None, remembered: bool) -> str:
    columns = results_columns(frame)
    status = frame[columns["status"]]
    parts = [sentence(frame)]
    reasons = Counter(frame.loc[status == Status.SKIPPED, columns["reason"]]) if len(frame) else Counter()
    if reasons:
        said = ", ".join(f"{count:,} {str(reason).replace('_', ' ')}" for reason, count in reasons.items())
        parts.append(f"Skipped: {said}.")
    unknown = frame[status == Status.UNKNOWN]
    if len(unknown):
        parts.append(_doubt(unknown, columns))
    parts.append(_next(Counter(status), name=name, remembered=remembered))
    changed = int(frame[columns["changed"]].sum())
    if changed:
        parts.append(f"{changed:,} have an earlier version of this mail and were not sent the new one.")
    return " ".join(part for part in parts if part)


def _doubt(unknown: pd.DataFrame, columns: dict[str, str]) -> str:
    numbers = unknown[columns["batch"]].dropna().unique().tolist()
    which = f"batch {', '.join(map(str, numbers[:3]))}{', …' if len(numbers) > 3 else ''}: " if numbers else ""  # noqa: PLR2004 - one line
    return f"In doubt: {which}{unknown[columns['reason']].iloc[0]}. Nothing in doubt is sent again without your word."


def _next(counts: Counter[Any], *, name: str | None, remembered: bool) -> str:
    if not remembered:
        return "No ledger: running send again sends to everybody again." if counts[Status.ACCEPTED] else ""
    if counts[Status.UNKNOWN]:
        return f"Next: mf.reconcile({name!r}, server) asks Postmark what it holds."
    if counts[Status.UNSENT]:
        return "Next: run send again; it takes the unsent rows and nobody twice."
    return ""
