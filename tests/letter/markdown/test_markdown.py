"""Markdown becomes an HTML template and a text template."""

from __future__ import annotations

import pytest

from mailframe.errors import LetterError
from mailframe.letter.markdown.converting import converted


def html_of(source: str) -> str:
    """The HTML template without line ends between its lines."""
    return "".join(converted(source, html=True).text.split("\n"))


def text_of(source: str) -> str:
    """The text template without the line end at its end."""
    return converted(source, html=False).text.rstrip("\n")


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**{{ name }}**", "<p><strong>{{ name }}</strong></p>"),
        ("_{{ a }}_ ~~{{ b }}~~", "<p><em>{{ a }}</em> <s>{{ b }}</s></p>"),
        ("a*{{ b }}*c", "<p>a<em>{{ b }}</em>c</p>"),
        ("snake_{{ a }}_case", "<p>snake_{{ a }}_case</p>"),
        ("`{{ x }} <`", "<p><code>{{ x }} &lt;</code></p>"),
        ("[go]({{ url }})", '<p><a href="{{ url }}">go</a></p>'),
        ("[go](https://x.dev/ä?q={{ q | urlencode }})",
         '<p><a href="https://x.dev/%C3%A4?q={{ q | urlencode }}">go</a></p>'),
        ('[{{ a }}]({{ b }} "{{ c }}")', '<p><a href="{{ b }}" title="{{ c }}">{{ a }}</a></p>'),
        ("![a {{ b }}](cid:logo)", '<p><img src="cid:logo" alt="a {{ b }}" /></p>'),
        ("<https://x.dev/{{ id }}>",
         '<p><a href="https://x.dev/{{ id }}">https://x.dev/{{ id }}</a></p>'),
        ("[go][1]\n\n[1]: {{ url }}", '<p><a href="{{ url }}">go</a></p>'),
        ("[x](javascript:{{ a }})", "<p>[x](javascript:{{ a }})</p>"),
        ("{{{ pm:unsubscribe }}}", "<p>{{{ pm:unsubscribe }}}</p>"),
        ("[x]({{{ pm:unsubscribe }}})", '<p><a href="{{{ pm:unsubscribe }}}">x</a></p>'),
        ("{% raw %}{{ a < b }}{% endraw %}", "<p>{% raw %}{{ a &lt; b }}{% endraw %}</p>"),
        ("\\{\\{ a }}", "<p>&#123;{ a }}</p>"),
        ("&#123;% if %}", "<p>&#123;% if %}</p>"),
        ("{**{{ a }}**", "<p>{<strong>{{ a }}</strong></p>"),
        ('<b style="{{ s }}">{{ a }}</b>', '<p><b style="{{ s }}">{{ a }}</b></p>'),
        ('<b {% if v %}class="v"{% endif %}>x</b>',
         '<p><b {% if v %}class="v"{% endif %}>x</b></p>'),
        ("{{ button('Go', url) }}", "{{ button('Go', url) }}"),
        ("{{ m.button('a|b') }}\n{{ x | table }}", "{{ m.button('a|b') }}{{ x | table }}"),
        ("{{ name }}", "<p>{{ name }}</p>"),
        ("{{ _('Hello') }}", "<p>{{ _('Hello') }}</p>"),
        ("{{ name | upper }}", "<p>{{ name | upper }}</p>"),
        ("{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}\n\nText",
         "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}<p>Text</p>"),
    ],
)  # fmt: skip
def test_values_in_a_text(source, html):
    """A value is a word of the text; Markdown reads nothing in it."""
    assert html_of(source) == html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("Hi\n{% if a %}\nyou\n{% endif %}\nthere", "<p>Hi{% if a %}you{% endif %}there</p>"),
        ("Hi\n\n{% if a %}\nyou\n{% endif %}\n\nBye",
         "<p>Hi</p>{% if a %}<p>you</p>{% endif %}<p>Bye</p>"),
        ("{% if a %}\nA\n{% else %}\nB\n{% endif %}",
         "{% if a %}<p>A</p>{% else %}<p>B</p>{% endif %}"),
        ("Hi\n{% if a %}\nyou\n\nand you\n{% endif %}",
         "<p>Hi</p>{% if a %}<p>you</p><p>and you</p>{% endif %}"),
        ("- a\n{% if x %}\n- b\n{% endif %}\n- c",
         "<ul><li>a</li>{% if x %}<li>b</li>{% endif %}<li>c</li></ul>"),
        ("{% for o in os %}\n- {{ o }}\n{% endfor %}",
         "<ul>{% for o in os %}<li>{{ o }}</li>{% endfor %}</ul>"),
        ("{% if x %}\n- a\n- b\n{% endif %}",
         "{% if x %}<ul><li>a</li><li>b</li></ul>{% endif %}"),
        ("{% for o in os %}\n- {{ o }}\n{% endfor %}\nBye",
         "<ul>{% for o in os %}<li>{{ o }}</li>{% endfor %}</ul><p>Bye</p>"),
        ("{% for o in os %}\n## {{ o }}\n- a\n{% endfor %}",
         "{% for o in os %}<h2>{{ o }}</h2><ul><li>a</li></ul>{% endfor %}"),
        ("{% for o in os %}\n{% set t = o %}\n{% if t %}\n- {{ t }}\n{% endif %}\n{% endfor %}",
         "<ul>{% for o in os %}{% set t = o %}{% if t %}<li>{{ t }}</li>{% endif %}{% endfor %}</ul>"),  # noqa: E501
        ("- a\n  {% if x %}\n  - b\n  {% endif %}\n- c",
         "<ul><li>a{% if x %}<ul><li>b</li></ul>{% endif %}</li><li>c</li></ul>"),
        ("> a\n> {% if x %}\n> - b\n> {% endif %}",
         "<blockquote><p>a</p>{% if x %}<ul><li>b</li></ul>{% endif %}</blockquote>"),
        ("<ul>\n{% for o in os %}\n<li>{{ o }}</li>\n{% endfor %}\n</ul>",
         "<ul>{% for o in os %}<li>{{ o }}</li>{% endfor %}</ul>"),
        ("{# a note #}\n# Hi", "{# a note #}<h1>Hi</h1>"),
        ('{% include "a.html" %}\n\nHi', '{% include "a.html" %}<p>Hi</p>'),
        ("{% call box() %}\n**Hi**\n{% endcall %}",
         "{% call box() %}<p><strong>Hi</strong></p>{% endcall %}"),
        ("```\n{% if a %}\nx\n{% endif %}\n```", "<pre><code>{% if a %}x{% endif %}</code></pre>"),
    ],
)  # fmt: skip
def test_lines_of_tags(source, html):
    """They are between the blocks that they were written between, and in no paragraph."""
    assert html_of(source) == html


