"""Each kind of branch is taken by the rows that take it, and by no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailframe.message.binding import bind
from mailframe.review.tour import Branch
from tests.composing import cells, frame
from tests.review.tour.looking import bits_of_rows, folder, letter, look, one_row, taken, untaken

if TYPE_CHECKING:
    from pathlib import Path

GAP = float("nan")
IF = "{% if a == 1 %}one{% elif a == 2 %}two{% else %}more{% endif %}"
BARE_IF = "{% if a == 1 %}one{% endif %}"
LOOP = "{% for x in a %}{{ x }}{% endfor %}"
NONE, ONE, SEVERAL = (f"for x in a: {turns}" for turns in ("no turn", "one turn", "several turns"))
TREE = "{% for x in a recursive %}{{ x.n }}{{ loop(x.k) }}{% endfor %}"


def leaf(*children: Any) -> dict[str, Any]:
    """A node of a tree in a cell."""
    return {"n": 1, "k": list(children)}


@pytest.mark.parametrize(
    ("template", "cell", "arms"),
    [
        (IF, 1, {"if a == 1"}),
        (IF, 2, {"elif a == 2"}),
        (IF, 3, {"else of if a == 1"}),
        (BARE_IF, 1, {"if a == 1"}),
        (BARE_IF, 2, {"not if a == 1"}),
        ("{% if a == 1 %}{% elif a == 2 %}{% endif %}", 3, {"none of if a == 1, elif a == 2"}),
        ("{{ 'x' if a else 'y' }}", 1, {"'x' if a"}),
        ("{{ 'x' if a else 'y' }}", 0, {"'y' unless a"}),
        ("{{ 'x' if a }}", 1, {"'x' if a"}),
        ("{{ 'x' if a }}", 0, {"nothing unless a"}),
        (
            "{{ 'x' if a else 'y' if a is none else 'z' }}",
            0,
            {"'y' if a is none else 'z' unless a", "'z' unless a is none"},
        ),
    ],
)
def test_a_choice_has_an_arm_for_each_way(template: str, cell: Any, arms: set[str]):
    """Also where no else is written: none of them is a way of its own."""
    assert taken(template, a=cell) == arms


@pytest.mark.parametrize(
    ("template", "cell", "arms"),
    [
        (LOOP, [], {NONE}),
        (LOOP, [1], {ONE}),
        (LOOP, [1, 2], {SEVERAL}),
        (LOOP, [1, 2, 3], {SEVERAL}),
        (LOOP, "", {NONE}),
        (LOOP, "x", {ONE}),
        (LOOP.replace("{% endfor %}", "{% else %}-{% endfor %}"), [], {NONE}),
        (LOOP.replace("{% endfor %}", "{% else %}-{% endfor %}"), [1], {ONE}),
        (
            "{% for x in a %}{{ loop.length }}{{ loop.last }}{{ loop.nextitem }}{% endfor %}",
            [1],
            {ONE},
        ),
        ("{% for x in a %}{{ loop.length }}{{ loop.last }}{% endfor %}", [1, 2], {SEVERAL}),
    ],
)
def test_a_loop_has_no_turn_one_or_several(template: str, cell: Any, arms: set[str]):
    """Whether or not it has an else, and whatever it asks of ``loop``."""
    assert {text for text in taken(template, a=cell) if text.startswith("for")} == arms


@pytest.mark.parametrize(
    ("cell", "turns"),
    [([0, 0], "no turn"), ([0, 1, 0], "one turn"), ([1, 0, 2], "several turns"), ([], "no turn")],
)
def test_turns_are_counted_after_the_loops_own_filter(cell: list[int], turns: str):
    """What ``if`` in the loop's head leaves out is no turn."""
    assert taken("{% for x in a if x %}{{ x }}{% endfor %}", a=cell) == {
        f"for x in a if x: {turns}"
    }


@pytest.mark.parametrize(
    ("cell", "inner"),
    [
        ([[]], {"no turn"}),
        ([[1], [1]], {"one turn"}),
        ([[], [1], [1, 2]], {"no turn", "one turn", "several turns"}),
        ([[1], [1, 2], [1]], {"one turn", "several turns"}),
    ],
)
def test_each_run_of_an_inner_loop_counts_for_itself(cell: list[Any], inner: set[str]):
    """One turn in each of two runs is not two turns."""
    found = taken("{% for b in a %}{% for x in b %}{{ x }}{% endfor %}{% endfor %}", a=cell)
    assert {text for text in found if "for x" in text} == {
        f"for x in b: {turns}" for turns in inner
    }


