"""Each kind of branch is recorded for the rows that take it, and for no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailframe.message.binding import bind
from mailframe.review.tour import Branch
from mailframe.review.tour.template_tags import MAX_CHARACTERS
from tests.composing import cells, frame
from tests.review.tour.tours import bits_of_rows, folder, letter, one_row, taken, tour_of, untaken

if TYPE_CHECKING:
    from pathlib import Path

NAN = float("nan")
IF = "{% if a == 1 %}one{% elif a == 2 %}two{% else %}more{% endif %}"
BARE_IF = "{% if a == 1 %}one{% endif %}"
LOOP = "{% for x in a %}{{ x }}{% endfor %}"
NONE, ONE, SEVERAL = (f"with {items}" for items in ("no items", "one item", "several items"))
FILTERED_LOOP = "{% for x in a if x %}"
TREE = "{% for x in a recursive %}{{ x.n }}{{ loop(x.k) }}{% endfor %}"


def leaf(*children: Any) -> dict[str, Any]:
    """A node of a tree in a cell."""
    return {"n": 1, "k": list(children)}


@pytest.mark.parametrize(
    ("template", "cell", "text"),
    [
        (IF, 1, "{% if a == 1 %}"),
        (IF, 2, "{% elif a == 2 %}"),
        (IF, 3, "{% else %} of {% if a == 1 %}"),
        (BARE_IF, 1, "{% if a == 1 %}"),
        (BARE_IF, 2, "no branch of {% if a == 1 %}"),
        ("{% if a == 1 %}{% elif a == 2 %}{% endif %}", 3, "no branch of {% if a == 1 %}"),
        ("{{ 'x' if a else 'y' }}", 1, "if of {{ 'x' if a else 'y' }}"),
        ("{{ 'x' if a else 'y' }}", 0, "else of {{ 'x' if a else 'y' }}"),
        ("{{ 'x' if a }}", 1, "if of {{ 'x' if a }}"),
        ("{{ 'x' if a }}", 0, "no branch of {{ 'x' if a }}"),
    ],
)
def test_each_arm_of_a_condition_is_a_branch(template: str, cell: Any, text: str):
    """Without an ``else``, taking no arm is a branch too. The text is the template's own."""
    assert taken(template, a=cell) == {text}


def test_an_expression_inside_another_is_named_by_the_rest_of_its_tag():
    """So both conditions can be told apart."""
    template = "{{ 'x' if a else 'y' if a is none else 'z' }}"
    assert taken(template, a=0) == {
        f"else of {template}",
        "else of {{ … 'y' if a is none else 'z' }}",
    }


def test_equal_tags_on_one_line_are_numbered():
    """Each branch of a line has its own text."""
    template = "{% if a %}x{% endif %}{% if a %}y{% endif %}\n{% if a %}z{% endif %}"
    assert [branch.text for branch in one_row(template, a=1).branches] == [
        "{% if a %}",
        "{% if a %} (no. 2 on the line)",
        "{% if a %}",
    ]


def test_a_long_tag_is_cut_and_line_breaks_become_spaces():
    """A branch is named in one short line; placeholders of Postmark are as in the template."""
    long = "{{ '{{{ pm:unsubscribe }}}' \n if a }}"
    assert taken(long, a=1) == {"if of {{ '{{{ pm:unsubscribe }}}' if a }}"}
    [text] = taken("{% if a in [" + ", ".join(map(str, range(99))) + "] %}{% endif %}", a=1)
    assert text.startswith("{% if a in [0, 1, 2,")
    assert text.endswith("…")
    assert len(text) == MAX_CHARACTERS


@pytest.mark.parametrize(
    ("template", "cell", "items"),
    [
        (LOOP, [], NONE),
        (LOOP, [1], ONE),
        (LOOP, [1, 2], SEVERAL),
        (LOOP, [1, 2, 3], SEVERAL),
        (LOOP, "", NONE),
        (LOOP, "x", ONE),
        (LOOP.replace("{% endfor %}", "{% else %}-{% endfor %}"), [], NONE),
        (LOOP.replace("{% endfor %}", "{% else %}-{% endfor %}"), [1], ONE),
        (
            "{% for x in a %}{{ loop.length }}{{ loop.last }}{{ loop.nextitem }}{% endfor %}",
            [1],
            ONE,
        ),
        ("{% for x in a %}{{ loop.length }}{{ loop.last }}{% endfor %}", [1, 2], SEVERAL),
    ],
)
def test_a_loop_has_no_items_one_or_several(template: str, cell: Any, items: str):
    """With or without an ``else``, and with any use of ``loop``."""
    assert taken(template, a=cell) == {f"{{% for x in a %}} {items}"}


