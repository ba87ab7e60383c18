"""The estimated height of a mail."""

from __future__ import annotations

import pytest

from mailframe.pages.mail_height import USUAL_PX, mail_height, text_height

ROW = "<tr><td style='padding:10px'>Name</td><td style='padding:10px'>Value</td></tr>"


def height(html: str, width_px: int = 640) -> int:
    """The height in a window of that width."""
    return mail_height(html, width_px=width_px)


def test_text_is_higher_in_a_narrow_window():
    """And a heading is higher than a paragraph."""
    text = f"<p>{'words ' * 100}</p>"
    assert height(text, 390) > 1.5 * height(text)
    assert height("<h1>Hello</h1>") > height("<p>Hello</p>")


def test_cells_of_a_row_are_beside_each_other():
    """Ten rows of two cells are lower than twenty paragraphs with the same padding."""
    table = f"<table>{ROW * 10}</table>"
    blocks = "<div style='padding:10px'>Name</div>" * 20
    assert height(table) == height("<div style='padding:10px'>Name</div>" * 10)
    assert height(table) < 0.6 * height(blocks)


@pytest.mark.parametrize(
    ("html", "pixels"),
    [
        ("<div style='height:400px'></div>", 400),
        ("<td height=400>", 0),
        ("<table><tr><td height='400'>a</td></tr></table>", 400),
        ("<img src='cid:a' width='300' height='150'>", 150),
        ("<img src='cid:a' width='1280' height='400'>", 200),
        ("<div style='padding:100px 0 50px'></div>", 150),
        ("<div style='padding:100px 0; padding-bottom: 20px'></div>", 120),
        ("<div style='margin-top:30px'></div>", 30),
        ("<div style='display:none'>a<p>b</p></div>", 0),
        ("<style>p{}</style><!-- a --><title>a</title>", 0),
        ("", 0),
    ],
)
def test_a_size_in_the_html_counts(html, pixels):
    """Of a block, a cell, an image and a padding; what is hidden has none."""
    assert height(html) == pixels + 16


@pytest.mark.parametrize("html", ["<b>" * 5_000 + "<p>" * 5_000, "<" * 200_000])
def test_html_that_cannot_be_read_has_the_usual_height(html):
    """It is not shown either."""
    assert height(html) == USUAL_PX


@pytest.mark.parametrize("tag", ["div", "span", "table><tr><td"])
def test_deep_html_has_a_height(tag):
    """Deeper than Python calls functions in functions."""
    assert height(f"<{tag}>" * 3_000 + "a") > 0


def test_a_text_is_as_high_as_its_lines():
    """A long line takes several."""
    one, ten = text_height("a", width_px=640), text_height("a\n" * 9 + "a", width_px=640)
    assert ten - 16 == pytest.approx(10 * (one - 16), abs=5)
    assert text_height("a" * 1_000, width_px=640) > text_height("a\n" * 4, width_px=640)
