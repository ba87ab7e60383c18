"""The preview as a widget: plain ipywidgets over ``html/``, no script of its own; one row is rendered at a time."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from mailframe.html import card
from mailframe.html.style import STYLE, style
from mailframe.html.text import escaped, one_line
from mailframe.review.preview.controls import Controls, button, layout
from mailframe.review.preview.fallback import plain_text, static_html
from mailframe.review.preview.look import RowView
from mailframe.review.preview.pages import write
from mailframe.review.preview.parts import (
    beside,
    boxed,
    html_part,
    is_large,
    other_part,
    said,
    set_in_words,
    untaken,
)
from mailframe.review.preview.report import report
from mailframe.review.preview.search import found, keyed, labelled
from mailframe.review.preview.walk import Among, Walk
from mailframe.review.tour import MAX_ROWS
from mailframe.review.tour import tour as toured

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mailframe.html.mail import Mail
    from mailframe.message.composed import Composed
    from mailframe.review.tour import Tour


class Preview(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One row at a time, with all that a person asks before sending.

    Args:
        run: the campaign.
        chosen: the rows that it opens on.
        is_tour: those are the tour.
        tour: of the campaign, as far as it was made.
        mask: show shapes in place of values.
        keep_masked: whether what a saved notebook keeps of the rows is masked; None keeps nothing.
        title: of the campaign.
        is_small: check all rows at once; else when it is asked for.
    """

    def __init__(
        self,
        run: Composed,
        *,
        chosen: Mapping[int, str],
        is_tour: bool,
        tour: Tour,
        mask: bool,
        keep_masked: bool | None,
        title: str,
        is_small: bool,
    ) -> None:
        self._run, self._tour, self._mask, self._keep_masked, self._title = (
            run,
            tour,
            mask,
            keep_masked,
            title,
        )
        self._look = RowView(run, mask=mask)
        self._reasons, self._is_tour = dict(chosen), is_tour
        self._walk = Walk(len(run.frame), tour=tuple(chosen))
        self._drawing = False
        self._anyway: int | None = None
        first = "HTML" if run.bound.letter.html_body is not None else "Text"
        named = {Among.TOUR: "Tour" if is_tour else "Chosen", Among.ALL: "All"}
        named |= {Among.PROBLEMS: "Problems", Among.FOUND: "Found"}
        tour_rows = min(len(run.frame), MAX_ROWS)
        self._controls = Controls(
            len(run.frame), tour_rows=tour_rows, names=named, first_view=first
        )
        self._make_surface()
        if is_small:
            self._check(show=False)
        super().__init__(
            [
                self._style,
                self._controls.toolbar,
                self._controls.slider,
                self._where,
                self._body,
                self._foot,
            ]
        )
        self.add_class("mf-preview")
        self.layout.width = "100%"
        self._listen()
        self._draw()

    # --- what there is ------------------------------------------------------------------------------------

    def _make_surface(self) -> None:
        self._style = widgets.HTML(f"{STYLE}{style('widget')}", layout=layout(display="none"))
        self._where = widgets.HTML()
        self._head, self._notes, self._main = widgets.HTML(), widgets.HTML(), widgets.HTML()
        left = widgets.VBox(
            [self._head, self._main], layout=layout(flex="1 1 660px", min_width="0")
        )
        left.add_class("mf-left")
        side = widgets.VBox([self._notes], layout=layout(flex="1 1 170px", min_width="170px"))
        self._body = widgets.HBox(
            [left, side], layout=layout(flex_flow="row wrap", align_items="stretch")
        )
        self._images = widgets.Checkbox(
            value=False, description="Load remote images", indent=False, layout=layout(width="auto")
        )
        self._large = button("Show it all the same", "A page this large may be slow")
        self._large.layout.display = "none"
        note = widgets.HTML(
            f'<span class="mf-part mf-quiet">{_IMAGES}</span>', layout=layout(flex="1 1 420px")
        )
        self._untaken = widgets.HTML(layout=layout(flex="1 1 100%"))
        self._foot = widgets.HBox(
            [self._images, note, self._large, self._untaken], layout=layout(flex_flow="row wrap")
        )
        self._foot.add_class("mf-foot")

    def _listen(self) -> None:
        bar = self._controls
        for pressed, act in (
            (bar.previous, lambda: self._go(lambda: self._walk.step(-1))),
            (bar.next, lambda: self._go(lambda: self._walk.step(1))),
            (bar.next_problem, self._to_next_problem),
            (bar.all_rows, self._tour_all_rows),
            (self._large, self._show_anyway),
        ):
            pressed.on_click(partial(self._pressed, act))
        changes: list[tuple[widgets.Widget, Callable[[Any], object]]] = [
            (bar.row, self._go_to_named),
            (bar.slider, self._slide),
            (bar.among, self._choose),
            (bar.search, self._find),
            *(
                (control, lambda _: self._draw())
                for control in (bar.view, bar.width, bar.scheme, self._images)
            ),
        ]
        for control, react in changes:
            control.observe(self._guarded(react), names="value")

    def _guarded(self, react: Callable[[Any], object]) -> Callable[[Any], None]:
        """Reacts to a person only, not to what drawing itself sets."""

        def changed(change: Any) -> None:
            if not self._drawing:
                self._told(lambda: react(change["new"]))

        return changed

    def _pressed(self, act: Callable[[], object], _button: widgets.Button) -> None:
        self._told(act)

    def _told(self, act: Callable[[], object]) -> None:
        """Do it; what fails is said above the mail, for a notebook shows nothing of what a button raises."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, a person has pressed a button and waits
            with suppress(Exception):
                self._draw()
            self._where.value = said(
                one_line(f"That did not work. {type(error).__name__}: {error}", most=400)
            )
        except BaseException:  # the button ■: the controls must not say what was not done
            self._draw()
            raise

    # --- what a person does -------------------------------------------------------------------------------

    def _go(self, move: Callable[[], object]) -> None:
        if len(self._run.frame):
            move()
            self._draw()

    def _slide(self, place: int) -> None:
        members = self._walk.members
        self._go(lambda: self._walk.go(members[min(place, len(members) - 1)]))

    def _choose(self, among: Among) -> None:
        if among is Among.PROBLEMS:
            self._check()
        self._go(lambda: self._walk.choose(among))

    def _go_to_named(self, text: str) -> None:
        """Go to the row with that label, else with that key; where several have it, step through them."""
        hits = labelled(self._run.frame.index, text) or keyed(self._run.frame, self._run.key, text)
        if len(hits) > 1:
            self._walk.sets[Among.FOUND] = hits
            self._go(lambda: self._walk.choose(Among.FOUND))
        elif hits:
            self._go(lambda: self._walk.go(hits[0]))
        else:
            self._draw()
            if text.strip():
                self._where.value = said(
                    one_line(f"No row has the label {text.strip()!r}.", most=120)
                )

    def _find(self, text: str) -> None:
        """Step through what is found; where nothing is, or nothing is searched any more, stay where the reader is."""
        hits = found(self._run.frame, text)
        self._walk.sets[Among.FOUND] = hits
        if hits or self._walk.among is Among.FOUND:
            self._go(lambda: self._walk.choose(Among.FOUND if hits else Among.ALL))
        else:
            self._draw()

    def _to_next_problem(self) -> None:
        self._check()
        self._go(lambda: self._walk.after(self._walk.sets[Among.PROBLEMS]))

    def _check(self, *, show: bool = True) -> None:
        """Look at every row, once; what it finds is kept with the campaign."""
        found = self._run.preflight(watch=self._watch("Checking") if show else None)
        self._walk.sets[Among.PROBLEMS] = found.rows_with_problems()

    def _tour_all_rows(self) -> None:
        self._tour = toured(
            self._run.bound,
            self._run.frame.index,
            names=self._run.names,
            progress=False,
            watch=self._watch("Looking at"),
        )
        self._reasons, self._is_tour = {stop.position: stop.reason for stop in self._tour}, True
        self._controls.names[Among.TOUR] = "Tour"
        self._go(lambda: self._walk.choose(Among.TOUR, self._tour.positions))

    def _watch(self, doing: str) -> Callable[[int], None]:
        """Says how far it is, at each hundredth of the way."""
        rows = len(self._run.frame)
        step = max(rows // 100, 1)

        def watch(position: int) -> None:
            if position % step == 0:
                self._where.value = said(f"{doing} all rows: {position:,} of {rows:,} …")

        return watch

    def _show_anyway(self) -> None:
        self._anyway = self._walk.position
        self._draw()

    # --- what is shown ------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._drawing = True
        try:
            with self._controls.toolbar.hold_sync():
                self._controls.follow(self._walk, row=self._look.label_to_type(self._walk.position))
            is_whole = self._tour.looked_at >= min(len(self._run.frame), MAX_ROWS)
            self._controls.all_rows.layout.display = "none" if is_whole else ""
            self._untaken.value = untaken(self._tour)
            self._draw_row()
        finally:
            self._drawing = False

    def _draw_row(self) -> None:
        if not len(self._run.frame):
            self._where.value, self._main.value = said("The frame has no rows."), boxed("")
            return
        bar = self._controls
        mail = self._look.mail(self._walk.position, with_cells=bar.view.value == "Data")
        self._where.value = self._whereabouts(mail)
        self._head.value = f'<div class="mf-part mf-top">{card.head(mail)}</div>'
        self._notes.value = beside(mail)
        is_held = (
            bar.view.value == "HTML" and is_large(mail) and self._anyway != self._walk.position
        )
        self._large.layout.display = "" if is_held else "none"
        if is_held:
            self._main.value = boxed(
                f"This HTML has {len(mail.html or ''):,} characters; a notebook may be slow to show it."
            )
        elif bar.view.value == "HTML":
            self._main.value = html_part(
                mail,
                images=self._images.value,
                scheme=bar.scheme.value,
                is_phone=bar.width.value == "Phone",
            )
        else:
            self._main.value = boxed(other_part(mail, bar.view.value))

    def _whereabouts(self, mail: Mail) -> str:
        walk = self._walk
        in_set = set_in_words(walk.among, self._tour, is_tour=self._is_tour)
        where = (
            f"{walk.place + 1:,} of {len(walk.members):,} {in_set}"
            if walk.is_in
            else f"none of the {len(walk.members):,} {in_set}"
        )
        searched = self._controls.search.value.strip()
        nothing = (
            f"nothing found for “{one_line(searched, most=40)}”"
            if searched and not walk.sets.get(Among.FOUND)
            else ""
        )
        none_chosen = (
            "no row was chosen; these are all rows"
            if not self._is_tour and not self._reasons
            else ""
        )
        parts = [where, f"<b>{escaped(mail.label)}</b>"]
        parts += [
            escaped(part)
            for part in (self._reasons.get(walk.position, ""), nothing, none_chosen)
            if part
        ]
        return f'<div class="mf-part mf-where" aria-live="polite">{" · ".join(parts)}</div>'

    # --- what is left behind ------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page of the tour for a colleague who approves, and return its path.

        It holds the counts and checks of all rows, the plan, the messages that matter, the branches that nobody
        takes, and the fingerprint for ``send(…, approved=…)``.
        """
        return write(path, report(self._run, mask=self._mask))

    def close(self) -> None:
        """Take the preview and all of its parts out of the notebook and its kernel."""
        waiting = [*self.children, self.layout]
        while waiting:
            child = waiting.pop()
            waiting += [*getattr(child, "children", ()), *_models_of(child)]
            child.close()
        super().close()

    def __repr__(self) -> str:
        return f"<Preview of {self._title}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget, and what a notebook shows where no widget can live."""
        if self.comm is None:
            return {"text/plain": f"<Preview of {self._title}, closed>"}
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = repr(self)
        if self._keep_masked is not None:
            look = RowView(self._run, mask=self._keep_masked)
            stops = list(self._reasons.items()) or [(0, "the first row")][: len(self._run.frame)]
            bundle["text/plain"] = plain_text(look, stops, title=repr(self))
            bundle["text/html"] = static_html(look, stops, title=self._title)
        return bundle


_IMAGES: Final = "Remote images are off. Loading them tells the servers that hold them when somebody looked, and from where."


def _models_of(widget: widgets.Widget) -> list[widgets.Widget]:
    """Its layout and style, which are models of their own."""
    return [
        model
        for name in ("layout", "style")
        if isinstance(model := getattr(widget, name, None), widgets.Widget)
    ]