@pytest.mark.parametrize(
    ("cell", "items"), [([0, 0], NONE), ([0, 1, 0], ONE), ([1, 0, 2], SEVERAL), ([], NONE)]
)
def test_the_condition_of_a_loop_is_applied_before_items_are_counted(cell: list[int], items: str):
    """Items that ``if`` in the loop excludes are not counted."""
    template = f"{FILTERED_LOOP}{{{{ x }}}}{{% endfor %}}"
    assert taken(template, a=cell) == {f"{FILTERED_LOOP} {items}"}


@pytest.mark.parametrize(
    ("cell", "inner"),
    [
        ([[]], {NONE}),
        ([[1], [1]], {ONE}),
        ([[], [1], [1, 2]], {NONE, ONE, SEVERAL}),
        ([[1], [1, 2], [1]], {ONE, SEVERAL}),
    ],
)
def test_each_run_of_an_inner_loop_is_counted_separately(cell: list[Any], inner: set[str]):
    """One item in each of two runs is not several items."""
    texts = taken("{% for b in a %}{% for x in b %}{{ x }}{% endfor %}{% endfor %}", a=cell)
    assert {text for text in texts if "for x" in text} == {
        f"{{% for x in b %}} {items}" for items in inner
    }


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ([], {NONE}),
        ([leaf()], {ONE, NONE}),
        ([leaf(leaf())], {ONE, NONE}),
        ([leaf(leaf(), leaf())], {ONE, SEVERAL, NONE}),
        ([leaf(), leaf()], {SEVERAL, NONE}),
    ],
)
def test_each_call_of_a_recursive_loop_is_counted_separately(cell: list[Any], items: set[str]):
    """The children of an item are another run."""
    assert taken(TREE, a=cell) == {f"{{% for x in a recursive %}} {each}" for each in items}


def test_a_loop_in_a_macro_counts_each_call_separately():
    """Two calls with one item each are not several items, also if one call is inside the other."""
    macro = (
        "{% macro m(xs) %}{% for x in xs %}{{ x }}{% if x is iterable %}{{ m(x) }}{% endif %}"
        "{% endfor %}{% endmacro %}"
    )
    texts = taken(macro + "{{ m(a) }}{{ m(a) }}", a=[[[7]]])
    assert {text for text in texts if "for" in text} == {f"{{% for x in xs %}} {ONE}"}


@pytest.mark.parametrize(
    ("cell", "items"), [([1, 0], SEVERAL), ([0, 1], ONE), ([0], ONE), ([1, 1], SEVERAL)]
)
def test_a_loop_that_ends_with_an_error_counts_the_items_it_had_begun(cell: list[int], items: str):
    """The item with the error is one of them."""
    assert taken("{% for x in a %}{{ 1 // x }}{% endfor %}", a=cell) == {
        f"{{% for x in a %}} {items}"
    }


def test_an_error_in_one_part_does_not_change_the_count_of_another():
    """A loop that ended with an error does not count the items of the next loop."""
    tour = tour_of(
        frame(a=cells([0, 1])),
        subject="{% for x in a %}{{ 1 // x }}{% endfor %}",
        text_body="{% for y in a %}{{ y }}{% endfor %}",
    )
    assert {branch.text for branch in tour.branches} == {
        f"{{% for x in a %}} {ONE}",
        f"{{% for y in a %}} {SEVERAL}",
    }


@pytest.mark.parametrize("head", ["for x in a", "for x in a recursive"])
def test_a_loop_that_ended_with_an_error_counts_nothing_of_the_next_row(head: str):
    """The tracer is reset for each row."""
    template = f"{{% {head} %}}{{{{ 1 // x }}}}{{% endfor %}}"
    rows = bits_of_rows(bind(letter(text_body=template), frame(a=cells([0], [], [1, 1], [0]))))
    assert rows == [0b010, 0b001, 0b100, 0b010]


def test_a_branch_with_an_error_is_taken():
    """Branches after the error are not."""
    template = "{% if a %}{{ 1 // 0 }}{% if a > 1 %}x{% endif %}{% endif %}"
    assert taken(template, a=2) == {"{% if a %}"}
    assert {"{% if a > 1 %}", "no branch of {% if a > 1 %}"} <= untaken(template, a=2)


def test_an_error_in_a_condition_takes_no_arm():
    """It is not known which arm it would have been."""
    assert taken("{% if 1 // a %}x{% endif %}", a=0) == set()


@pytest.mark.parametrize(
    ("expression", "cell", "used"),
    [
        ("a | default('x')", "y", False),
        ("a | default('x')", NAN, True),
        ("a | default('x')", None, True),
        ("a | d('x')", None, True),
        ("a | default('x')", "", False),
        ("a | default('x', true)", "", True),
        ("a | default('x', boolean=true)", 0, True),
        ("a | default(default_value='x', boolean=false)", 0, False),
        ("a | default('x', true)", "y", False),
    ],
)
def test_a_default_is_used_or_not(expression: str, cell: Any, used: bool):
    """With ``boolean=true`` it is used for empty values too."""
    template = f"{{{{ {expression} }}}}"
    assert taken(template, a=cell) == {f"default {'' if used else 'not '}used in {template}"}


