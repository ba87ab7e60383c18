"""The preview as a widget: ipywidgets without scripts of its own; one row is rendered at a time."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from mailframe.pages.text import one_line
from mailframe.review.chosen_rows import full_tour
from mailframe.review.preview.approval_page import approval_page
from mailframe.review.preview.controls import Controls
from mailframe.review.preview.navigation import Navigation, RowSet
from mailframe.review.preview.pages import write
from mailframe.review.preview.panes import Panes
from mailframe.review.preview.row_view import RowView
from mailframe.review.preview.search import rows_with_key, rows_with_label, rows_with_text
from mailframe.review.preview.static_preview import plain_text, static_html
from mailframe.review.tour import MAX_ROWS

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mailframe.message.composed import Composed
    from mailframe.review.tour import Tour


class Preview(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One row at a time: the message, its problems, and the controls to reach any other row.

    Args:
        composed: the campaign.
        chosen: the rows that it opens on, each with its reason.
        is_tour: whether those are the tour.
        tour: the tour of the campaign, possibly over a sample of the rows.
        mask: whether to show the shape of values instead of the values.
        keep_masked: whether rows are masked in what a saved notebook keeps; None keeps no rows.
        title: the title of the campaign.
        is_small: whether to check all rows when the widget opens; else on demand.
    """

    def __init__(
        self,
        composed: Composed,
        *,
        chosen: Mapping[int, str],
        is_tour: bool,
        tour: Tour,
        mask: bool,
        keep_masked: bool | None,
        title: str,
        is_small: bool,
    ) -> None:
        self._composed, self._tour, self._title = composed, tour, title
        self._mask, self._keep_masked = mask, keep_masked
        self._view = RowView(composed, mask=mask)
        self._reasons, self._is_tour = dict(chosen), is_tour
        self._navigation = Navigation(len(composed.frame), tour=tuple(chosen))
        self._turn = threading.RLock()
        self._is_drawing = False
        self._large_shown: int | None = None
        self._controls = Controls(
            len(composed.frame),
            tour_rows=min(len(composed.frame), MAX_ROWS),
            names={
                RowSet.TOUR: "Tour" if is_tour else "Selected",
                RowSet.ALL: "All",
                RowSet.PROBLEMS: "Problems",
                RowSet.MATCHES: "Matches",
            },
            first_view="HTML" if composed.bound.letter.html_body is not None else "Text",
        )
        self._panes = panes = Panes(self._controls)
        if is_small:
            self._check(show=False)
        bar = self._controls
        super().__init__(
            [panes.style, bar.toolbar, bar.slider, panes.status, panes.body, panes.footer]
        )
        self.add_class("mf-preview")
        self.layout.width = "100%"
        self._listen()
        self._show_tour()
        self._draw()

    def _listen(self) -> None:
        bar, navigation = self._controls, self._navigation
        for button, act in (
            (bar.previous, lambda: self._go(lambda: navigation.step(-1))),
            (bar.next, lambda: self._go(lambda: navigation.step(1))),
            (bar.next_problem, self._to_next_problem),
            (bar.all_rows, self._tour_all_rows),
            (bar.large, self._show_large),
        ):
            button.on_click(partial(self._clicked, act))
        redrawn = (bar.view, bar.width, bar.scheme, bar.images)
        changes: list[tuple[widgets.Widget, Callable[[Any], object]]] = [
            (bar.row, self._go_to_named),
            (bar.slider, self._slide),
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
        """Show errors in the status line, because a notebook does not show those of a callback."""
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

    def _go(self, move: Callable[[], object]) -> None:
        if len(self._composed.frame):
            move()
            self._draw()

    def _slide(self, place: int) -> None:
        members = self._navigation.members
        self._go(lambda: self._navigation.go(members[min(place, len(members) - 1)]))

    def _choose(self, row_set: RowSet) -> None:
        if row_set is RowSet.PROBLEMS:
            self._check()
        self._go(lambda: self._navigation.choose(row_set))

    def _go_to_named(self, text: str) -> None:
        """Go to the row with that label or key; step through them if there are several."""
        rows = rows_with_label(self._composed.frame.index, text) or rows_with_key(
            self._composed.frame, self._composed.key, text
        )
        if len(rows) > 1:
            self._navigation.sets[RowSet.MATCHES] = rows
            self._go(lambda: self._navigation.choose(RowSet.MATCHES))
        elif rows:
            self._go(lambda: self._navigation.go(rows[0]))
        else:
            self._draw()
            if text.strip():
                self._panes.say(one_line(f"No row has the label {text.strip()!r}.", most=120))

    def _search(self, text: str) -> None:
        """Step through the matches; without any, stay at the current row."""
        rows = rows_with_text(self._composed.frame, text)
        self._navigation.sets[RowSet.MATCHES] = rows
        if rows or self._navigation.current is RowSet.MATCHES:
            self._go(lambda: self._navigation.choose(RowSet.MATCHES if rows else RowSet.ALL))
        else:
            self._draw()

    def _to_next_problem(self) -> None:
        self._check()
        self._go(lambda: self._navigation.after(self._navigation.sets[RowSet.PROBLEMS]))

    def _check(self, *, show: bool = True) -> None:
        """Check every row, once; the campaign keeps the result."""
        preflight = self._composed.preflight(watch=self._progress("Checking") if show else None)
        self._navigation.sets[RowSet.PROBLEMS] = preflight.rows_with_problems()

    def _tour_all_rows(self) -> None:
        watch = self._progress("Rendering")
        self._tour = full_tour(self._composed, progress=False, watch=watch)
        self._reasons, self._is_tour = {stop.position: stop.reason for stop in self._tour}, True
        self._controls.names[RowSet.TOUR] = "Tour"
        self._show_tour()
        self._go(lambda: self._navigation.choose(RowSet.TOUR, self._tour.positions))

    def _progress(self, doing: str) -> Callable[[int], None]:
        """A function that shows the progress, at each hundredth of all rows."""
        rows = len(self._composed.frame)
        step = max(rows // 100, 1)

        def watch(position: int) -> None:
            if position % step == 0:
                self._panes.say(f"{doing} all rows: {position:,} of {rows:,} …")

        return watch

    def _show_large(self) -> None:
        self._large_shown = self._navigation.position
        self._draw()

    # --- what is shown ---

    def _show_tour(self) -> None:
        is_whole = self._tour.looked_at >= min(len(self._composed.frame), MAX_ROWS)
        self._controls.all_rows.layout.display = "none" if is_whole else ""
        self._panes.show_untaken(self._tour)

    def _draw(self) -> None:
        self._is_drawing = True
        position = self._navigation.position
        try:
            with self._controls.toolbar.hold_sync():
                self._controls.follow(self._navigation, row=self._view.label_to_type(position))
            self._draw_row(position)
        finally:
            self._is_drawing = False

    def _draw_row(self, position: int) -> None:
        if not len(self._composed.frame):
            self._panes.say("The frame has no rows.")
            self._panes.show_nothing()
            return
        mail = self._view.mail(position, with_cells=self._controls.view.value == "Data")
        remarks = (self._reasons.get(position, ""), self._about_search(), self._about_selection())
        self._panes.show_status(self._place(), mail.label, remarks)
        self._panes.show(mail, is_large_shown=self._large_shown == position)

    def _place(self) -> str:
        navigation = self._navigation
        number = f"{navigation.place + 1:,}" if navigation.is_member else "none"
        of = "of the" if number == "none" else "of"
        return f"{number} {of} {len(navigation.members):,} {self._set_in_words()}"

    def _set_in_words(self) -> str:
        """The rows of the current set, after their number."""
        tour = self._tour
        if self._navigation.current is RowSet.TOUR and self._is_tour and tour.sampled:
            return f"in a tour of {tour.looked_at:,} of {tour.rows:,} rows"
        return {
            RowSet.TOUR: "in the tour" if self._is_tour else "selected rows",
            RowSet.ALL: "rows",
            RowSet.PROBLEMS: "rows with problems",
            RowSet.MATCHES: "matching rows",
        }[self._navigation.current]

    def _about_search(self) -> str:
        text = self._controls.search.value.strip()
        is_empty = bool(text) and not self._navigation.sets.get(RowSet.MATCHES)
        return f"no matches for “{one_line(text, most=40)}”" if is_empty else ""

    def _about_selection(self) -> str:
        is_empty = not self._is_tour and not self._reasons
        return "no rows are selected; these are all rows" if is_empty else ""

    # --- what remains ---

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page for a colleague who approves, and return its path.

        It contains the counts and checks of all rows, the plan, the edge cases, the branches that
        no row takes, and the fingerprint for ``send(…, approved=…)``.
        """
        return write(path, approval_page(self._composed, mask=self._mask))

    def close(self) -> None:
        """Remove the preview and all of its parts from the notebook and its kernel."""
        waiting = [*self.children, self.layout]
        while waiting:
            child = waiting.pop()
            waiting += [*getattr(child, "children", ()), *_models_of(child)]
            child.close()
        super().close()

    def __repr__(self) -> str:
        return f"<Preview of {self._title}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and what a notebook shows where it cannot show widgets."""
        if self.comm is None:
            return {"text/plain": f"<Preview of {self._title}, closed>"}
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = repr(self)
        if self._keep_masked is not None:
            view = RowView(self._composed, mask=self._keep_masked)
            stops = (
                list(self._reasons.items()) or [(0, "the first row")][: len(self._composed.frame)]
            )
            bundle["text/plain"] = plain_text(view, stops, title=repr(self))
            bundle["text/html"] = static_html(view, stops, title=self._title)
        return bundle


def _models_of(widget: widgets.Widget) -> list[widgets.Widget]:
    """Its layout and style, which are models of their own."""
    return [
        model
        for name in ("layout", "style")
        if isinstance(model := getattr(widget, name, None), widgets.Widget)
    ]
