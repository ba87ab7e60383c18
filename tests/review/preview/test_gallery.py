"""The contact sheet: which messages, in which order, and what remains without frames."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import mailframe as mf
from tests.composing import cells, compose, frame
from tests.review.preview.reading import HOSTILE, Page, is_harmless, mail_of


def numbered(rows: int, **fields) -> mf.Campaign:
    """Each mail contains its number."""
    fields = {"subject": "Number {{ n }}", "html_body": "<p>mail {{ n }}</p>", **fields}
    return compose(frame(rows, n=range(rows)), **fields)


def tiles(page) -> list[tuple[str, str]]:
    """The caption and the document of each tile."""
    documents = [mail_of(frame) for frame in Page(page.html).all("iframe")]
    captions = re.findall(r"<figure.*?</figcaption>", page.html, flags=re.DOTALL)
    return list(zip(captions, documents, strict=True))


def numbers(page) -> list[int]:
    """The numbers of the mails that are shown."""
    return [int(re.search(r"<p>mail (\d+)</p>", document)[1]) for _, document in tiles(page)]


@pytest.mark.parametrize(
    ("rows", "n", "shown"), [(5, 12, 5), (12, 12, 12), (13, 12, 12), (100, 1, 1), (100, 7, 7)]
)
def test_there_are_as_many_as_asked_for_or_as_there_are(rows, n, shown):
    """Each row once."""
    shown_numbers = numbers(numbered(rows).gallery(n=n))
    assert len(shown_numbers) == len(set(shown_numbers)) == shown


@pytest.mark.parametrize("n", [59, 60, 61, 1_000])
def test_sixty_are_the_most(n):
    """More would need a gigabyte in a browser."""
    assert len(numbers(numbered(200).gallery(n=n))) == min(n, 60)


@pytest.mark.parametrize("n", [0, -1, -12])
def test_a_gallery_of_no_message_is_refused(n):
    """A negative number does not count from the end."""
    with pytest.raises(mf.errors.MailframeError, match=f"n={n} messages; write 1 to 60"):
        numbered(5).gallery(n=n)


def test_the_tour_comes_first_and_then_rows_from_the_whole_frame():
    """The last row is among them."""
    made = numbered(1_000, text_body="{% if n == 77 %}Special{% else %}Usual{% endif %}")
    tour = made.tour(progress=False).positions
    shown_numbers = numbers(made.gallery(n=8))
    assert tuple(shown_numbers[: len(tour)]) == tour[:8]
    assert 77 in shown_numbers
    rest = shown_numbers[len(tour) :]
    assert rest == sorted(rest)


def test_rows_that_are_named_are_shown_in_that_order_and_no_others():
    """Labels, not positions."""
    made = compose(frame(4, n=range(4)).set_axis(list("abcd")), html_body="<p>mail {{ n }}</p>")
    assert numbers(made.gallery(["c", "a"])) == [2, 0]
    assert numbers(made.gallery(pd.Series([False, True, False, True], index=list("abcd")))) == [
        1,
        3,
    ]
    assert numbers(made.gallery(["d", "c", "b"], n=2)) == [3, 2]


def test_no_row_makes_a_page_that_says_what_it_is():
    """An empty selection is no error."""
    page = numbered(3).gallery([])
    assert "3 rows" in page.html
    assert page.text == "a campaign of 3 rows"
    assert is_harmless(page.html)
    assert compose(frame(1).iloc[:0]).gallery().text == "a campaign of 0 rows"


def test_a_row_that_is_blocked_is_marked_with_the_reason():
    """No other row is marked."""
    df = frame(x=cells("ok", None, "ok"))
    captions = [
        caption for caption, _ in tiles(compose(df, subject="{{ x }}", html_body="<p>").gallery())
    ]
    marked = {
        ("mf-is-blocked" in caption, "blocked: missing value" in caption) for caption in captions
    }
    assert marked == {(True, True), (False, False)}


def test_a_mail_without_html_shows_its_text_escaped():
    """Its line breaks too."""
    [(_, document)] = tiles(compose(frame(), text_body="<b>one\ntwo").gallery())
    assert "&lt;b&gt;one\ntwo" in document


def test_captions_remain_without_frames_and_in_a_terminal():
    """In a notebook that is not trusted, too."""
    page = numbered(3).gallery()
    left = Page(re.sub(r"<iframe.*?</iframe>", "", page.html, flags=re.DOTALL)).text
    assert all(f"Number {n}" in left and f"row {n}" in left for n in range(3))
    assert [line.strip() for line in repr(page).splitlines()[1:]] == [
        f"row {n}: Number {n}" for n in numbers(page)
    ]


def test_each_reason_is_a_chip():
    """As many as the tour gives; a semicolon in one does not make two of it."""
    made = numbered(3, text_body="{% if n == 2 or email == 'a; b' %}A{% endif %}")
    stop = next(stop for stop in made.tour(progress=False) if stop.position == 2)
    caption = next(caption for caption, _ in tiles(made.gallery()) if "Number 2" in caption)
    assert len(stop.reasons) == 2
    assert caption.count("mf-chip") == 1 + len(stop.reasons)


def heights(page) -> list[int]:
    """The height of each thumbnail in pixels."""
    return [
        int(re.search(r"height:(\d+)px", frame["style"] or "")[1])
        for frame in Page(page.html).all("iframe")
    ]


def test_a_thumbnail_is_as_high_as_its_mail_within_bounds():
    """A short mail, a usual one, one of a hundred paragraphs, and a long text."""
    df = frame(rows=3, n=[1, 15, 100])
    made = compose(df, html_body="{% for _ in range(n) %}<p>Some words</p>{% endfor %}")
    low, middle, high = heights(made.gallery([0, 1, 2]))
    assert low == 120
    assert low < middle < high == 360
    text = compose(df, text_body="{% for _ in range(n) %}Some words\n{% endfor %}")
    assert heights(text.gallery([0, 2])) == [120, 360]


def test_no_frame_of_a_gallery_stops_the_tab_key():
    """Twelve thumbnails are no twelve stops."""
    frames = Page(numbered(3).gallery().html).all("iframe")
    assert [frame["tabindex"] for frame in frames] == ["-1"] * 3


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text):
    """Outside the frame and in its captions."""
    df = frame(x=cells(text)).set_axis([text])
    page = compose(df, subject="{{ x }}", html_body="{{ x }}", text_body="{{ x }}").gallery()
    assert is_harmless(page.html)
    assert len(Page(page.html).all("iframe")) == 1


def test_it_is_saved_as_a_page_of_its_own(tmp_path):
    """With the same tiles."""
    page = numbered(3).gallery()
    path = page.save(tmp_path / "gallery.html")
    text = path.read_text(encoding="utf-8")
    assert is_harmless(text)
    assert page.html in text
    assert "<title>a campaign of 3 rows</title>" in text
