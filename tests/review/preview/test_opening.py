"""How a preview is opened: as told, as MAILFRAME_PREVIEW says, and as fits the place."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

import mailframe as mf
from mailframe.notebook import VARIABLE, is_static
from mailframe.review.chosen_rows import SAMPLE_ROWS, WHOLE_ROWS, is_checked_at_once
from mailframe.review.preview.static_preview import StaticPreview
from mailframe.review.preview.widget import Preview
from tests.campaigns import campaign
from tests.composing import compose, frame
from tests.frames import ZOO
from tests.review.preview.reading import cells_of, is_harmless

REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ipywidgets":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import pandas as pd, mailframe as mf
people = pd.DataFrame({"n": [1]})
letter = {"to": "b@a.example", "subject": "Hi", "text_body": "{{ n }}"}
made = people.mail.compose(sender="a@a.example", **letter)
"""


def run(script: str, **variables: str) -> str:
    """What a new process prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("variable", "static_argument", "static"),
    [
        *[
            ("widget", None, False),
            ("static", None, True),
            ("auto", None, True),
            ("", None, True),
            (" ", None, True),
        ],
        *[
            ("  WIDGET ", None, False),
            ("Static", None, True),
            ("static", False, False),
            ("widget", True, True),
        ],
        *[("nonsense", True, True), ("nonsense", False, False)],
    ],
)
def test_the_wish_goes_before_the_variable_and_the_variable_before_the_place(
    monkeypatch, variable, static_argument, static
):
    """There is no notebook here, so auto is static."""
    monkeypatch.setenv(VARIABLE, variable)
    assert is_static(static_argument) is static
    made = campaign(2).preview(static=static_argument)
    assert isinstance(made, StaticPreview if static else Preview)
    made.close()


def test_another_word_is_refused(monkeypatch):
    """The error names the valid ones."""
    monkeypatch.setenv(VARIABLE, "html")
    with pytest.raises(mf.errors.MailframeError, match="'html' is none of widget, static, auto"):
        campaign(1).preview()


def test_without_ipywidgets_there_is_a_static_page():
    """With static=False the error names the package to install."""
    script = """
shown = made.preview()
print(type(shown).__name__, len(shown._repr_html_()) > 500, bool(made.gallery().html))
try:
    made.preview(static=False)
except mf.errors.MissingExtra as error:
    print(error)
"""
    output = run(REFUSE + script)
    assert output.startswith("StaticPreview True True")
    assert "mailframe[notebook]" in output


def test_the_variable_asks_for_a_widget_where_there_is_none():
    """As static=False does."""
    script = (
        "\ntry:\n    made.preview()\nexcept mf.errors.MissingExtra as error:\n    print(error)\n"
    )
    assert "mailframe[notebook]" in run(REFUSE + script, MAILFRAME_PREVIEW="widget")


def test_importing_mailframe_imports_no_widgets():
    """Importing them takes half a second, and a script never shows a widget."""
    script = """
