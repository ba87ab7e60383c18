"""What an HTML template must not have, and similar code that is allowed."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.letter.jinja.source_positions import LONG_LINE
from mailframe.letter.lint.values_in_html import lint_html
from tests.composing import codes, compose, frame, text_of

CELLS = {
    "name": 'A"b',
    "color": "red",
    "items": ["a"],
    "plan": "team",
    "url": "https://acme.example",
}


def refusal(body, **others):
    """The error message for an HTML body; *files* are the other files of its folder."""
    with pytest.raises(mf.errors.LetterError) as caught:
        lint_html(body, name="html_body", others=others, columns=set(CELLS))
    return str(caught.value)


def accept(body, **others):
    """The body is accepted."""
    lint_html(body, name="html_body", others=others, columns=set(CELLS))


def sent(body):
    """The HTML body as it is sent."""
    return text_of(body, part="html_body", **CELLS)


def folder(path, **files):
    """A letter from files; ``body`` is its HTML."""
    for name, text in files.items():
        (path / f"{name}.html").write_text(text)
    (path / "letter.toml").write_text(
        'sender = "me@acme.example"\nto = "{{ email }}"\nsubject = "x"'
    )
    return mf.Letter.load(path)


# --- comments in CSS ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        (
            "<style>@media print{#a{color:red}}</style><p>Dear {{ name }}</p>"
            "<style>#b{color:#fff}#}</style>"
        ),
        "<style>{# a note #}.a{}</style>",
        "<style>.a{}{#b{} </style><p>lost</p> #}",
        "<STYLE media='print'>@media{#a{}#}</STYLE>",
        "<script>if(x){#y#}</script>",
        "<p>{#</p></style><p>#}",
        "{# <style> .a{} #}",
        "{% if plan %}<style>{% endif %}@media{#a{}#}</style>",
        "{% macro css() %}@media{#a{}#}{% endmacro %}<style>{{ css() }}</style>",
        "{% set css %}@media{#a{}#}{% endset %}<style>{{ css }}</style>",
        "<!--[if mso]><style>@media{#a{}#}</style><![endif]-->",
    ],
)
def test_a_comment_that_starts_in_css_is_refused_with_what_to_write(body):
    """Jinja would remove everything up to the next ``#}``, such as the whole mail."""
    message = refusal(body)
    assert message.startswith("html_body, line 1")
    assert "{# " in message
    assert "{% raw %}" in message


@pytest.mark.parametrize(
    "way", ["{ #a{color:red}}", "{% raw %}{#a{color:red}}{% endraw %}", "{\n#a{color:red}}"]
)
def test_the_suggestions_of_the_error_work(way):
    """No part of the mail is lost."""
    body = f"<style>@media print{way}</style><p>Dear {{{{ name }}}}</p><style>b{{ #c{{}}}}</style>"
    assert "Dear A&#34;b" in sent(body)
    assert "#a{color:red}" in sent(body)


@pytest.mark.parametrize(
    "body",
    [
        "<p>{# a note #}x</p>",
        "<style>.a{}</style>{# <style>.b{}</style> #}x",
        "{# the <style> of the layout #}x",
        "<style>.a{}</style>x{# y #}",
        "<style>/* { # } */</style>x",
        "<title>{# x #}y</title>",
        "<!-- <style> -->{# x #}y",
    ],
)
def test_a_comment_elsewhere_stays_a_comment(body):
    """This includes a comment around a whole ``<style>``."""
    assert sent(body)


def test_a_comment_in_the_css_of_an_included_file_is_refused(tmp_path):
    """The position of the include or block decides."""
    css = "@media print{#a{color:red}} .b{color:#fff#}"
    letter = folder(tmp_path, body="<style>{% include 'css.html' %}</style><p>x</p>", css=css)
    with pytest.raises(
        mf.errors.LetterError, match=r"css\.html, line 1: a comment starts with {# inside <style>"
    ):
        compose(frame(), letter=letter)
    accept("<p>{% include 'note' %}</p>", note="{# a note #}x")
    base = "<style>{% block css %}{% endblock %}</style>{% block main %}{% endblock %}"
    message = refusal("{% extends 'base' %}{% block css %}@media{#a{}#}{% endblock %}", base=base)
    assert "html_body, line 1: a comment starts" in message
    accept("{% extends 'base' %}{% block main %}{# a note #}{% endblock %}", base=base)


