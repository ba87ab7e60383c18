"""The word difference: joining gives both texts back, it ends soon, and it reads as a person would mark it."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailframe.review.diff.words import MAX_TOKENS, Segment, word_difference

texts = st.text(max_size=40) | st.text(alphabet="ab<>/ \n.'=\té", max_size=60)


def changes(old: str, new: str, *, html: bool = False) -> list[tuple[str, str]]:
    """What went and what came, without what stayed."""
    return [
        (part.old, part.new) for part in word_difference(old, new, html=html) if part.kind != "same"
    ]


@given(texts, texts, st.booleans())
@example("<a\n b>x", "<a\n c>x", True)
@example("a\r\nb", "a\nb", False)
@example("\ud800", "\udfff", False)
def test_joining_the_segments_gives_both_texts_back(old, new, html):
    """No letter is lost or added, whatever the texts hold."""
    segments = word_difference(old, new, html=html)
    assert "".join(part.old for part in segments) == old
    assert "".join(part.new for part in segments) == new


@given(texts, texts, st.booleans())
def test_a_kind_says_what_became_of_its_segment(old, new, html):
    """Same is the same, deleted has nothing new, inserted nothing old, and no segment is empty."""
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
def test_only_equal_texts_have_no_change(old, new, html):
    """A change is never overlooked, and none is made up."""
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
def test_words_are_whole(old, new, expected):
    """A number, an address and a contraction are one word; blanks between changed words belong to the change."""
    assert changes(old, new) == expected


def test_a_tag_is_one_word_and_only_its_changed_part_counts():
    """A new address in a link marks the address, and another tag marks the tag."""
    assert changes('<a href="/x?utm=a">go</a>', '<a href="/x?utm=b">go</a>', html=True) == [
        ("a", "b")
    ]
    assert changes("<b>go</b>", "<i>go</i>", html=True) == [("<b>", "<i>"), ("</b>", "</i>")]


def test_two_far_edits_leave_the_text_between_them_alone():
    """A greeting and a footer changed; ten thousand lines between them did not."""
    body = "".join(f"line {n} of many\n" for n in range(10_000))
    assert changes(f"Hi\n{body}Bye", f"Hello\n{body}Farewell") == [
        ("Hi", "Hello"),
        ("Bye", "Farewell"),
    ]


def test_a_line_that_came_marks_that_line_alone():
    """The lines around it are long and have the same words again and again."""
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
        ("x." * 100_000 + "!", "x." * 100_000 + "?"),
        (" ".join(sorted(_SHUFFLED)), " ".join(_SHUFFLED)),
        ("\n" * 50_000 + "a", "b" + "\n" * 49_000),
        (
            "".join(f"<td>{n % 7}</td>\n" for n in range(5_000)),
            "".join(f"<td>{n % 5}</td>" for n in range(5_000)),
        ),
    ],
    ids=["doubled", "interleaved", "brackets", "points", "shuffled", "lines", "cells"],
)
def test_hostile_texts_end_soon(old, new):
    """What would keep difflib busy for minutes is split or replaced as a whole; the limit is twenty times the need."""
    began = time.process_time()
    segments = word_difference(old, new, html=True)
    assert time.process_time() - began < 20
    assert "".join(part.new for part in segments) == new


@pytest.mark.parametrize("tokens", [MAX_TOKENS // 2 - 1, MAX_TOKENS // 2, MAX_TOKENS // 2 + 1])
def test_the_cap_changes_no_law(tokens):
    """One token below, at and above the size from which on a middle is split."""
    old, new = ("".join(f"{word}{n};" for n in range(tokens // 2)) for word in "xy")
    segments = word_difference(old, new)
    assert ("".join(part.old for part in segments), "".join(part.new for part in segments)) == (
        old,
        new,
    )


def test_a_segment_knows_its_kind():
    """From its two texts alone."""
    assert [Segment.of(*pair).kind for pair in [("a", "a"), ("a", ""), ("", "a"), ("a", "b")]] == [
        "same",
        "deleted",
        "inserted",
        "replaced",
    ]
