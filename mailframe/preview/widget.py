"""The preview as a widget: plain ipywidgets over ``page/``, no script of its own; one row is rendered at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from mailframe.page import card
from mailframe.page.isolation import HEIGHT_PX, PHONE_PX
from mailframe.page.style import STYLE, style
from mailframe.page.text import escaped, one_line
from mailframe.preview.fallback import plain_text, static_html
from mailframe.preview.look import Look
from mailframe.preview.pages import write
from mailframe.preview.report import report
from mailframe.preview.search import found
from mailframe.preview.walk import Among, Walk
from mailframe.tour import MAX_ROWS
from mailframe.tour import tour as toured

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mailframe.page.mail import Mail
    from mailframe.sender import Run
    from mailframe.tour import Tour

SLIDER_ROWS: Final = 2_000
"""Beyond, one pixel of a slider is several rows."""


class Preview(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One row at a time, with all that a person asks before sending.

    Args:
        run: the campaign.
        chosen: the rows that it opens on.
        tour: what is saved for a colleague.
        mask: show shapes in place of values.
        keep_masked: whether what a saved notebook keeps of the rows is masked; None keeps nothing.
        title: of the campaign.
        is_small: check all rows at once; else when it is asked for.
    """

    def __init__(
        self,
        run: Run,
        *,
        chosen: Mapping[int, str],
        tour: Tour,
        mask: bool,
        keep_masked: bool | None,
        title: str,
        is_small: bool,
    ) -> None:
        self._run, self._tour, self._mask, self._keep_masked, self._title = run, tour, mask, keep_masked, title
        self._look = Look(run, mask=mask)
        self._reasons = dict(chosen)
        self._walk = Walk(len(run.frame), tour=tuple(chosen))
        self._drawing = False
        self._anyway: int | None = None
        self._make_controls()
        self._make_surface()
        if is_small:
            self._check(show=False)
        super().__init__([self._style, self._toolbar, self._slider, self._where, self._body, self._foot])
        self.add_class("mf-preview")
        self.layout.width = "100%"
        self._listen()
        self._draw()

    # --- what there is ------------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        self._previous = _button("Previous", "The row before, of those that are stepped through")
        self._next = _button("Next", "The row after")
        last = max(len(self._run.frame) - 1, 0)
        self._number = widgets.BoundedIntText(
            value=0,
            min=0,
            max=last,
            description="Row",
            tooltip=f"A row by its position, 0 to {last:,}",
            layout=_layout(width="130px"),
        )
        self._number.style.description_width = "32px"
        self._among = _choice([("All", Among.ALL)], "Which rows Previous and Next step through")
        self._next_problem = _button("Next problem", "The next row with an error or a warning")
        self._search = widgets.Text(
            placeholder="Search all columns", continuous_update=False, layout=_layout(width="190px")
        )
        self._view = _choice(["HTML", "Text", "JSON", "Data"], "What of the message is shown")
        self._width = _choice(["Desktop", "Phone"], f"The width of a screen, or of a phone ({PHONE_PX} px)")
        self._scheme = _choice([("Light", "light"), ("Dark", "dark")], "As a reader with such a screen sees it")
        most = min(len(self._run.frame), MAX_ROWS)
        named = "all" if most == len(self._run.frame) else f"{most:,}"
        self._all_rows = _button(f"Tour of {named} rows", "So far a small sample was looked at for the tour")
        self._slider = widgets.IntSlider(min=0, max=1, readout=False, layout=_layout(width="99%"))
        self._toolbar = widgets.HBox(
            [
                *(self._previous, self._next, self._number, self._among, self._next_problem, self._search),
                *(self._view, self._width, self._scheme, self._all_rows),
            ],
            layout=_layout(flex_flow="row wrap", align_items="center"),
        )
        self._toolbar.add_class("mf-toolbar")
        self._style = widgets.HTML(f"{STYLE}{style('widget')}", layout=_layout(display="none"))

    def _make_surface(self) -> None:
        self._where = widgets.HTML()
        self._head, self._notes, self._main = widgets.HTML(), widgets.HTML(), widgets.HTML()
        left = widgets.VBox([self._head, self._main], layout=_layout(flex="1 1 660px", min_width="0"))
        left.add_class("mf-left")
        self._side = widgets.VBox([self._notes], layout=_layout(flex="1 1 170px", min_width="170px"))
        self._body = widgets.HBox([left, self._side], layout=_layout(flex_flow="row wrap", align_items="stretch"))
        self._images = widgets.Checkbox(
            value=False, description="Load remote images", indent=False, layout=_layout(width="auto")
        )
        self._large = _button("Show it all the same", "A page this large may be slow")
        note = widgets.HTML(f'<span class="mf-part mf-quiet">{_IMAGES}</span>', layout=_layout(flex="1 1 420px"))
        self._foot = widgets.HBox([self._images, note, self._large], layout=_layout(flex_flow="row wrap"))
        self._foot.add_class("mf-foot")

    def _listen(self) -> None:
        self._previous.on_click(lambda _: self._go(lambda: self._walk.step(-1)))
        self._next.on_click(lambda _: self._go(lambda: self._walk.step(1)))
        self._next_problem.on_click(lambda _: self._to_next_problem())
        self._all_rows.on_click(lambda _: self._tour_all_rows())
        self._large.on_click(lambda _: self._show_anyway())
        for control, react in (
            (self._number, lambda value: self._go(lambda: self._walk.go(value))),
            (self._slider, self._slide),
            (self._among, self._choose),
            (self._search, self._find),
            (self._view, lambda _: self._draw()),
            (self._width, lambda _: self._draw()),
            (self._scheme, lambda _: self._draw()),
            (self._images, lambda _: self._draw()),
        ):
            control.observe(self._guarded(react), names="value")

    def _guarded(self, react: Callable[[Any], object]) -> Callable[[Any], None]:
        """Reacts to a person only, not to what drawing itself sets."""

        def changed(change: Any) -> None:
            if not self._drawing:
                react(change["new"])

        return changed

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

    def _find(self, text: str) -> None:
        hits = found(self._run.frame, text)
        self._walk.sets[Among.FOUND] = hits
        if hits:
            self._go(lambda: self._walk.choose(Among.FOUND))
        else:
            self._go(lambda: self._walk.choose(Among.ALL))

    def _to_next_problem(self) -> None:
        self._check()
        self._go(lambda: self._walk.after(self._walk.sets[Among.PROBLEMS]))

    def _check(self, *, show: bool = True) -> None:
        """Look at every row, once; what it finds is kept with the campaign."""
        found = self._run.inspected(self._watch("Checking") if show else None)
        self._walk.sets[Among.PROBLEMS] = found.rows_with_problems()

    def _tour_all_rows(self) -> None:
        self._tour = toured(self._run.bound, self._run.frame.index, progress=False, watch=self._watch("Looking at"))
        self._reasons = {stop.position: stop.reason for stop in self._tour}
        self._go(lambda: self._walk.choose(Among.TOUR, self._tour.positions))

    def _watch(self, doing: str) -> Callable[[int], None]:
        """Says how far it is, at each hundredth of the way."""
        rows = len(self._run.frame)
        step = max(rows // 100, 1)

        def watch(position: int) -> None:
            if position % step == 0:
                self._where.value = _said(f"{doing} all rows: {position:,} of {rows:,} …")

        return watch

    def _show_anyway(self) -> None:
        self._anyway = self._walk.position
        self._draw()

    # --- what is shown ------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._drawing = True
        try:
            with self._toolbar.hold_sync():
                self._draw_controls()
            self._draw_row()
        finally:
            self._drawing = False

    def _draw_controls(self) -> None:
        walk, members = self._walk, self._walk.members
        self._number.value = max(walk.position, 0)
        self._among.options = [(f"{_NAMES[a]} {self._count(a)}", a) for a in Among if self._is_offered(a)]
        self._among.value = walk.among
        self._previous.disabled = not members or (walk.place == 0 and walk.is_in)
        self._next.disabled = not members or walk.place >= len(members) - 1
        self._next_problem.disabled = walk.sets.get(Among.PROBLEMS) == []
        known = self._tour.looked_at >= min(len(self._run.frame), MAX_ROWS)
        self._all_rows.layout.display = "none" if known else ""
        self._slider.layout.visibility = "visible" if 2 < len(members) <= SLIDER_ROWS else "hidden"  # noqa: PLR2004
        self._slider.max = max(min(len(members), SLIDER_ROWS) - 1, 1)
        self._slider.value = min(walk.place, self._slider.max)

    def _is_offered(self, among: Among) -> bool:
        if among is Among.FOUND:
            return bool(self._walk.sets.get(Among.FOUND))
        return among in (Among.ALL, Among.PROBLEMS) or bool(self._walk.sets[among])

    def _count(self, among: Among) -> str:
        members = self._walk.sets.get(among)
        return "" if members is None else f"({len(members):,})"

    def _draw_row(self) -> None:
        if not len(self._run.frame):
            self._where.value = _said("The frame has no rows.")
            return
        mail = self._look.mail(self._walk.position, with_cells=self._view.value == "Data")
        self._where.value = self._whereabouts(mail)
        self._head.value = f'<div class="mf-part mf-top">{card.head(mail)}</div>'
        self._notes.value = _beside(mail)
        self._main.value = self._shown(mail)

    def _whereabouts(self, mail: Mail) -> str:
        walk = self._walk
        if walk.is_in:
            where = f"{walk.place + 1:,} of {len(walk.members):,} {_WHERE[walk.among]}"
        else:
            where = f"none of the {len(walk.members):,} {_WHERE[walk.among]}"
        reason = self._reasons.get(walk.position, "")
        searched = self._search.value.strip()
        nothing = (
            f" · nothing found for “{one_line(searched, most=40)}”"
            if searched and not walk.sets.get(Among.FOUND)
            else ""
        )
        said = f"{where} · <b>{escaped(mail.label)}</b>{f' · {escaped(reason)}' if reason else ''}{escaped(nothing)}"
        return f'<div class="mf-part mf-where" aria-live="polite">{said}</div>'

    def _shown(self, mail: Mail) -> str:
        view = self._view.value
        is_large = view == "HTML" and mail.html is not None and len(mail.html) > card.LARGE_HTML
        held = is_large and self._anyway != self._walk.position
        self._large.layout.display = "" if held else "none"
        if held:
            return _boxed(f"This HTML has {len(mail.html or ''):,} characters; a notebook may be slow to show it.")
        if view == "HTML":
            width = PHONE_PX if self._width.value == "Phone" else None
            body = card.body(mail, images=self._images.value, scheme=self._scheme.value, width_px=width)
            return f'<div class="mf-shown mf-{self._width.value.lower()}">{body}</div>'
        return _boxed(
            {"Text": card.text(mail), "JSON": f"<pre>{escaped(mail.payload)}</pre>"}.get(view) or card.cells(mail.cells)
        )

    # --- what is left behind ------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page of the tour for a colleague who approves, and return its path.

        It holds the counts and checks of all rows, the plan, the messages that matter, the branches that nobody
        takes, and the fingerprint for ``send(…, approved=…)``.
        """
        return write(path, report(self._run, self._tour, mask=self._mask))

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
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = repr(self)
        if self._keep_masked is not None:
            look = Look(self._run, mask=self._keep_masked)
            stops = list(self._reasons.items()) or [(0, "the first row")][: len(self._run.frame)]
            bundle["text/plain"] = plain_text(look, stops, title=repr(self))
            bundle["text/html"] = static_html(look, stops, title=self._title)
        return bundle


_NAMES: Final = {Among.TOUR: "Tour", Among.ALL: "All", Among.PROBLEMS: "Problems", Among.FOUND: "Found"}
_WHERE: Final = {
    Among.TOUR: "in the tour",
    Among.ALL: "rows",
    Among.PROBLEMS: "rows with problems",
    Among.FOUND: "rows found",
}
_IMAGES: Final = (
    "Remote images are off. Loading them tells the servers that hold them when somebody looked, and from where."
)
_NOTHING_WRONG: Final = '<div class="mf-quiet">None in this row.</div>'


def _beside(mail: Mail) -> str:
    """What is wrong with the row, and its files."""
    files = f"<h4>Attachments</h4>{card.files(mail.files)}" if mail.files else ""
    return f'<div class="mf-part mf-beside"><h4>Problems</h4>{card.notes(mail.notes) or _NOTHING_WRONG}{files}</div>'


def _models_of(widget: widgets.Widget) -> list[widgets.Widget]:
    """Its layout and style, which are models of their own."""
    return [model for name in ("layout", "style") if isinstance(model := getattr(widget, name, None), widgets.Widget)]


def _button(text: str, tooltip: str) -> widgets.Button:
    return widgets.Button(description=text, tooltip=tooltip, layout=_layout(width="auto"))


def _choice(options: list[Any], tooltip: str) -> widgets.ToggleButtons:
    made = widgets.ToggleButtons(options=options, tooltip=tooltip, layout=_layout(width="auto"))
    made.style.button_width = "auto"
    return made


def _layout(**values: str) -> widgets.Layout:
    return widgets.Layout(**values)


def _said(text: str) -> str:
    return f'<div class="mf-part mf-where">{escaped(text)}</div>'


def _boxed(inside: str) -> str:
    """A part as high as the frame, so that nothing jumps when another is shown."""
    style = f"height:{HEIGHT_PX}px;overflow:auto;resize:vertical;padding:12px 14px;box-sizing:border-box"
    return f'<div class="mf-part mf-box" style="{style}">{inside}</div>'