def test_the_rows_of_a_table_can_be_a_loop():
    """Also with the ``|`` of a filter and in a text."""
    source = (
        "| Item | Amount |\n|---|--:|\n{% for o in os %}\n"
        "| {{ o.item | default('a|b') }} | {{ o.amount }} |\n{% endfor %}\n| Total | 3 |"
    )
    assert "<tbody>{% for o in os %}<tr><td>{{ o.item | default('a|b') }}</td>" in html_of(source)
    assert text_of(source) == (
        "Item | Amount\n-------------\n{% for o in os %}\n"
        "{{ o.item | default('a|b') }} | {{ o.amount }}\n{% endfor %}\nTotal | 3"
    )


def test_columns_of_fixed_texts_are_aligned_in_text():
    """Whether a column is wider than its header is known before any row."""
    source = "| Plan | Price |\n|---|---|\n| Team | 9 |\n| Enterprise | {{ p }} |"
    assert text_of(source) == (
        "Plan       | Price\n------------------\nTeam       | 9\nEnterprise | {{ p }}"
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("# Hello\n\nText", "Hello\n=====\n\nText"),
        ("## Hi {{ name }}\nText", "Hi {{ name }}\n\nText"),
        ("**a** _b_ `c` ~~d~~ a\\*b &amp; <b>e</b>", "a b c d a*b & e"),
        ("[Go]({{ url }}) <https://x.dev>", "Go ({{ url }}) https://x.dev"),
        ("[x.dev](https://x.dev) <me@x.dev>", "x.dev me@x.dev"),
        ("![A chart]({{ url }})", "A chart"),
        ("[![Logo](a.png)](https://x.dev)", "Logo (https://x.dev)"),
        ("- a\n- b\n  c\n\nd", "- a\n- b\n  c\n\nd"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n  - b\n\n- c", "- a\n\n  - b\n\n- c"),
        ("> a\n>\n> b", "> a\n>\n> b"),
        ("a\n\n---\n\nb", "a\n\n--------------------\n\nb"),
        ("a  \nb\\\nc", "a\nb\nc"),
        ("```\nx < y\n```", "x < y"),
        ('<p>Hi <a href="{{ u }}">Go</a></p>', "Hi Go ({{ u }})"),
        ("<style>p{color:red}</style>\n\nHi", "Hi"),
        ('<td {% if a %}class="b"{% endif %}>x</td>', "{% if a %}{% endif %}x"),
        ("a\n\n{% if x %}\nb\n{% endif %}\n\nc", "a\n\n{% if x %}\nb\n\n{% endif %}\nc"),
        ("\\{\\{ a", "{% raw %}{{% endraw %}{ a"),
    ],
)  # fmt: skip
def test_the_text_part(source, text):
    """It reads as a person would have written it."""
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("- {% if a %}x\n- y{% endif %}", "line 1: {% if a %} and {% endif %} in line 2"),
        ("a\n\n**b {% if x %}c** d{% endif %}", "line 3: {% if x %} and {% endif %} in line 3"),
        ("| a | b |\n|---|---|\n| {% if x %}1 | 2{% endif %} |", "line 3"),
        (
            "> a\n> {% if x %}\n> b\n\nc\n\n{% endif %}",
            "line 2: {% if x %} and {% endif %} in line 7",
        ),
    ],
)
def test_a_branch_that_would_break_the_html_is_refused(source, words):
    """The message has both statements with their lines."""
    with pytest.raises(LetterError, match="HTML would be broken") as caught:
        converted(source, html=True)
    assert words in str(caught.value)