def test_a_comment_in_text_stays_a_comment():
    """It has no CSS."""
    assert text_of("<style>{# x #}y") == "<style>y"


@pytest.mark.parametrize("css", ["@media{#a{}}", "@media{{#a{}}}", "@media{%a{}}"])
def test_a_syntax_error_in_css_says_what_jinja_reads(css):
    """It also says what to write."""
    with pytest.raises(mf.errors.LetterError, match=r"Jinja reads \{\{, \{% and \{# in CSS"):
        compose(frame(), html_body=f"<style>{css}</style>")


# --- encoded placeholders -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "way"),
    [
        ("%7B%7B%20url%20%7D%7D", "{{ url }}"),
        ("%7b%7burl%7d%7d", "{{url}}"),
        ("https://acme.example/?n=%7B%7Bname%7D%7D&x=1", "{{name}}"),
        ("%257B%257Bname%257D%257D", "{{name}}"),
        ("%7B%7B%7B%20pm:unsubscribe%20%7D%7D%7D", "{{{ pm:unsubscribe }}}"),
        ("%7B%25%20if%20vip%20%25%7D", "{% if vip %}"),
        ("&#123;&#123; url &#125;&#125;", "{{ url }}"),
        ("&lbrace;&lbrace;url&rbrace;&rbrace;", "{{url}}"),
        ("%7B%7B", "{{ … }}"),
    ],
)
def test_an_encoded_placeholder_is_refused_with_what_to_write(written, way):
    """An inliner or an editor has encoded it; every mail would have a broken link."""
    for body in (
        f'<a href="{written}">x</a>',
        f"<img src='{written}'>",
        f'<td background="{written}" style="background:url({written})">',
        f"<a href={written.replace(' ', '')}>x</a>",
        f"<img srcset='{written} 2x'>",
        f"<style>a{{background:url({written})}}</style>",
        f"{{% if plan %}}<a href='{written}'>{{% endif %}}",
    ):
        message = refusal(body)
        assert "encoded placeholder" in message
    assert f"write {way}" in refusal(f'<a href="{written}">x</a>')


@pytest.mark.parametrize("part", ["text_body", "subject"])
def test_an_encoded_placeholder_is_refused_in_text_too(part):
    """The message has the part and the line."""
    with pytest.raises(
        mf.errors.LetterError, match=rf"{part}, line 1: '%7B%7Bname%7D%7D'.*write {{{{name}}}}"
    ):
        compose(frame(name=["x"]), **{part: "https://acme.example/?n=%7B%7Bname%7D%7D"})


@pytest.mark.parametrize(
    "body",
    [
        '<a href="https://acme.example/?q=%7Ba%7D">x</a>',
        '<a href="https://acme.example/?q=100%25%7B">x</a>',
        "<p>write %7B%7B name %7D%7D</p>",
        "<p>&#123;&#123; name &#125;&#125;</p>",
        '<a href="{{ url }}?a=%7B">x</a>',
        "<style>a{width:50%}b{}</style>x",
    ],
)
def test_braces_that_are_not_a_placeholder_are_accepted(body):
    """A single brace, or text about placeholders, is accepted."""
    accept(body)


def test_a_cell_can_contain_an_encoded_placeholder():
    """Values of cells are not checked."""
    assert (
        codes(frame(v=["https://acme.example/%7B%7B"]), html_body='<a href="{{ v }}">x</a>') == []
    )


