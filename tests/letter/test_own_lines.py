"""White space of text parts: lines with nothing but tags leave no blank line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe  # noqa: F401 - registers the accessor
from tests.composing import text_of


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("a\n{% if x %}\nb\n{% endif %}\nc", "a\nb\nc"),
        ("a\n{% if not x %}\nb\n{% endif %}\nc", "a\nc"),
        ("a\n  {% if x %}\n  b\n  {% endif %}\nc", "a\n  b\nc"),
        ("a\r\n{% if x %}\r\nb\r\n{% endif %}\r\nc", "a\nb\nc"),
        ("{% for i in [1, 2] %}\n- {{ i }}\n{% endfor %}\nend", "- 1\n- 2\nend"),
        ("{% set a = 1 %}\n{% set b = 2 %}\n{{ a }}{{ b }}", "12"),
        ("{# a comment #}\nx", "x"),
        ("{# a\n comment #}\nx", "x"),
        ("{% if x %}{% if x %}\ny\n{% endif %}{% endif %}\nz", "y\nz"),
        ("{% if x %} {# why #} \ny\n{% endif %}\nz", "y\nz"),
        ("{%- if x %}\ny{% endif -%}\n z", "yz"),
    ],
)
def test_a_line_with_nothing_but_tags_leaves_no_line(template, text):
    """Indented, with several tags, with a comment, on several lines."""
    assert text_of(template, x=True) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Dear {% if x %}A{% endif %}\nnext", "Dear A\nnext"),
        ("{% if x %}A{% else %}B{% endif %}\nnext", "A\nnext"),
        ("{{ y }}{% if x %}{% endif %}\nnext", "Y\nnext"),
        ("  {% if x %}A{% endif %}\nnext", "  A\nnext"),
        ("a {# why #}\nnext", "a \nnext"),
        ("{% if x -%}\na\n{%- endif %}\n\nnext", "a\n\nnext"),
        ("a\n{%- if x %}\nb\n{%- endif %}\nnext", "a\nb\nnext"),
        ("a\n  {%- if x %}{% if x %}\nb{% endif %}{% endif %}\nnext", "a\nb\nnext"),
        ("{# why #} a\nnext", " a\nnext"),
        ("{% raw %}a{% endraw %}\nnext", "a\nnext"),
        ("  {% raw %}{{ a }}{% endraw %}\nnext", "  {{ a }}\nnext"),
        ("a\n\n{% if x %}\nb\n{% endif %}\n\nc", "a\n\nb\n\nc"),
        ("{% if x +%}\nb{% endif %}", "\nb"),
        ("{% if x %}a\n{% endif %}\nb", "a\nb"),
    ],
)
def test_a_line_with_text_keeps_its_line_end(template, text):
    """With ``trim_blocks`` of jinja2 alone, two lines would become one."""
    assert text_of(template, x=True, y="Y") == text


def test_html_keeps_its_white_space():
    """It means nothing there, and messages of before stay the same."""
    assert (
        text_of("{% if x %}\n<p>a</p>\n{% endif %}\n", part="html_body", x=True) == "\n<p>a</p>\n"
    )


LINE = st.text(alphabet="ab .", max_size=4)
TAGS = {"{% if x %}": "{% endif %}", "{# c #}": "", "{% for i in [1] %}": "{% endfor %}", "": ""}


@given(st.lists(st.tuples(LINE, st.sampled_from(list(TAGS)), LINE), max_size=6))
def test_lines_with_text_are_printed_as_without_their_tags(lines):
    """Each line with text, tags on it or not, is one line of the result."""
    template = "".join(f"{before}{tag}{after}{TAGS[tag]}\n" for before, tag, after in lines)
    expected = "".join(
        f"{before}{after}\n" for before, tag, after in lines if not tag or (before + after).strip()
    )
    assert text_of(template + "end", x=True) == expected + "end"