import sys, pandas as pd, mailframe as mf
people = pd.DataFrame({"n": [1]})
letter = {"to": "b@a.example", "subject": "Hi", "text_body": "{{ n }}"}
made = people.mail.compose(sender="a@a.example", **letter)
made._repr_html_(), made.preview()._repr_html_(), made.gallery().html
names = {name.partition(".")[0] for name in sys.modules}
print(sorted(names & {"ipywidgets", "IPython", "traitlets"}))
"""
    assert run(script) == "[]"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ZOO)
def test_the_repr_of_any_campaign_is_a_page_without_a_value_of_a_cell(name):
    """For each frame; texts of four characters or more, which no page contains by chance."""
    df = ZOO[name]()
    text = (
        "{% for name, cell in row.items() %}{% if cell is string %}{{ cell }}{% endif %}{% "
        "endfor %}"
    )
    fields = {"text_body": text} if df.columns.is_unique else {}
    made = compose(df, to="somebody@acme.example", **fields)
    shown = made._repr_html_()
    assert is_harmless(shown)
    cells = {
        cell
        for position in range(len(df))
        for cell in cells_of(df, position)
        if isinstance(cell, str)
    }
    own = " ".join(["row 0", *map(str, df.columns)])
    assert [cell for cell in cells if len(cell) >= 4 and cell in shown and cell not in own] == []
    static = made.preview(static=True)
    assert is_harmless(static._repr_html_())
    assert repr(static)


def test_a_static_preview_lists_what_was_chosen_and_shows_the_first():
    """With the reason of each; no more than 25 lines."""
    made = compose(frame(40, n=range(40)), text_body="mail {{ n }}", subject="Number {{ n }}")
    preview = made.preview(range(5, 35), static=True)
    shown = preview._repr_html_()
    assert "mail 5" in shown
    assert "and 5 more" in shown
    assert [f"Number {n}<" in shown for n in (5, 29, 30)] == [True, True, False]
    assert len(repr(preview).splitlines()) == 26
    short = made.preview([7], static=True)._repr_html_()
    assert "mail 7" in short
    assert "why it is shown" not in short


def test_no_row_is_said_to_be_none():
    """For a frame without rows, and for an empty selection."""
    assert "the frame has no rows" in campaign(0).preview(static=True)._repr_html_()
    assert "no rows selected" in campaign(3).preview([], static=True)._repr_html_()


def test_a_letter_that_is_the_same_for_all_shows_the_first_row(tmp_path):
    """It has no tour, but a page without messages could not be approved."""
    made = compose(frame(3), text_body="the same for all")
    assert made.tour(progress=False).positions == ()
    preview = made.preview(static=True)
    assert "the same for all" in preview._repr_html_()
    assert "the same for all" in preview.save(tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_masks_of_a_static_page():
    """It is what a reader sees, so values are shown unless mask=True."""
    made = campaign(3)
    for mask, masked in ((None, False), (False, False), (True, True)):
        preview = made.preview(static=True, mask=mask)
        assert ("p0@example.com" not in preview._repr_html_() + repr(preview)) == masked


@pytest.mark.parametrize("rows", [WHOLE_ROWS, WHOLE_ROWS + 1])
def test_a_large_frame_is_only_sampled_when_it_is_opened(rows):
    """By its number of rows alone. An earlier tour of all rows is used instead."""
    made = compose(frame(rows, n=range(rows)), text_body="{{ n }}")
    whole = rows <= WHOLE_ROWS
    assert made.preview(static=True).tour.looked_at == (rows if whole else SAMPLE_ROWS)
    kept = made.tour(progress=False)
    assert kept.looked_at == rows
    assert made.preview(static=True).tour is kept


@pytest.mark.parametrize(
    ("rows", "with_files", "with_pictures", "checked"),
    [
        (2_000, False, False, True),
        (2_001, False, False, False),
        (100, True, False, True),
        (101, True, False, False),
        (100, False, True, True),
        (101, False, True, False),
    ],
)
def test_a_small_frame_is_checked_when_it_is_opened(
    rows: int, with_files: bool, with_pictures: bool, checked: bool
):
    """A fixed rule: fewer rows if the letter reads a file or draws a picture for each of them."""
    df = frame(rows, n=range(rows))
    if with_pictures:
        df = df.assign(chart=mf.image(lambda _: None, alt=""))
    files = [mf.Attachment("{{ n }}.txt")] if with_files else ()
    body = "{{ chart }}" if with_pictures else "Hi"
    made = compose(df, html_body=body, attachments=files)
    assert is_checked_at_once(made._composed) is checked


def test_a_preview_opens_on_the_tour_that_it_is_given():
    """With its reasons."""
    made = compose(frame(9, n=range(9)), text_body="{% if n == 4 %}Four{% else %}Other{% endif %}")
    tour = made.tour(progress=False)
    assert [position for position, _ in made.preview(tour, static=True).stops] == list(
        tour.positions
    )
    assert all(reason for _, reason in made.preview(tour, static=True).stops)


def test_an_unknown_label_is_an_error_of_the_call():
    """For previews and galleries alike."""
    made = compose(frame(2).set_axis(["a", "b"]))
    for verb in (made.preview, made.gallery):
        with pytest.raises(mf.errors.FrameError, match="there is no row 'z'"):
            verb(["z"])
        with pytest.raises(mf.errors.FrameError, match="mask over another index"):
            verb(pd.Series([True, False]))


def test_a_tour_of_another_campaign_is_refused():
    """Its reasons do not hold here; its labels may be given."""
    df = frame(rows=3).assign(n=[0, 1, 1])
    one = compose(df, text_body="{% if n %}a{% endif %}")
    other = compose(df, text_body="Hi")
    tour = one.tour(progress=False)
    for ask in (
        other.preview,
        other.gallery,
        lambda rows: other.send_test(None, to="me@example.com", rows=rows),
    ):
        with pytest.raises(mf.errors.FrameError, match="another campaign"):
            ask(tour)
    assert "row 1" in repr(other.preview(tour.frame().index, static=True))
    assert "n is not 0 · 2 rows" in repr(
        compose(df, text_body="{% if n %}a{% endif %}").preview(tour, static=True)
    )


def test_a_letter_that_cannot_be_marked_opens_without_a_tour():
    """Tracing nests an expression deeper than Python compiles; the letter itself is valid."""
    deep = "{{ email" + " | trim" * 99 + " }}"
    shown = compose(frame(rows=3), text_body=deep).preview(static=True)
    assert "p0@acme.example" in shown._repr_html_()


def test_an_inline_image_is_found_whatever_its_capitals():
    """As mail clients and our own check read a content ID."""
    logo = mf.Attachment("logo.gif", b"GIF89a", content_type="image/gif", content_id="cid:Logo")
    made = compose(frame(), html_body='<img src="cid:LOGO">', attachments=[logo])
    assert "data:image/gif;base64" in made.preview(static=True)._repr_html_()