# --- constants, raw text and JSON -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        ("<style>{% raw %}a{{{% endraw %}</style>x", "<style>a{{</style>x"),
        (
            "<script>{% raw %}var a = '{{ b }}'{% endraw %}</script>x",
            "<script>var a = '{{ b }}'</script>x",
        ),
        ("{% set c = '#0b5' %}<style>a{color:{{ c }}}</style>", "<style>a{color:#0b5}</style>"),
        (
            "{% set c %}#0b5{% endset %}<style>a{color:{{ c }}}</style>",
            "<style>a{color:#0b5}</style>",
        ),
        (
            "{% set c = {'team': '#0b5'} %}<style>{{ c[plan] }}{{ c.team }}</style>",
            "<style>#0b5#0b5</style>",
        ),
        (
            "{% set c = {'free': 1} %}<style>{{ c.get(plan, '#fff') }}</style>",
            "<style>#fff</style>",
        ),
        ("<style>{{ '#0b5' if plan == 'team' else '#000' }}</style>", "<style>#0b5</style>"),
        (
            "{% set a = '#0' %}{% set b = a ~ 'b5' %}<style>{{ b | upper }}</style>",
            "<style>#0B5</style>",
        ),
        (
            "<style>{% for c in ['r', 'g'] %}.{{ c }}{{ loop.index }}{% endfor %}</style>",
            "<style>.r1.g2</style>",
        ),
        ("{% with c = '#0b5' %}<style>{{ c }}</style>{% endwith %}", "<style>#0b5</style>"),
        ("{% set w = 5 * 4 %}<td width={{ w }}>", "<td width=20>"),
        ("{% set tag = 'h1' %}<{{ tag }}>x</{{ tag }}>", "<h1>x</h1>"),
        (
            "{% set f = '\"Segoe UI\"' %}<style>a{font:{{ f | safe }}}</style>",
            '<style>a{font:"Segoe UI"}</style>',
        ),
    ],
)
def test_a_constant_is_accepted_where_a_value_is_not(body, printed):
    """It is the same for every row, or one of some texts of the template; there is no warning."""
    assert sent(body) == printed
    assert codes(frame(**{name: [value] for name, value in CELLS.items()}), html_body=body) == []


def test_a_constant_of_another_file_is_accepted_too():
    """It is imported, included, or set by the including file."""
    theme = "{% set brand = '#0b5' %}"
    accept("{% import 'theme' as t %}<style>{{ t.brand }}</style>", theme=theme)
    accept("{% from 'theme' import brand %}<style>{{ brand }}</style>", theme=theme)
    accept("{% from 'theme' import brand as b %}<style>{{ b }}</style>", theme=theme)
    accept("{% set brand = '#0b5' %}<style>{% include 'css' %}</style>", css="a{color:{{ brand }}}")
    assert "css, line 1: a value" in refusal(
        "<style>{% include 'css' %}</style>", css="a{color:{{ color }}}"
    )


@pytest.mark.parametrize(
    "code",
    [
        "{% set c = color %}<style>{{ c }}</style>",
        "{% set color = '#0b5' %}<style>{{ color }}</style>",
        "{% set c = '#0b5' %}{% if plan %}{% set c = color %}{% endif %}<style>{{ c }}</style>",
        "{% set c = '#' ~ color %}<style>{{ c }}</style>",
        "{% set c = '#0b5' | replace('0', color) %}<style>{{ c }}</style>",
        "{% set c = '%s' % color %}<style>{{ c }}</style>",
        "{% set c = {'a': color} %}<style>{{ c.a }}</style>",
        "{% set c %}{{ color }}{% endset %}<style>{{ c }}</style>",
        "{% set c = c | default(color) %}<style>{{ c }}</style>",
        "{% set c = {'a': 'b'} %}<style>{{ c.get(plan, color) }}</style>",
        "<style>{{ color if plan else '#000' }}</style>",
        "<style>{% for c in items %}{{ c }}{% endfor %}</style>",
        "<style>{% for color in ['#000'] %}{% endfor %}{{ color }}</style>",
        "{% macro m(c) %}{{ c }}{% endmacro %}<style>{{ m(color) }}</style>",
        (
            "{% macro m() %}{{ caller() }}{% endmacro %}<style>{% call m() %}{{ color }}"
            "{% endcall %}</style>"
        ),
        (
            "{% macro m() %}{{ kwargs.c }}{% endmacro %}{% set c = '#0b5' %}<style>"
            "{{ m(c=color) }}</style>"
        ),
        "{% set c = '#0b5' %}<style>{{ row.c }}</style>",
        "<style>{{ row['color'] }}</style>",
        "{% set c = namespace(x='#0b5') %}{% set c.x = color %}<style>{{ c.x }}</style>",
        "{% block b %}<style>{{ color }}</style>{% endblock %}",
        "<style>{% filter upper %}{{ color }}{% endfilter %}</style>",
    ],
)
def test_a_value_that_only_looks_constant_is_refused(code):
    """It is found on every way into ``<style>``."""
    assert "inside <style>" in refusal(code)


