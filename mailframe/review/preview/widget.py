"""The preview as a widget: ipywidgets without scripts of its own; one row is rendered at a time."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from mailframe.counting import counted
from mailframe.notebook import view_of
from mailframe.pages.environment import render
from mailframe.pages.text import one_line
from mailframe.review.preview.controls import Controls, focus, show
from mailframe.review.preview.navigation import Navigation, RowSet
from mailframe.review.preview.pages import write
from mailframe.review.preview.panes import Panes
from mailframe.review.preview.search import rows_with_key, rows_with_label, rows_with_text
from mailframe.review.preview.static_preview import plain_text, static_html
from mailframe.review.tour import MAX_ROWS

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mailframe.review.preview.subject import Subject
    from mailframe.review.tour import Tour


class Preview(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One row at a time: the message, its problems, and the controls to reach any other row.

    Args:
        subject: the campaign.
        chosen: the rows that it opens on, each with its reasons.
        is_tour: whether those are the tour.
        tour: the tour of the campaign, possibly over a sample of the rows.
        mask: whether to show the shape of values instead of the values.
        keep_masked: whether rows are masked in what a saved notebook keeps; None keeps no rows.
        title: the title of the campaign.
        is_small: whether to check all rows when the widget opens; else on demand.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        chosen: Mapping[int, tuple[str, ...]],
        is_tour: bool,
        tour: Tour,
        mask: bool,
        keep_masked: bool | None,
        title: str,
        is_small: bool,
    ) -> None:
        self._subject, self._tour, self._title = subject, tour, title
        self._mask, self._keep_masked = mask, keep_masked
        self._view = subject.view(mask=mask)
        self._chosen, self._is_tour = dict(chosen), is_tour
        self._navigation = Navigation(len(subject.frame), tour=tuple(chosen))
        self._turn = threading.RLock()
        self._is_drawing = False
        self._large_shown: int | None = None
        self._controls = Controls(
            tour_rows=_all_or(MAX_ROWS, len(subject.frame)),
            names={
                RowSet.TOUR: "Edge cases" if is_tour else "Selected",
                RowSet.ALL: "All",
                RowSet.PROBLEMS: "Problems",
                RowSet.MATCHES: "Matches",
            },
            row_names=" or ".join(
                [*subject.key[:1], "label"] if len(subject.key) == 1 else ["label"]
            ),
            first_view="HTML" if subject.has_html else "Text",
        )
        self._panes = Panes(self._controls)
        if is_small:
            self._check(is_quiet=True)
        super().__init__(self._parts())
        self.add_class("mf-preview")
        self.layout.width = "100%"
        if len(subject.frame):
            self._listen()
            self._show_tour()
            self._draw()

    def _parts(self) -> list[widgets.Widget]:
        """The zones of the widget; without rows, what to do instead of dead controls."""
        panes = self._panes
        if len(self._subject.frame):
            return panes.parts
        panes.note.value = render("widget/empty", title=self._title)
        return [panes.style, panes.note]

    def _listen(self) -> None:
        bar, navigation = self._controls, self._navigation
        for button, act in (
            (bar.previous, lambda: self._go(lambda: navigation.step(-1))),
            (bar.next, lambda: self._go(lambda: navigation.step(1))),
            (bar.check, self._check_all),
            (bar.all_rows, self._tour_all_rows),
            (bar.large, self._show_large),
        ):
            button.on_click(partial(self._clicked, act))
        redrawn = (bar.view, bar.width, bar.scheme, bar.images)
        changes: list[tuple[widgets.Widget, Callable[[Any], object]]] = [
            (bar.row, self._go_to_named),
            (bar.row_set, self._choose),
            (bar.search, self._search),
            *((control, lambda _: self._draw()) for control in redrawn),
        ]
        for control, react in changes:
            control.set_state = partial(self._in_turn, control.set_state)
            control.observe(partial(self._changed, react), names="value")

    def _in_turn(self, act: Callable[..., object], *arguments: object) -> None:
        """Do one thing that the reader asked for after the other.

        From ipykernel 7 on, JupyterLab has the messages of some controls handled in the main thread
        and those of others in a second one, at the same time. A label that is typed while the click
        before it is still being answered would pass for a value that drawing sets.
        """
        with self._turn:
            act(*arguments)

    def _clicked(self, act: Callable[[], object], _button: widgets.Button) -> None:
        self._in_turn(self._try, act)

    def _changed(self, react: Callable[[Any], object], change: Any) -> None:
        """React to the reader, not to values that drawing sets."""
        if not self._is_drawing:
            self._try(lambda: react(change["new"]))

    def _try(self, act: Callable[[], object]) -> None:
        """Show errors above the mail, because a notebook does not show those of a callback."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - any error must be shown to the reader
            with suppress(Exception):
                self._draw()
            text = f"That did not work. {type(error).__name__}: {error}"
            self._panes.say(one_line(text, most=400))
        except BaseException:  # the stop button: the controls must show what is really on screen
            self._draw()
            raise

    # --- what a reader does ---

    def _go(self, move: Callable[[], object], note: str = "") -> None:
        move()
        self._draw()
        if note:
            self._panes.say(note)

    def _choose(self, row_set: RowSet) -> None:
        self._go(lambda: self._navigation.choose(row_set))

    def _go_to_named(self, text: str) -> None:
        """Go to the row with that label or key; step through them if there are several."""
        frame = self._subject.frame
        rows = rows_with_label(frame.index, text) or rows_with_key(frame, self._subject.key, text)
        if len(rows) > 1:
            self._navigation.sets[RowSet.MATCHES] = rows
            self._go(
                lambda: self._navigation.choose(RowSet.MATCHES),
                one_line(f"{len(rows):,} rows are named {text.strip()}.", most=120),
            )
        elif rows:
            self._go(lambda: self._navigation.go(rows[0]))
        elif text.strip():
            self._go(lambda: None, self._no_such_row(one_line(text.strip(), most=60)))

    def _no_such_row(self, name: str) -> str:
        index, key = self._subject.frame.index, self._subject.key
        if isinstance(index, pd.RangeIndex) and index.step == 1:
            which = f"the frame has rows {index[0]:,} to {index[-1]:,}"
            which += f", and no {key[0]} {name}" if len(key) == 1 else ""
            return f"There is no row {name}; {which}."
        return f"No row has the {self._controls.row.placeholder} {name}."

    def _search(self, text: str) -> None:
        """Step through the matches; without any, stay at the current row."""
        rows = rows_with_text(self._subject.frame, text)
        self._navigation.sets[RowSet.MATCHES] = rows
        if rows or self._navigation.current is RowSet.MATCHES:
            self._go(lambda: self._navigation.choose(RowSet.MATCHES if rows else RowSet.ALL))
        else:
            self._draw()
        hits = f"{counted(len(rows), 'row matches', 'rows match')}" if rows else "no row matches"
        self._panes.say_hits(hits if text.strip() else "")

    def _check_all(self) -> None:
        """Check every row, and step through those with problems."""
        self._check()
        rows = self._navigation.sets[RowSet.PROBLEMS]
        number = counted(len(self._subject.frame), "row")
        self._go(
            lambda: self._navigation.choose(RowSet.PROBLEMS),
            "" if rows else f"No problems in {number}.",
        )
        focus(self._controls.next)  # the pressed button is gone

    def _check(self, *, is_quiet: bool = False) -> None:
        """Check every row, once; the campaign keeps the result."""
        preflight = self._subject.preflight(watch=None if is_quiet else self._progress("Checking"))
        self._navigation.sets[RowSet.PROBLEMS] = preflight.rows_with_problems()

    def _tour_all_rows(self) -> None:
        watch = self._progress("Looking for edge cases in")
        self._tour = self._subject.full_tour(watch)
        self._chosen, self._is_tour = {stop.position: stop.reasons for stop in self._tour}, True
        self._controls.names[RowSet.TOUR] = "Edge cases"
        self._show_tour()
        self._go(lambda: self._navigation.choose(RowSet.TOUR, self._tour.positions))
        self._controls.next.focus()

    def _progress(self, doing: str) -> Callable[[int], None]:
        """A function that shows the progress, at each hundredth of all rows."""
        rows = len(self._subject.frame)
        step = max(rows // 100, 1)

        def watch(position: int) -> None:
            if position % step == 0:
                self._panes.say(f"{doing} all rows: {position:,} of {rows:,}")

        return watch

    def _show_large(self) -> None:
        self._large_shown = self._navigation.position
        self._draw()

    # --- what is shown ---

    def _show_tour(self) -> None:
        is_whole = self._tour.looked_at >= min(len(self._subject.frame), MAX_ROWS)
        show(self._controls.all_rows, is_shown=not is_whole)
        self._panes.show_untaken(self._tour)

    def _draw(self) -> None:
        self._is_drawing = True
        try:
            self._controls.follow(self._navigation)
            self._draw_row(self._navigation.position)
        finally:
            self._is_drawing = False

    def _draw_row(self, position: int) -> None:
        mail = self._view.mail(position, with_cells=self._controls.view.value == "Data")
        navigation = self._navigation
        number = f"{navigation.place + 1:,}" if navigation.is_member else "none"
        self._panes.show_place(f"{number} of {len(navigation.members):,}", mail.label)
        is_large_shown = self._large_shown == position
        self._panes.show(mail, self._chosen.get(position, ()), is_large_shown=is_large_shown)
        is_empty = not self._is_tour and not self._chosen
        self._panes.say("No rows are selected; these are all rows." if is_empty else "")

    # --- what remains ---

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page for a colleague who approves, and return its path.

        It contains the counts and checks of all rows, the plan, the edge cases, the branches that
        no row takes, and the fingerprint for ``send(…, approved=…)``.
        """
        return write(path, self._subject.approval_page(mask=self._mask))

    def close(self) -> None:
        """Remove the preview and all of its parts from the notebook and its kernel."""
        # ipywidgets 7 also closes a widget that could not be made
        parts = self._panes.parts if hasattr(self, "_panes") else []
        waiting = [*parts, self.layout]
        while waiting:
            child = waiting.pop()
            waiting += [*getattr(child, "children", ()), *_models_of(child)]
            child.close()
        super().close()

    def __repr__(self) -> str:
        return f"<Preview of {self._title}>"

    _ipython_display_ = None  # that of ipywidgets 7 shows nothing but the widget

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, Any]:
        """The widget, and what a notebook shows where it cannot show widgets."""
        if self.comm is None:
            return {"text/plain": f"<Preview of {self._title}, closed>"}
        bundle: dict[str, Any] = {**view_of(self), "text/plain": repr(self)}
        if self._keep_masked is not None:
            view = self._subject.view(mask=self._keep_masked)
            stops = (
                list(self._chosen.items()) or [(0, ("the first row",))][: len(self._subject.frame)]
            )
            bundle["text/plain"] = plain_text(view, stops, title=repr(self))
            bundle["text/html"] = static_html(view, stops, title=self._title)
        return bundle


def _all_or(most: int, rows: int) -> str:
    return "all" if rows <= most else f"{most:,}"


def _models_of(widget: widgets.Widget) -> list[widgets.Widget]:
    """Its layout and style, which are models of their own."""
    return [
        model
        for name in ("layout", "style")
        if isinstance(model := getattr(widget, name, None), widgets.Widget)
    ]