def test_a_default_in_a_condition_is_a_branch_too():
    """It is named by the tag, without what precedes it."""
    assert taken("{% if a | default(false) %}{% endif %}", a=NAN) == {
        "default used in {% … a | default(false) %}",
        "no branch of {% if a | default(false) %}",
    }


@pytest.mark.parametrize(
    ("template", "cells_", "texts"),
    [
        ("{{ a or b }}", ("x", "y"), {"value 1 of {{ a or b }}"}),
        ("{{ a or b }}", ("", "y"), {"value 2 of {{ a or b }}"}),
        ("{{ a or b }}", (NAN, "y"), {"value 2 of {{ a or b }}"}),
        ("{{ a or b or 'z' }}", ("x", "y"), {"value 1 of {{ a or b or 'z' }}"}),
        ("{{ a or b or 'z' }}", ("", "y"), {"value 2 of {{ a or b or 'z' }}"}),
        ("{{ a or b or 'z' }}", ("", ""), {"value 3 of {{ a or b or 'z' }}"}),
        ("{{ (a or b) | lower }}", ("", "y"), {"value 2 of {{ (a or b) | lower }}"}),
        ("{% set x = a or b %}{{ x }}", ("", "y"), {"value 2 of {% … a or b %}"}),
        ("{% if a or b %}{% endif %}", ("", "y"), {"{% if a or b %}"}),
        ("{{ 1 if a or b else 2 }}", ("", "y"), {"if of {{ 1 if a or b else 2 }}"}),
        (
            "{% for x in a or b %}{% endfor %}",
            ("", "y"),
            {"value 2 of {% … a or b %}", "{% for x in a or b %} with one item"},
        ),
    ],
)
def test_or_is_a_choice_between_values_unless_it_is_in_a_condition(
    template: str, cells_: tuple[Any, Any], texts: set[str]
):
    """Each value is a branch."""
    assert taken(template, a=cells_[0], b=cells_[1]) == texts


def test_a_filter_that_gets_a_missing_value_is_a_branch():
    """A filter that gets none is not, and is not reported."""
    template = "{{ a | upper }}"
    assert taken(template, a=NAN) == {"missing value for upper in {{ a | upper }}"}
    assert one_row(template, a="x").branches == one_row(template, a="x").untaken == ()


def test_macros_and_call_blocks_are_branches():
    """A macro without a call is untaken, and so is a call block whose macro does not call it."""
    macros = (
        "{% macro m(x) %}{{ x }}{% endmacro %}{% macro n() %}{{ caller() if false }}{% endmacro %}"
    )
    template = macros + "{% call n() %}{% if a %}x{% endif %}{% endcall %}"
    assert "{% macro n() %}" in taken(template, a=1)
    assert {"{% macro m(x) %}", "{% call n() %}"} < untaken(template, a=1)
    assert not any("if a" in text for text in untaken(template, a=1))


@pytest.mark.parametrize("value", ["x", "", NAN, 0, [1, 2]])
def test_any_expression_can_be_traced(value: Any):
    """Its source is never parsed again to name the branch."""
    condition = "{'k': [a, (a,)], 1: -1 ** 2}['k'][:1] != (a ~ 'x')[::2] not in ['y']"
    assert len(one_row(f"{{% if {condition} %}}x{{% endif %}}", a=value).branches) <= 1


# --- untaken branches ----------------------------------------------------------------------------


def test_of_nested_untaken_branches_the_outermost_is_reported():
    """The others cannot be taken without it."""
    template = (
        "{% if a %}{% for x in a %}{{ x or 'y' }}{{ 'p' if x else 'q' }}{% endfor %}"
        "{{ a | d('z') }}{% endif %}"
    )
    assert untaken(template, a=0) == {"{% if a %}"}


def test_the_body_of_a_loop_without_items_is_not_reported_separately():
    """Only the numbers of items are reported."""
    loop = "{% for x in a %}"
    assert untaken(loop + "{% if x %}y{% endif %}{% endfor %}", a=[]) == {
        f"{loop} {ONE}",
        f"{loop} {SEVERAL}",
    }


def test_the_parent_of_a_branch_contains_it():
    """A branch at the top of a part has no parent."""
    tour = one_row("{% if a %}{% if b %}x{% endif %}{% endif %}", a=1, b=1)
    outer = Branch("text_body", 1, "{% if a %}")
    assert {branch.text: branch.parent for branch in tour.branches} == {
        "{% if a %}": None,
        "{% if b %}": outer,
    }


