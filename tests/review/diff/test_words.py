"""The word difference: it is exact, readable, and takes a bounded time."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailframe.review.diff.words import MAX_TOKENS, Segment, word_difference

texts = st.text(max_size=40) | st.text(alphabet="ab<>/ \n.'=\té", max_size=60)


def changes(old: str, new: str, *, html: bool = False) -> list[tuple[str, str]]:
    """The old and new texts of the changed segments."""
    return [
        (part.old, part.new) for part in word_difference(old, new, html=html) if part.kind != "same"
    ]


@given(texts, texts, st.booleans())
@example("<a\n b>x", "<a\n c>x", True)
@example("a\r\nb", "a\nb", False)
@example("\ud800", "\udfff", False)
def test_joining_the_segments_gives_both_texts_back(old, new, html):
    """For any texts, no character is lost or added."""
    segments = word_difference(old, new, html=html)
    assert "".join(part.old for part in segments) == old
    assert "".join(part.new for part in segments) == new


@given(texts, texts, st.booleans())
def test_the_kind_of_a_segment_agrees_with_its_texts(old, new, html):
    """No segment is empty."""
    for kind, before, after in word_difference(old, new, html=html):
        assert before or after
        expected = (
            "same"
            if before == after
            else "inserted"
            if not before
            else "replaced"
            if after
            else "deleted"
        )
        assert kind == expected


@given(texts, texts, st.booleans())
def test_only_equal_texts_have_no_changes(old, new, html):
    """And equal texts have none."""
    assert (old == new) == (not changes(old, new, html=html))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Hi Ann", "Hello Ann", [("Hi", "Hello")]),
        ("Ann, hi", "Hello Ann", [("", "Hello "), (", hi", "")]),
        ("a big red car", "a small blue car", [("big red", "small blue")]),
        ("due 1,230.50 now", "due 1,290.50 now", [("1,230.50", "1,290.50")]),
        (
            "mail p1@example.com now",
            "mail p2@example.com now",
            [("p1@example.com", "p2@example.com")],
        ),
        ("one two", "one two three", [("", " three")]),
        ("one\ntwo", "one two", [("\n", " ")]),
        ("don't", "don\u2019t", [("don't", "don\u2019t")]),
    ],
)
def test_words_are_compared_as_a_whole(old, new, expected):
    """A number, an address and a contraction are one word; changes include blanks between words."""
    assert changes(old, new) == expected


def test_a_tag_is_one_word_and_changed_attributes_are_compared():
    """A new address in a link changes the address; another tag changes the tag."""
    assert changes('<a href="/x?utm=a">go</a>', '<a href="/x?utm=b">go</a>', html=True) == [
        ("a", "b")
    ]
    assert changes("<b>go</b>", "<i>go</i>", html=True) == [("<b>", "<i>"), ("</b>", "</i>")]


def test_text_between_two_distant_edits_is_unchanged():
    """A greeting and a footer were changed, with ten thousand lines between them."""
    body = "".join(f"line {n} of many\n" for n in range(10_000))
    assert changes(f"Hi\n{body}Bye", f"Hello\n{body}Farewell") == [
        ("Hi", "Hello"),
        ("Bye", "Farewell"),
    ]


def test_an_inserted_line_is_the_only_change():
    """The other lines have the same words many times."""
    lines = [f"the {n} and the {n}, and the end\n" for n in range(200)]
    with_one = [*lines[:100], "news\n", *lines[100:]]
    assert changes("".join(lines), "".join(with_one)) == [("", "news\n")]


_SHUFFLED = [f"w{n}" for n in range(20_000)]
random.Random(7).shuffle(_SHUFFLED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 50_000, "b a " * 50_000),
        ("a b " * 500, "b a a " * 500),
        ("<" * 100_000, "<" * 99_999 + ">"),
        ("<a" + "b" * 100_000, "<a" + "c" * 100_000),
        ("<" + " " * 100_000, "<" + "\t" * 100_000),
        ("x." * 100_000 + "!", "x." * 100_000 + "?"),
        (" ".join(sorted(_SHUFFLED)), " ".join(_SHUFFLED)),
        ("\n" * 50_000 + "a", "b" + "\n" * 49_000),
        (
            "".join(f"<td>{n % 7}</td>\n" for n in range(5_000)),
            "".join(f"<td>{n % 5}</td>" for n in range(5_000)),
        ),
    ],
    ids=[
        "doubled",
        "interleaved",
        "brackets",
        "name",
        "blanks",
        "points",
        "shuffled",
        "lines",
        "cells",
    ],
)
def test_hostile_texts_end_soon(old, new):
    """Texts that would take difflib minutes are compared by position or replaced as a whole."""
    began = time.process_time()
    segments = word_difference(old, new, html=True)
    assert time.process_time() - began < 20
    assert "".join(part.new for part in segments) == new


def test_an_inserted_line_of_html_is_the_only_change():
    """Its tags are those of the other lines."""
    lines = [f"<p>Line {n} of many.</p>\n" for n in range(200)]
    with_one = [*lines[:100], "<p>News!</p>\n", *lines[100:150], *lines[151:]]
    [inserted, deleted] = changes("".join(lines), "".join(with_one), html=True)
    assert inserted[0] == deleted[1] == ""
    assert "News!" in inserted[1]
    assert "Line 150 of many." in deleted[0]


def test_long_texts_with_equally_many_lines_are_compared_by_position():
    """All lines differ, and there are too many for difflib."""
    old, new = ("".join(f"{word} {n}\n" for n in range(5_000)) for word in ("old", "new"))
    assert changes(old, new)[:2] == [("old", "new"), ("old", "new")]


@pytest.mark.parametrize("tokens", [MAX_TOKENS // 2 - 1, MAX_TOKENS // 2, MAX_TOKENS // 2 + 1])
def test_texts_around_the_limit_are_compared_exactly(tokens):
    """One token below, at and above the limit of difflib."""
    old, new = ("".join(f"{word}{n};" for n in range(tokens // 2)) for word in "xy")
    segments = word_difference(old, new)
    assert ("".join(part.old for part in segments), "".join(part.new for part in segments)) == (
        old,
        new,
    )


def test_the_kind_of_a_segment_is_that_of_its_texts():
    """Both texts determine it."""
    assert [Segment.of(*pair).kind for pair in [("a", "a"), ("a", ""), ("", "a"), ("a", "b")]] == [
        "same",
        "deleted",
        "inserted",
        "replaced",
    ]
