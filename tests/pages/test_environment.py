"""The templates: every value is escaped, and only the output of a template is HTML."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

import mailframe as mf
from mailframe.pages.environment import Html, css, environment, render
from tests.composing import cells, compose, frame
from tests.review.preview.reading import HOSTILE, Page

EVIL = "<script>alert(1)</script>"
MARKUP = Markup(EVIL)  # noqa: S704 - a cell may be one


class Pretender:
    """A cell that calls itself HTML."""

    def __html__(self) -> str:
        """As markupsafe asks for it."""
        return EVIL

    def __str__(self) -> str:
        """As Python asks for it."""
        return MARKUP


def printed(template: str, **values: object) -> str:
    """What a template text prints."""
    return environment().from_string(template).render(values)


@pytest.mark.parametrize("value", [EVIL, MARKUP, Pretender()], ids=["str", "Markup", "html"])
@pytest.mark.parametrize(
    "template",
    [
        "{{ value }}",
        "{{ [value] | first }}",
        "{{ [value, value] | join }}",
        "{{ value ~ value }}",
        "{{ value | safe }}",
        "{% for one in [value] %}{{ one }}{% endfor %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(value) }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ value }}{% endcall %}",
        "{% set x = value %}{{ x }}",
        "{% set x %}{{ value }}{% endset %}{{ x }}",
        '<p title="{{ value }}">',
    ],
)
def test_no_value_is_printed_as_html(template, value):
    """Of any class, and through any construct of a template."""
    assert "script" not in {name for name, _ in Page(printed(template, value=value)).elements}
    assert "&lt;script&gt;" in printed(template, value=value).replace("&amp;", "&")


def test_the_output_of_a_template_is_html():
    """In another template it is printed as it is; so is what a macro returns."""
    inner = render("text_tile", text=EVIL)
    assert isinstance(inner, Html)
    assert printed("{{ inner }}", inner=inner) == inner
    assert printed("{% macro m() %}<b>{% endmacro %}{{ m() }}") == "<b>"


def test_html_and_text_make_text_that_is_escaped():
    """Also where Python code joins them by mistake."""
    inner = render("text_tile", text="a")
    assert EVIL not in inner + EVIL
    assert "&lt;pre" in printed("{{ text }}", text=f"{inner}{EVIL}")


@pytest.mark.parametrize("text", HOSTILE)
def test_control_and_bidi_characters_are_written_out(text):
    """In text and in attributes; a template does not have to ask for it."""
    shown = printed('<p title="{{ text }}">{{ text }}', text=text)
    assert not set(shown) & set("\x1b\u202e")


def test_a_value_that_is_not_given_is_an_error():
    """A misspelled name never becomes an empty text."""
    with pytest.raises(UndefinedError):
        render("text_tile")
    with pytest.raises(UndefinedError):
        printed("{{ mail.subjet }}", mail=mf.Letter)


def test_a_style_sheet_cannot_end_its_element():
    """It is printed without escapes."""
    names = [
        path.name.removesuffix(".css")
        for path in files("mailframe.pages").iterdir()
        if path.name.endswith(".css")
    ]
    assert names
    for name in names:
        assert "<" not in css(name)
        assert css(name).count("{") == css(name).count("}") > 0


@pytest.mark.parametrize("kind", [Markup, str])
def test_markup_in_a_cell_is_text_on_every_page(kind, tmp_path):
    """A DataFrame may contain objects of any class, in cells, labels and column names."""
    evil = kind(EVIL)
    df = frame(x=cells(evil, kind(f"{EVIL}2")), **{evil: cells("a", "b")}).set_axis([evil, "b"])
    made = compose(
        df, subject="{{ x }}", html_body="<p>{{ x }}</p>", text_body="{{ x }}", name=str(evil)
    )
    pages = [
        made._repr_html_(),
        made.preview(static=True)._repr_html_(),
        made.gallery()._repr_html_(),
        made.tour(progress=False)._repr_html_(),
        made.plan()._repr_html_(),
        made.problems()._repr_html_(),
        made.diff(evil, "b")._repr_html_(),
        made.preview(static=True).save(tmp_path / "page.html").read_text(encoding="utf-8"),
    ]
    for page in pages:
        assert "script" not in {name for name, _ in Page(page).elements}


def test_importing_mailframe_compiles_no_template():
    """A send from a script never needs one."""
    script = (
        "import jinja2.environment as j; compile = j.Environment.compile\n"
        "def refuse(*a, **k): raise AssertionError('compiled')\n"
        "j.Environment.compile = refuse\n"
        "import mailframe, mailframe.sandbox, mailframe.review.preview.widget\n"
        "j.Environment.compile = compile\n"
        "from mailframe.pages.environment import environment\n"
        "assert environment.cache_info().currsize == 0\n"
        "environment().get_template('card.html.jinja')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_template_compiles():
    """Also those that are seldom used."""
    names = environment().list_templates()
    assert len(names) > 20
    for name in names:
        environment().get_template(name)