def test_branches_have_a_template_and_a_line(tmp_path: Path):
    """The template is the part or the file; lines are counted from 1."""
    block = "{% block content %}"
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html="{% extends 'layout.html' %}\n"
        + block
        + "\n{% if a == 1 %}x{% endif %}\n{% endblock %}",
        layout_html="<p>\n"
        + block
        + "{{ a or 'y' }}{% endblock %}\n{% include '_end.html' %}\n</p>",
        _end_html="{% import 'm.html' as m %}\n\n{% if a == 2 %}{{ m.used() }}{% endif %}",
        m_html="{% macro used() %}{% if a %}u{% endif %}{% endmacro %}\n"
        "{% macro idle() %}i{% endmacro %}",
    )
    tour = tour_of(frame(a=cells(1, 1)), of=of)
    assert {(branch.template, branch.line, branch.text) for branch in tour.untaken} == {
        ("html_body", 3, "no branch of {% if a == 1 %}"),
        ("_end.html", 3, "{% if a == 2 %}"),
        ("m.html", 2, "{% macro idle() %}"),
    }
    assert {("layout.html", 1, "template layout.html"), ("_end.html", 1, "template _end.html")} < {
        (branch.template, branch.line, branch.text) for branch in tour.branches
    }


def test_a_block_that_another_template_fills_is_not_reported(tmp_path: Path):
    """It is replaced on purpose. A block that is never reached is reported."""
    block = "{% block content %}"
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html="{% extends 'layout.html' %}"
        + block
        + "x{{ super() if a }}{% endblock %}{% block gone %}{% endblock %}",
        layout_html=block + "{% if a %}y{% endif %}{% endblock %}",
    )
    assert {branch.text for branch in tour_of(frame(a=cells(0)), of=of).untaken} == {
        "if of {{ super() if a }}",
        "{% block gone %}",
    }
    assert block in {branch.text for branch in tour_of(frame(a=cells(1)), of=of).branches}


def test_a_file_that_only_an_untaken_branch_includes_is_not_reported_separately(tmp_path: Path):
    """It cannot be reached without that branch."""
    files = {"subject_txt": "Hi", "x_html": "{% if a %}x{% endif %}"}
    of = folder(tmp_path, body_html="{% if a %}{% include 'x.html' %}{% endif %}", **files)
    assert {branch.text for branch in tour_of(frame(a=cells(0)), of=of).untaken} == {"{% if a %}"}


def test_macros_that_only_call_each_other_are_reported_once():
    """By the first of them."""
    template = "{% macro m(x) %}{{ n(x) }}{% endmacro %}{% macro n(x) %}{{ m(x) }}{% endmacro %}"
    assert untaken(template, a=1) == {"{% macro m(x) %}"}


def test_the_branches_of_a_file_that_a_row_chooses_are_added_when_it_is_first_used(tmp_path: Path):
    """They are counted like all others."""
    condition = "{% if b %}"
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html="{% include a %}",
        x_html=condition + "x{% endif %}",
        y_html=condition + "y{% endif %}",
        z_html="z",
    )
    tour = tour_of(frame(a=cells("x.html", "x.html", "y.html"), b=cells(1, 0, 1)), of=of)
    neither = f"no branch of {condition}"
    assert {(branch.template, branch.text) for branch in tour.branches} == {
        ("x.html", "template x.html"),
        ("y.html", "template y.html"),
        ("x.html", condition),
        ("x.html", neither),
        ("y.html", condition),
    }
    assert [(branch.template, branch.text) for branch in tour.untaken] == [("y.html", neither)]
    assert len(tour) == 3


def test_a_file_that_both_bodies_include_has_its_branches_once(tmp_path: Path):
    """Either part may take them."""
    include = "{% set b = 1 %}{% include 'x.txt' %}"
    of = folder(
        tmp_path,
        subject_txt="Hi",
        body_html=include,
        body_txt=include.replace("b = 1", "b = 2"),
        x_txt="{% if b == 1 %}x{% else %}y{% endif %}",
    )
    tour = tour_of(frame(1), of=of)
    assert [branch.text for branch in tour.branches] == [
        "template x.txt",
        "{% if b == 1 %}",
        "{% else %} of {% if b == 1 %}",
    ]
    assert tour.untaken == ()


def test_the_path_of_an_attachment_has_branches_and_no_file_is_read():
    """The letter has no folder, so there is no file to read."""
    path = "{{ 'gone' if a else 'none' }}"
    tour = tour_of(frame(a=cells(1, 0)), attachments=[f"{path}.pdf"])
    assert {(branch.template, branch.text) for branch in tour.branches} == {
        ("attachments[0].name", f"if of {path}"),
        ("attachments[0].name", f"else of {path}"),
    }