def test_a_constant_with_a_quote_is_refused_in_css():
    """It would be printed as an entity, which CSS does not decode."""
    message = refusal("{% set f = '\"Segoe UI\", Arial' %}<style>a{font:{{ f }}}</style>")
    assert "write {{ … | safe }}" in message


LD = '<script type="application/ld+json">{}</script><p>x</p>'


class Read(HTMLParser):
    """Parses HTML: the tags with their attributes, and the text of each."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts = [], []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Store the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Store the text."""
        self.texts.append(data)


@settings(deadline=None)
@given(
    st.text()
    | st.sampled_from(["</script><img src=x>", "<!--<script>", "]]>", "\u2028", "a\\", "'\""])
)
def test_a_value_through_tojson_stays_inside_its_script(value):
    """It is parsed as the value itself and never as markup."""
    if any(0xD800 <= ord(character) < 0xE000 for character in value):
        return  # it is a problem of the row
    markup = text_of(LD.replace("{}", '{"name": {{ v | tojson }}}'), part="html_body", v=value)
    read = Read(markup)
    assert [tag for tag, _ in read.tags] == ["script", "p"]
    assert json.loads(read.texts[0]) == {"name": value}


@settings(deadline=None)
@given(st.text() | st.sampled_from(["' onclick=x", '" onclick="x', "a&quot;b", "&#39;", "</p>"]))
def test_a_value_through_tojson_stays_inside_single_quotes(value):
    """The error about double quotes suggests it."""
    if any(0xD800 <= ord(character) < 0xE000 for character in value):
        return
    for template in (
        "<p data-x='{{ v | tojson }}'>x</p>",
        '<p data-x="{{ v | tojson | forceescape }}">x</p>',
    ):
        [(tag, attributes)] = Read(text_of(template, part="html_body", v=value)).tags
        assert tag == "p"
        assert attributes.keys() == {"data-x"}
        assert json.loads(attributes["data-x"]) == value


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('{"name": "{{ name | tojson }}"}', "inside a JSON string"),
        ('{"name": "Dear {{ name }}"}', "inside a JSON string"),
        ('{"name": "a\\"b{{ name | tojson }}"}', "inside a JSON string"),
        ('{"name": {{ name }}}', "write {{ … | tojson }}"),
        ('{"name": {{ name | tojson | upper }}}', "write {{ … | tojson }}"),
    ],
)
def test_another_value_in_json_is_refused_with_what_to_write(code, message):
    """JSON has its own quotes and escapes."""
    assert message in refusal(LD.replace("{}", code))


def test_tojson_in_other_scripts_is_refused():
    """Mail clients remove them."""
    assert "inside <script>" in refusal("<script>var a = {{ name | tojson }}</script>")
    accept("<script TYPE=Application/LD+JSON>{{ name | tojson }}</script>")
    accept("<script type='application/json'>[{{ name | tojson }}]</script>")