@pytest.mark.parametrize(
    ("cell", "turns"),
    [
        ([], {"no turn"}),
        ([leaf()], {"one turn", "no turn"}),
        ([leaf(leaf())], {"one turn", "no turn"}),
        ([leaf(leaf(), leaf())], {"one turn", "several turns", "no turn"}),
        ([leaf(), leaf()], {"several turns", "no turn"}),
    ],
)
def test_each_call_of_a_recursive_loop_counts_for_itself(cell: list[Any], turns: set[str]):
    """Its children are a run of their own."""
    assert taken(TREE, a=cell) == {f"for x in a: {each}" for each in turns}


def test_a_loop_in_a_macro_counts_each_call():
    """Two calls with one turn each are no loop of two turns, even one within the other."""
    macro = "{% macro m(xs) %}{% for x in xs %}{{ x }}{% if x is iterable %}{{ m(x) }}{% endif %}{% endfor %}{% endmacro %}"
    found = taken(macro + "{{ m(a) }}{{ m(a) }}", a=[[[7]]])
    assert {text for text in found if text.startswith("for")} == {"for x in xs: one turn"}


@pytest.mark.parametrize(
    ("cell", "arms"), [([1, 0], {SEVERAL}), ([0, 1], {ONE}), ([0], {ONE}), ([1, 1], {SEVERAL})]
)
def test_a_loop_that_an_error_leaves_took_the_turns_that_had_begun(cell: list[int], arms: set[str]):
    """The turn in which it happened is one of them."""
    assert taken("{% for x in a %}{{ 1 // x }}{% endfor %}", a=cell) == arms


def test_an_error_in_one_part_leaves_the_count_of_another_right():
    """A loop that was left does not take the turns of the next."""
    df = frame(a=cells([0, 1]))
    found = look(
        df,
        subject="{% for x in a %}{{ 1 // x }}{% endfor %}",
        text_body="{% for y in a %}{{ y }}{% endfor %}",
    )
    assert {branch.text for branch in found.branches} == {ONE, "for y in a: several turns"}


@pytest.mark.parametrize("head", ["for x in a", "for x in a recursive"])
def test_a_loop_that_an_error_left_is_no_turn_of_the_next_row(head: str):
    """Each row begins with a clean slate."""
    template = f"{{% {head} %}}{{{{ 1 // x }}}}{{% endfor %}}"
    rows = bits_of_rows(bind(letter(text_body=template), frame(a=cells([0], [], [1, 1], [0]))))
    assert rows == [0b010, 0b001, 0b100, 0b010]


def test_a_branch_in_which_an_error_happens_is_taken():
    """What comes after the error is not."""
    template = "{% if a %}{{ 1 // 0 }}{% if a > 1 %}x{% endif %}{% endif %}"
    assert taken(template, a=2) == {"if a"}
    assert {"if a > 1", "not if a > 1"} <= untaken(template, a=2)


def test_an_error_in_a_test_takes_no_arm():
    """Nobody knows which it would have been."""
    assert taken("{% if 1 // a %}x{% endif %}", a=0) == set()


@pytest.mark.parametrize(
    ("template", "cell", "arms"),
    [
        ("{{ a | default('x') }}", "y", {"a | default: not taken"}),
        ("{{ a | default('x') }}", GAP, {"a | default: taken"}),
        ("{{ a | default('x') }}", None, {"a | default: taken"}),
        ("{{ a | d('x') }}", None, {"a | d: taken"}),
        ("{{ a | default('x') }}", "", {"a | default: not taken"}),
        ("{{ a | default('x', true) }}", "", {"a | default: taken"}),
        ("{{ a | default('x', boolean=true) }}", 0, {"a | default: taken"}),
        ("{{ a | default(default_value='x', boolean=false) }}", 0, {"a | default: not taken"}),
        ("{{ a | default('x', true) }}", "y", {"a | default: not taken"}),
        (
            "{% if a | default(false) %}{% endif %}",
            GAP,
            {"a | default: taken", "not if a | default(false)"},
        ),
    ],
)
def test_a_default_is_taken_or_not(template: str, cell: Any, arms: set[str]):
    """With its second argument an empty text counts too."""
    assert taken(template, a=cell) == arms


