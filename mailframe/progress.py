"""The bar of a send: one bar, in messages, that leaves one plain line behind wherever a notebook is read."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, Self

from tqdm import TqdmWarning

from mailframe.results import Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Bar:
    """A tqdm bar of messages with what was accepted and rejected; updated from one thread only.

    In a notebook the widget is replaced at the end by a line of text: a saved widget stays at 0 % for ever in
    every place where notebooks are only read.
    """

    def __init__(self, total: int, *, name: str | None, shown: bool) -> None:
        self._total = total
        self._name = name or "messages"
        self._shown = shown
        self._bar: Any = None
        self._handle: Any = None
        self._counts: Mapping[Status, int] = {}
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._shown:
            self._bar = _tqdm(self._total, self._name)
            container = getattr(self._bar, "container", None)
            if container is not None:
                from IPython.display import display  # noqa: PLC0415 - there is a notebook, so there is IPython

                self._handle = display(container, display_id=True)
        return self

    def count(self, counts: Mapping[Status, int]) -> None:
        """Draw what has become of the rows so far."""
        self._counts = counts
        if self._bar is None:
            return
        settled = sum(counts.get(status, 0) for status in (Status.ACCEPTED, Status.REJECTED, Status.UNKNOWN))
        self._bar.set_postfix(self._said(), refresh=False)
        self._bar.update(settled - self._bar.n)

    def _said(self) -> dict[str, int]:
        always = {
            "accepted": self._counts.get(Status.ACCEPTED, 0),
            "rejected": self._counts.get(Status.REJECTED, 0),
        }
        unknown = self._counts.get(Status.UNKNOWN, 0)
        return {**always, "unknown": unknown} if unknown else always

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is None:
            return
        self._bar.close()
        if self._handle is not None:
            self._handle.update({"text/plain": self._line()}, raw=True)

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-6)
        said = ", ".join(f"{count:,} {word}" for word, count in self._said().items())
        done = sum(self._said().values())
        return f"{self._name}: {done:,} of {self._total:,} messages, {said}; {done / seconds:,.0f} messages/s"


def _tqdm(total: int, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # without ipywidgets tqdm.auto says so, and draws text
        from tqdm.auto import tqdm  # noqa: PLC0415 - what it is depends on where we run

        options: dict[str, Any] = {"total": total, "desc": name, "unit": "msg", "dynamic_ncols": True}
        if hasattr(tqdm, "status_printer") and "notebook" in tqdm.__mro__[0].__module__ + str(tqdm.__mro__):
            return tqdm(display=False, **options)
        return tqdm(**options)