# --- attributes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        '<p data-x="{{ name | tojson }}">',
        '<p data-x="a {{ name | tojson | upper }}">',
        '<p data-x="{{ name ~ (name | tojson) }}">',
        "<p data-x=\"{{ [name] | map('tojson') | join }}\">",
        '<p data-x="{{ [name] | map(plan) | join }}">',
        '<p data-x="{{ (name | tojson) if plan else 1 }}">',
        '<p data-x="{% if plan %}{{ name | tojson }}{% endif %}">',
        '<p data-x="{% filter tojson %}{{ name }}{% endfilter %}">',
        '{% set j = name | tojson %}<p data-x="{{ j }}">',
        '{% set page = namespace() %}{% set page.j = name | tojson %}<p data-x="{{ page.j }}">',
        '{% set j | tojson %}{{ name }}{% endset %}<p data-x="{{ j }}">',
        '{% set j %}{{ name | tojson }}{% endset %}<p data-x="{{ j }}">',
        '{% set j %}{{ name | tojson }}{% endset %}<p data-x="{{ j | trim }}">',
        '{% for j in [name | tojson] %}<p data-x="{{ j }}">{% endfor %}',
        '{% macro j(x) %}{{ x | tojson }}{% endmacro %}<p data-x="{{ j(name) }}">',
        '{% macro j(x) %}{{ x }}{% endmacro %}<p data-x="{{ j(name | tojson) }}">',
        '{% macro j(x) %}{{ x | tojson }}{% endmacro %}<p data-x="{{ j(name) | trim }}">',
        (
            '{% macro j() %}{{ caller() }}{% endmacro %}<p data-x="{% call j() %}'
            '{{ name | tojson }}{% endcall %}">'
        ),
        '{% block j %}{{ name | tojson }}{% endblock %}<p data-x="{{ self.j() }}">',
        '{% set j = {"a": 1} | tojson %}<p data-x="{{ j }}">',
    ],
)
def test_the_quotes_of_tojson_in_double_quotes_are_refused(body):
    """They would end the attribute, and the rest of the cell would be new attributes."""
    assert "data-x='{{ … | tojson }}' with single quotes" in refusal(body)


def test_the_quotes_of_an_included_file_are_refused_too():
    """It is checked at the position of the include."""
    assert "j, line 1" in refusal("<p data-x=\"{% include 'j' %}\">", j="{{ name | tojson }}")
    accept("<p data-x='{% include 'j' %}'>", j="{{ name | tojson }}")


@pytest.mark.parametrize(
    "body",
    [
        "<p data-x='{{ name | tojson }}'>",
        '<p data-x="{{ name | tojson | forceescape }}">',
        '<p data-x="{{ name | tojson | length }}">',
        "<p>{{ name | tojson }}</p>",
        "<p data-x=\"{{ 1 if name | tojson == '1' }}\">",
        "<p data-x=\"{{ [name] | map('upper') | join }}\">",
    ],
)
def test_tojson_is_accepted_where_its_quotes_are_harmless(body):
    """It is in single quotes, escaped again, or in text."""
    assert sent(body)


@pytest.mark.parametrize(
    "value", ["{{ name }}", "a{{ name }}", "{% if plan %}{{ name }}{% endif %}"]
)
@pytest.mark.parametrize(
    "before", ["<img src=`", "<img src = `", "<img alt='x' src=`", "<!--[if mso]><img src=`"]
)
def test_a_value_in_backticks_is_refused(before, value):
    """They are not quotes in HTML, so a space in a cell would start a new attribute."""
    assert 'src="{{ … }}"' in refusal(f"{before}{value}`>")


@pytest.mark.parametrize(
    "body",
    ["<p title='`{{ name }}`'>x</p>", '<p title="`{{ name }}`">x</p>', "<p>`{{ name }}`</p>"],
)
def test_a_backtick_inside_quotes_or_text_is_a_character(body):
    """It is accepted like any other character."""
    accept(body)


@pytest.mark.parametrize(
    "body",
    [
        "<a {% if plan %}href={% endif %}{{ url }}>x</a>",
        "{% set open = '<a href=' | safe %}<a title={{ name }}>",
        "{% macro a() %}<a href={{ url }}>{% endmacro %}{{ a() }}",
        "{% macro a() %}<a href={{ caller() }}>{% endmacro %}{% call a() %}{{ url }}{% endcall %}",
        "<a href={% for x in items %}{{ x }}{% endfor %}>",
        "<p {% for x in items %} {{ x }}{% endfor %}>",
    ],
)
def test_a_value_without_quotes_is_refused_in_every_block(body):
    """This includes branches, loops, macros and callers."""
    refusal(body)


@pytest.mark.parametrize(
    "expression",
    [
        "[name] | map('safe') | join",
        '[name] | map("safe") | list | join',
        "[{'a': name}] | map(attribute='a') | map('safe') | join",
        "[name] | map(plan) | join",
        "name | safe",
        "(name ~ 'x') | safe",
    ],
)
def test_every_use_of_safe_by_name_is_a_warning(expression):
    """This includes a filter whose name is in a cell."""
    df = frame(name=["<b>"], plan=["safe"])
    assert "safe_filter" in codes(df, html_body=f"{{{{ {expression} }}}}")