@pytest.mark.parametrize(
    ("template", "cells_", "arms"),
    [
        ("{{ a or b }}", ("x", "y"), {"a or b: first value"}),
        ("{{ a or b }}", ("", "y"), {"a or b: fallback b"}),
        ("{{ a or b }}", (GAP, "y"), {"a or b: fallback b"}),
        ("{{ a or b or 'z' }}", ("x", "y"), {"a or b or 'z': first value"}),
        ("{{ a or b or 'z' }}", ("", "y"), {"a or b or 'z': fallback b"}),
        ("{{ a or b or 'z' }}", ("", ""), {"a or b or 'z': fallback 'z'"}),
        ("{% set x = a or b %}{{ x }}", ("", "y"), {"a or b: fallback b"}),
        ("{% if a or b %}{% endif %}", ("", "y"), {"if a or b"}),
        ("{{ 1 if a or b else 2 }}", ("", "y"), {"1 if a or b"}),
        (
            "{% for x in a or b %}{% endfor %}",
            ("", "y"),
            {"a or b: fallback b", "for x in a or b: one turn"},
        ),
    ],
)
def test_or_is_a_choice_of_values_unless_it_is_a_test(
    template: str, cells_: tuple[Any, Any], arms: set[str]
):
    """Each of the values is a way."""
    assert taken(template, a=cells_[0], b=cells_[1]) == arms


def test_a_filter_that_meets_a_gap_is_a_branch_and_one_that_does_not_is_none():
    """What no row does is not reported."""
    template = "{{ a | upper }}"
    assert taken(template, a=GAP) == {"a | upper meets a gap"}
    assert one_row(template, a="x").branches == one_row(template, a="x").untaken == ()


def test_macros_and_call_blocks_are_reached_or_not():
    """A macro that nobody calls is reported by its name; a body that its macro never asks for, too."""
    macros = (
        "{% macro m(x) %}{{ x }}{% endmacro %}{% macro n() %}{{ caller() if false }}{% endmacro %}"
    )
    template = macros + "{% call n() %}{% if a %}x{% endif %}{% endcall %}"
    assert "macro n" in taken(template, a=1)
    assert {"macro m", "call n()"} < untaken(template, a=1)
    assert not any(text.endswith("if a") for text in untaken(template, a=1))


@pytest.mark.parametrize("value", ["x", "", GAP, 0, [1, 2]])
def test_a_template_that_cannot_be_written_down_is_still_followed(value: Any):
    """Text for a branch is a courtesy; whatever an expression is, it does not stop a tour."""
    template = "{% if {'k': [a, (a,)], 1: -1 ** 2}['k'][:1] != (a ~ 'x')[::2] is not in ['y'] %}x{% endif %}".replace(
        "is not in", "not in"
    )
    assert len(one_row(template, a=value).branches) <= 1


# --- what no row takes -------------------------------------------------------------------------------------


def test_of_untaken_branches_inside_each_other_the_outermost_is_reported():
    """What stands in it follows by itself."""
    template = "{% if a %}{% for x in a %}{{ x or 'y' }}{{ 'p' if x else 'q' }}{% endfor %}{{ a | d('z') }}{% endif %}"
    assert untaken(template, a=0) == {"if a"}


def test_the_body_of_a_loop_without_a_turn_is_not_reported_besides_its_turns():
    """Of the body nothing could be taken."""
    assert untaken("{% for x in a %}{% if x %}y{% endif %}{% endfor %}", a=[]) == {ONE, SEVERAL}


def test_a_parent_is_what_a_branch_stands_in():
    """Up to the top of the part."""
    template = "{% if a %}{% if b %}x{% endif %}{% endif %}"
    outer = Branch("text_body", 1, "if a")
    found = {branch.text: branch.parent for branch in one_row(template, a=1, b=1).branches}
    assert found == {"if a": None, "if b": outer}