def test_a_text_with_a_mark_is_refused():
    """The characters of marks are noncharacters, which no text has."""
    with pytest.raises(LetterError, match=r"U\+FDD2"):
        converted("a \ufdd3 b", html=True)


def test_each_line_has_its_line_of_the_markdown():
    """Also in the text part, which has lines of its own."""
    made = converted("# Title\ntext\n\n{{ a }}\n\n- {{ b }}\n", html=False)
    lines = dict(zip(made.text.split("\n"), made.lines, strict=True))
    assert lines["{{ a }}"] == 4
    assert lines["- {{ b }}"] == 6


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("Hi\n\n[docs]: {{ url }}", "line 3: {{ url }}"),
        ("[docs]: https://acme.dev/{% if x %}a{% endif %}\n\nHi", "line 1: {% if x %}"),
        ("| a |\n|---|\n| b | {{ c }} |", "line 3: {{ c }}"),
        ("```{{ lang }}\ncode\n```", "line 1: {{ lang }}"),
    ],
)
def test_a_value_that_markdown_drops_is_refused(source, place):
    """It would be missing in the letter without a word."""
    with pytest.raises(LetterError) as caught:
        converted(source, html=True)
    assert f"markdown_body, {place} would be in no part of the letter" in str(caught.value)


def test_references_that_links_use_and_dropped_comments_are_no_errors():
    """Two links can use one reference; a comment prints nothing anywhere."""
    source = "See [docs], [more][docs].\n\n[docs]: {{ url }}\n\n```{# c #}\nx\n```"
    assert converted(source, html=True).text.count('href="{{ url }}"') == 2