@pytest.mark.parametrize(
    "body",
    ["{% filter safe %}{{ name }}{% endfilter %}", "{% set x | safe %}{{ name }}{% endset %}y"],
)
def test_safe_as_a_block_is_a_warning(body):
    """It is a warning like other uses of safe."""
    assert codes(frame(name=["x"]), html_body=body) == ["safe_filter"]


@pytest.mark.parametrize(
    "expression", ["'<b>' | safe", "['<b>'] | map('safe') | join", "['a'] | map('upper') | join"]
)
def test_a_constant_with_safe_is_no_warning(expression):
    """It has no value of a cell."""
    assert codes(frame(), html_body=f"{{{{ {expression} }}}}") == []


def test_indent_escapes_the_indentation():
    """In jinja2 it would be marked as safe with the text."""
    df = frame(name=["<b>"])
    for body in (
        "{{ 'x\ny' | safe | indent(name) }}",
        "{% filter indent(name) %}<p>\n</p>{% endfilter %}",
    ):
        assert "&lt;b&gt;" in compose(df, html_body=body).messages()["HtmlBody"][0]


# --- the place ------------------------------------------------------------------------------------

FILLING = "<td>some text of a minified file</td>" * 10


@pytest.mark.parametrize(
    ("fault", "near"),
    [
        ("<a href={{ url }}>", "href={{ url }}"),
        ("{{ name | }}", "{{ name | }}"),
        ("{{ name | nope }}", "name | nope"),
        ("{{ name is nope }}", "name is nope"),
        ("{% if %}", "{% if %}"),
        ("{% nope %}", "{% nope %}"),
        ("<style>@media{#a{}#}</style>", "@media{#a{}#}"),
        ('<a href="%7B%7Burl%7D%7D">', "%7B%7Burl%7D%7D"),
        ("{% for x in items %}", "…"),
    ],
)
def test_an_error_in_a_long_line_is_shown_with_its_column_and_the_text_around_it(fault, near):
    """A minified file is one line, so its first 80 characters do not help."""
    body = f"{{{{{{ pm:unsubscribe }}}}}}{FILLING}{fault}{FILLING}"
    with pytest.raises(mf.errors.LetterError) as caught:
        compose(frame(**{name: [value] for name, value in CELLS.items()}), html_body=body)
    message = str(caught.value)
    assert near in message
    column = int(message.partition("column ")[2].partition(":")[0])
    begin = body.index(fault)
    assert begin < column <= begin + len(fault) + 1 or fault.startswith("{% for")
    assert len(message) < 500


def test_an_error_in_a_short_line_is_shown_with_its_line():
    """It has no column."""
    with pytest.raises(
        mf.errors.LetterError, match=r"html_body, line 2: expected token.*: <p>{{ email \| }}</p>"
    ):
        compose(
            frame(),
            html_body=f"{'x' * LONG_LINE * 2}\n<p>{{{{ email | }}}}</p>\n{'y' * LONG_LINE * 2}",
        )


SNIPPETS = (
    "<a href=",
    '"',
    "'",
    "`",
    ">",
    "<style>",
    "</style>",
    "{# x #}",
    "{% if v %}",
    "{% endif %}",
    "{{ v }}",
    "x ",
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(SNIPPETS), max_size=12))
def test_a_cell_never_adds_a_tag_or_an_attribute(snippets):
    """In an accepted letter, no cell changes a tag or the name of an attribute."""
    body = "".join(snippets)
    shapes = []
    for value in ("v", "\"'` ><b onclick=x> onclick=x <!-- </style> {{ x }}"):
        try:
            made = compose(frame(v=[value]), html_body=f"{body}{{{{ v }}}}").messages()["HtmlBody"][
                0
            ]
        except mf.errors.LetterError:
            return
        shapes.append([(tag, list(attributes)) for tag, attributes in Read(made).tags])
    assert shapes[0] == shapes[1]
