"""The marks that stand for parts of a template: each is safe, and none is sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import LetterError
from mailframe.letter.jinja import source_positions
from mailframe.letter.jinja import template_marks as marks
from mailframe.letter.lint.template_links import static_content_ids, written_links
from tests.composing import text_of

LETTER_ROOM = Path(mf.__file__).parent / "letter"
MARKS = (
    marks.PLACEHOLDER_START,
    marks.PLACEHOLDER_END,
    marks.VALUE,
    marks.STATEMENT,
)
HREF = '<p><a href="https://acme.example/{}">x</a></p>'


def test_every_mark_is_in_one_module():
    """No other module of the letter has one, escaped or not, except in classes of characters."""
    escaped = re.compile(r"\\ufd[de]|\\ue\w{3}|\\U00(?:0f|10)|(?<![-\w])\\x1[ef]", re.IGNORECASE)
    for path in LETTER_ROOM.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path.name == "template_marks.py" or not escaped.search(text), path.name
        assert not any(mark in text for mark in MARKS), path.name


@pytest.mark.parametrize("mark", [marks.PLACEHOLDER_START, marks.PLACEHOLDER_END])
def test_a_template_with_a_mark_of_a_placeholder_is_refused(mark):
    """Otherwise it would be sent as braces."""
    with pytest.raises(LetterError, match="noncharacter"):
        marks.hide_placeholders(f"a{mark}b")


@given(st.text(st.characters(exclude_characters=MARKS)))
def test_hidden_placeholders_are_shown_again(text):
    """Any text is the same after both steps."""
    source = f"{text}{{{{{{ pm:unsubscribe }}}}}}{text}"
    assert marks.show_placeholders(marks.hide_placeholders(source)) == source


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_in_a_cell_is_data(mark):
    """Only templates are marked."""
    assert text_of("{{ v }}", v=f"a{mark}b") == f"a{mark}b"


@pytest.mark.parametrize("mark", [marks.VALUE, marks.STATEMENT])
def test_a_template_with_a_mark_of_the_linter_is_checked_for_each_row(mark):
    """A mark in an inline image counts as a value, so that the bodies are not skipped."""
    assert static_content_ids([HREF.format("a")]) == {}
    assert static_content_ids([f'<img src="cid:a{mark}b">']) is None
    assert written_links({"html_body": HREF.format(mark)}).details == ()


def test_a_comment_is_a_value_of_the_tree_and_not_a_mark():
    """Its text can be any text, also that of a mark."""
    [output] = source_positions.parsed(f"a{{# {marks.VALUE}\ufdd3 #}}").body
    assert output.nodes[1].value == source_positions.Comment(f" {marks.VALUE}\ufdd3 ")