def test_branches_know_their_template_and_line(tmp_path: Path):
    """A part by its name, a file by its own; lines begin with 1."""
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html="{% extends 'layout.html' %}\n{% block content %}\n{% if a == 1 %}x{% endif %}\n{% endblock %}",
        layout_html="<p>\n{% block content %}{{ a or 'y' }}{% endblock %}\n{% include '_end.html' %}\n</p>",
        _end_html="{% import 'm.html' as m %}\n\n{% if a == 2 %}{{ m.used() }}{% endif %}",
        m_html="{% macro used() %}{% if a %}u{% endif %}{% endmacro %}\n{% macro idle() %}i{% endmacro %}",
    )
    found = look(frame(a=cells(1, 1)), of=of)
    assert {(branch.template, branch.line, branch.text) for branch in found.untaken} == {
        ("html_body", 3, "not if a == 1"),
        ("_end.html", 3, "if a == 2"),
        ("m.html", 2, "macro idle"),
    }
    assert {("layout.html", 1, "template layout.html"), ("_end.html", 1, "template _end.html")} < {
        (branch.template, branch.line, branch.text) for branch in found.branches
    }


def test_a_block_that_another_template_fills_is_not_missed(tmp_path: Path):
    """That is what it is for; one that nobody reaches is."""
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html="{% extends 'layout.html' %}{% block content %}x{{ super() if a }}{% endblock %}"
        "{% block gone %}{% endblock %}",
        layout_html="{% block content %}{% if a %}y{% endif %}{% endblock %}",
    )
    assert {branch.text for branch in look(frame(a=cells(0)), of=of).untaken} == {
        "super() if a",
        "block gone",
    }
    assert "block content" in {branch.text for branch in look(frame(a=cells(1)), of=of).branches}


def test_a_file_that_only_an_untaken_branch_includes_is_folded_into_it(tmp_path: Path):
    """And is reported for itself if a branch that is taken includes it too, but is not reached."""
    files = {"subject_txt": "Hi", "x_html": "{% if a %}x{% endif %}"}
    of = folder(tmp_path, body_html="{% if a %}{% include 'x.html' %}{% endif %}", **files)
    assert {branch.text for branch in look(frame(a=cells(0)), of=of).untaken} == {"if a"}


def test_macros_that_only_call_each_other_are_reported_once():
    """Folding one into the other and back would lose both."""
    template = "{% macro m(x) %}{{ n(x) }}{% endmacro %}{% macro n(x) %}{{ m(x) }}{% endmacro %}"
    assert untaken(template, a=1) == {"macro m"}


def test_a_file_that_rows_choose_joins_when_it_is_first_met(tmp_path: Path):
    """Its branches are counted like all others."""
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html="{% include a %}",
        x_html="{% if b %}x{% endif %}",
        y_html="{% if b %}y{% endif %}",
        z_html="z",
    )
    found = look(frame(a=cells("x.html", "x.html", "y.html"), b=cells(1, 0, 1)), of=of)
    assert {(branch.template, branch.text) for branch in found.branches} == {
        ("x.html", "template x.html"),
        ("y.html", "template y.html"),
        ("x.html", "if b"),
        ("x.html", "not if b"),
        ("y.html", "if b"),
    }
    assert [(branch.template, branch.text) for branch in found.untaken] == [("y.html", "not if b")]
    assert len(found) == 3


def test_a_file_of_both_bodies_is_looked_at_as_one(tmp_path: Path):
    """Its branches are taken by whichever part takes them."""
    include = "{% set b = 1 %}{% include 'x.txt' %}"
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html=include,
        body_txt=include.replace("b = 1", "b = 2"),
        x_txt="{% if b == 1 %}x{% else %}y{% endif %}",
    )
    found = look(frame(1), of=of)
    assert [branch.text for branch in found.branches] == [
        "template x.txt",
        "if b == 1",
        "else of if b == 1",
    ]
    assert found.untaken == ()


def test_the_path_of_an_attachment_has_branches_and_no_file_is_read():
    """Here there is none to read, and no folder either."""
    found = look(frame(a=cells(1, 0)), attachments=["{{ 'gone' if a else 'none' }}.pdf"])
    assert {(branch.template, branch.text) for branch in found.branches} == {
        ("attachments[0].name", "'gone' if a"),
        ("attachments[0].name", "'none' unless a"),
    }
