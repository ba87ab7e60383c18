"""The template language renders as Mustachio does, whose source and tests Postmark publishes.

Sources: ``S`` is a test in github.com/ActiveCampaign/mustachio (``TemplateFixture.cs``,
``ParserFixture.cs``), ``D`` the page "Template syntax" or the FAQ of templates in Postmark's
support center, ``O`` what Mustachio itself printed, run by Mono. ``test_sandbox_mustachio.py`` has
random templates.
"""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox.templating.suggested_model import suggested_model
from mailframe.sandbox.templating.template import (
    Budget,
    RenderingFailed,
    Template,
    TemplateCache,
)
from mailframe.sandbox.templating.tokens import MAX_DEPTH, MAX_ERRORS, tokenize

COMPANY = {
    "name": "ACME",
    "staff": [{"name": "Coyote", "tags": ["a", "b"]}, {"name": "Runner", "tags": []}],
    "boss": {"name": "Ann", "age": 44},
}


@pytest.mark.parametrize(
    ("source", "model", "expected"),
    [
        ("{{name}} {{ name }} {{boss.name}}", COMPANY, "ACME ACME Ann"),  # D
        ("{{#boss}}{{name}}, {{age}}{{/boss}}", COMPANY, "Ann, 44"),  # D
        ("{{#each staff}}<{{name}}>{{/each}}", COMPANY, "<Coyote><Runner>"),  # D
        ("{{#each staff}}{{../../name}} {{/each}}", COMPANY, "ACME ACME "),  # D: one for the list
        ("{{#each staff}}{{#each tags}}{{.}}{{/each}};{{/each}}", COMPANY, "ab;;"),  # D
        ("{{#boss}}{{../name}}{{/boss}}", COMPANY, "ACME"),  # D
        ("{{#boss}}{{#age}}{{../../name}}{{/age}}{{/boss}}", COMPANY, "ACME"),  # O
        ("{{../../name}}", COMPANY, "ACME"),  # O: above the model is the model
        ("{{boss.name.first}}|{{staff.name}}|{{staff}}|{{boss}}", COMPANY, "|||"),  # O
        ("{{#boss}}{{staff}}{{../boss.name}}{{/boss}}", COMPANY, "Ann"),  # O: no search outward
        ("{{#staff}}({{name}}{{.}}){{/staff}}", COMPANY, "()"),  # O: a section does not loop
        ("{{this}}{{this.name}}", COMPANY, ""),  # O: a name like others
        ("{{^missing}}none{{/missing}}", {}, "none"),  # S
        ("{{^no}}{{../a}}{{/no}}", {"no": False, "a": "x"}, "x"),  # S
        ("{{#a}}yes{{^a}}no{{/a}}", {"a": 1}, "yes"),  # S: one end for both halves
        ("{{^a}}no{{#a}}yes{{/a}}", {}, "no"),  # S
        ("a{{!stu\nff}}b{{! {x} }}", {}, "ab{{! {x} }}"),  # S; O: braces end a comment
        ("{{{{name}} {{{name}} {{name}}} {{name}}}}", {"name": "M"}, "{{M {M M} M}}"),  # S
        ("{{times}}", {"times": False}, "False"),  # S
        ("{{times}} {{times}}", {"times": 0}, "0 0"),  # S
        ("[{{times}}]", {"times": None}, "[]"),  # S
        ("{{.a}} {{a.}} {{ b../a }}", {"a": 1}, "1 1 1"),  # O
        ("  {{#a}}\n  x\n  {{/a}}\n", {"a": 1}, "  \n  x\n  \n"),  # O: whitespace stays
        ("{{A}}{{a}}", {"a": 1}, "1"),  # O: names have their case
        ("{{Größe}}", {"Größe": "L"}, "L"),  # O
        ("{{ }}{{#.}}x{{/.}}", {"a": 1}, "x"),  # O
        ("{{{ pm:unsubscribe }}}", {}, "{{{ pm:unsubscribe }}}"),  # D: replaced later
        ("{{{ @content }}}", {}, ""),  # A: a layout without a template
    ],
)
def test_a_template_renders_as_documented(source, model, expected):
    """Values, paths, scopes, sections, lists and comments."""
    assert Template.of(source).render(model) == expected


@pytest.mark.parametrize("empty", [None, False, 0, 0.0, "", [], {}])
def test_empty_values_hide_a_section_and_show_its_inverse(empty):
    """S for each but the empty object, which is O."""
    source = "{{#x}}section{{/x}}{{#each x}}item{{/each}}{{^x}}inverse{{/x}}"
    assert Template.of(source).render({"x": empty}) == "inverse"


@pytest.mark.parametrize("full", [True, 1, -1, 0.5, "0", "false", " ", [0], [None], {"a": None}])
def test_other_values_show_a_section(full):
    """O, and D for most."""
    assert Template.of("{{#x}}section{{^x}}inverse{{/x}}").render({"x": full}) == "section"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "True"),
        (-7, "-7"),
        (18446744073709551615, "18446744073709551615"),
        (1.0, "1"),
        (1.50, "1.5"),
        (100.0, "100"),
        (123456.789, "123456.789"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (-1.25e21, "-1.25E+21"),
        (1e100, "1E+100"),
        (0.1 + 0.2, "0.30000000000000004"),
        ("1.0", "1.0"),
    ],
)
def test_numbers_are_printed_as_dotnet_prints_them(value, expected):
    """O; Mono rounds the last sum to 0.3, which .NET no longer does since 2019."""
    assert Template.of("{{x}}").render({"x": value}) == expected


@pytest.mark.parametrize(
    ("source", "as_html", "as_text"),
    [
        ("{{x}}", "&lt;b&gt;Zo&#235; &amp; &quot;I&quot;&#39;s&lt;/b&gt;", None),  # S
        ("{{{x}}}", None, None),  # S
        ("{{& x}}", None, None),  # S
        ("{{{&x}}}", None, None),  # O
    ],
)
def test_values_are_encoded_in_html_only(source, as_html, as_text):
    """D: a subject and a text body have no HTML, so there is nothing to encode."""
    model = {"x": '<b>Zoë & "I"\'s</b>'}
    assert Template.of(source).render(model, html=True) == (as_html or model["x"])
    assert Template.of(source).render(model) == (as_text or model["x"])


def test_a_template_stands_in_the_place_of_its_layout():
    """S: it is rendered in the scope of its place, with the same model and encoding."""
    layout = Template.of("<h1>{{name}}</h1>{{#each staff}}{{{ @content }}}{{/each}}")
    content = Template.of("{{name}}&{{&name}} ")
    model = {"name": "A&B", "staff": [{"name": "<"}, {"name": ">"}]}
    expected = "<h1>A&amp;B</h1>&lt;&< &gt;&> "
    assert layout.render(model, html=True, content=content) == expected


@pytest.mark.parametrize("value", ["text", 1, True, {"a": 1}])
def test_each_needs_a_list(value):
    """S: Parser.cs."""
    with pytest.raises(RenderingFailed, match=r"'a\.b' is used like an array by the template"):
        Template.of("{{#each a.b}}x{{/each}}").render({"a": {"b": value}})


NOT_CLOSED = (
    "A scope block to the following path was opened but not closed: '{}', "
    "please close it using the appropriate syntax."
)
BAD_PATH = "The path '{}' is not valid. Please see documentation for examples of valid paths."
NO_PATH = (
    "The 'each' block being opened requires a model path to be specified in the form "
    "'{#each <name>}'."
)
NOT_OPEN = (
    "An 'each' block is being closed, but no corresponding opening element ('{#each <name>}') "
    "was detected."
)
MISMATCHED = "It appears that open and closing elements are mismatched."


@pytest.mark.parametrize(
    ("source", "errors"),
    [
        ("1{{first name}}", [(1, 2, BAD_PATH.format("first name"))]),  # S
        ("ss{{#each company.name}}\nasdf", [(1, 3, NOT_CLOSED.format("company.name"))]),  # S
        (  # S for the number of errors, O for their texts
            "xzyhj{{#company.address_line_1}}\nasdf{{dsadskl-sasa@}}\n{{/each}}",
            [
                (1, 6, NOT_CLOSED.format("company.address_line_1")),
                (2, 5, BAD_PATH.format("dsadskl-sasa@")),
                (3, 1, NOT_OPEN),
            ],
        ),
        ("a{{name}}dd\r\ndd{{/each}}dd", [(2, 3, NOT_OPEN)]),  # S
        ("{{#each}}", [(1, 1, NO_PATH), (1, 1, NOT_CLOSED.format("each"))]),  # O
        ("{{#eachs}}{{/each}}", [(1, 1, NO_PATH)]),  # S
        (  # O
            "{{#each a}}{{/each }}",
            [
                (1, 1, NOT_CLOSED.format("a")),
                (1, 12, "The syntax to close the 'each' block should be: '{/each}'."),
            ],
        ),
        ("{{#a}}{{/b}}{{/a}}", [(1, 7, MISMATCHED)]),  # S
        ("{{#a}}\n{{^a}}", [(1, 1, NOT_CLOSED.format("a"))]),  # O: where the first half begins
        ("\U0001f600 é{{x y}}", [(1, 5, BAD_PATH.format("x y"))]),  # O: in UTF-16 units
        (  # O: a condition of Handlebars
            "{{#if a}}{{/if}}",
            [
                (1, 1, BAD_PATH.format("if a")),
                (1, 1, NOT_CLOSED.format("if a")),
                (1, 10, MISMATCHED),
            ],
        ),
        *[  # S: ParserShouldThrowForInvalidPaths
            (f"{{{{{path}}}}}", [(1, 1, BAD_PATH.format(path.strip()))])
            for path in (".../asdf.content", "./", ".. ", "..", "@", "[", "(", "~", "$", "%", "> x")
        ],
        ("{{/}}", [(1, 1, MISMATCHED)]),  # S
        ("{{@content}}", [(1, 1, BAD_PATH.format("@content"))]),  # O: needs three braces
        ("{{pm:unsubscribe}}", [(1, 1, BAD_PATH.format("pm:unsubscribe"))]),  # O: as above
    ],
)
def test_errors_have_texts_lines_and_positions(source, errors):
    """In the order of their places; the first text is one that Postmark was seen to answer."""
    template = Template.of(source)
    assert [(error.line, error.position, error.text) for error in template.errors] == errors


@pytest.mark.parametrize(
    ("source", "model"),
    [
        ("Hi", {}),  # S
        ("{{Name}}", {"Name": "Name_Value"}),  # S
        ("{{#Person}}{{Name}}{{/Person}}", {"Person": {"Name": "Name_Value"}}),  # S
        ("{{#each E}}{{name}}{{/each}}", {"E": [{"name": "name_Value"}]}),  # S
        (  # S
            "{{#Person}}{{Name}}{{#each ../Person.Colors}}{{.}}{{/each}}{{/Person}}",
            {"Person": {"Name": "Name_Value", "Colors": ["Colors_1", "Colors_2", "Colors_3"]}},
        ),
        (  # S: a client's live test
            "{{content}}{{company.address}}{{#each products}}{{/each}}{{^rivals}}none{{/rivals}}",
            {
                "content": "content_Value",
                "company": {"address": "address_Value"},
                "products": ["products_1", "products_2", "products_3"],
                "rivals": {},
            },
        ),
        ("{{#name}}{{.}}{{/name}}", {"name": {}}),  # O
        (
            "{{#each a.b}}{{../x}}{{/each}}",
            {"a": {"b": ["b_1", "b_2", "b_3"], "x": "x_Value"}},
        ),  # O
        ("{{.}}{{{ pm:unsubscribe }}}", {}),  # A: Mustachio suggests a text as the model
    ],
)
def test_a_model_is_suggested(source, model):
    """As ``InferredTemplateModel.cs`` does."""
    assert suggested_model([(Template.of(source), None)]) == model


def test_a_suggested_model_has_the_names_of_all_parts_and_layouts():
    """S: a layout is read with its template at its place."""
    subject, body = Template.of("{{a.x}}"), Template.of("{{a.y}}")
    layout = Template.of("{{#b}}{{{@content}}}{{/b}}{{c}}")
    expected = {
        "a": {"x": "x_Value"},
        "b": {"a": {"y": "y_Value"}},
        "c": "c_Value",
    }
    assert suggested_model([(subject, None), (body, layout)]) == expected


def test_a_template_that_multiplies_its_lists_ends():
    """Lists in lists would render 100 to the power of 9 items."""
    source = "{{#each x}}" + "{{#each ../../x}}" * 8 + "y" + "{{/each}}" * 9
    with pytest.raises(RenderingFailed, match="larger than the sandbox renders"):
        Template.of(source).render({"x": list(range(100))}, budget=Budget(steps=10_000))


def test_a_template_that_repeats_a_long_value_ends():
    """Before it fills the memory."""
    template = Template.of("{{x}}" * 1000)
    with pytest.raises(RenderingFailed, match="larger than the sandbox renders"):
        template.render({"x": "y" * 1000}, budget=Budget(characters=10_000))


@pytest.mark.parametrize(
    ("opening", "closing", "levels"), [("{{#%d}}", "{{/%d}}", 1), ("{{#%d.x}}", "{{/%d.x}}", 2)]
)
def test_blocks_are_nested_to_a_limit(opening, closing, levels):
    """So that neither a rendering nor a suggested model is deeper than Python can go."""
    for depth in (MAX_DEPTH // levels - 1, MAX_DEPTH // levels):
        numbers = range(depth)
        opened = "".join(opening % number for number in numbers)
        closed = "".join(closing % number for number in reversed(numbers))
        template = Template.of(f"{opened}{{{{x}}}}{closed}")
        model = suggested_model([(template, None)])
        assert json.loads(json.dumps(model)) == model
        is_deep = depth * levels + 1 > MAX_DEPTH
        assert [error.text for error in template.errors] == (
            [f"The path 'x' is nested more than {MAX_DEPTH} levels deep."] if is_deep else []
        )
        assert template.render(model, budget=Budget()) == ("" if is_deep else "x_Value")


HOSTILE = {
    "braces": "{" * 100_000,
    "open tags": "{{" * 50_000,
    "open blocks": "{{#each x}}" * 20_000,
    "a long path": "{{" + "a." * 50_000 + "}}",
    "ways up": "{{" + "../" * 50_000 + "}}",
    "an open comment": "{{!" + "\n" * 100_000,
    "errors": "{{x y}}\n" * 20_000,
    "ends": "{{/each}}" * 20_000,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_templates_are_read_in_little_time(hostile):
    """Each takes time by its length, and has no more errors than are reported."""
    assert len(Template.of(hostile).errors) <= MAX_ERRORS


def test_a_cache_reads_a_template_once_and_forgets_the_oldest():
    """It keeps so many characters; a source that is longer than that is not kept."""
    cache = TemplateCache(max_characters=10)
    first = cache.of("{{a}}")
    assert cache.of("{{a}}") is first
    cache.of("{{bb}}")
    assert cache.of("{{a}}") is not first
    assert cache.of("x" * 100).render({}) == "x" * 100


# --- laws -----------------------------------------------------------------------------------------

PATHS = st.sampled_from(["a", "b", "a.b", "c", "b.c.a", "."])
PLAIN = st.text(st.characters(exclude_characters="{}", codec="utf-8"), max_size=8)


def _tags(path: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{{{{{path}}}}}", f"{{{{{{ {path} }}}}}}", f"{{{{&{path}}}}}"])


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms = (
        "{{{{#{p}}}}}{x}{{{{/{p}}}}}",
        "{{{{^{p}}}}}{x}{{{{/{p}}}}}",
        "{{{{#each {p}}}}}{x}{{{{/each}}}}",
    )
    return st.builds(
        lambda form, path, parts: form.format(p=path, x="".join(parts)),
        st.sampled_from(forms),
        PATHS,
        st.lists(inner, max_size=3),
    )


SOURCES = (
    st.lists(st.recursive(PLAIN | PATHS.flatmap(_tags), _blocks, max_leaves=6), max_size=4)
    .map("".join)
    .filter(lambda source: not Template.of(source).errors)  # {{#a}}{{#a}} closes the first
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)
MODELS = st.dictionaries(st.sampled_from("abc"), VALUES)
law = settings(max_examples=40, deadline=None)


def outcome(source, model, **options):
    """What rendering gives: a text, or the text of its failure."""
    try:
        return Template.of(source).render(model, **options)
    except RenderingFailed as failure:
        return failure


@law
@given(PLAIN, MODELS)
def test_a_text_without_tags_renders_to_itself(text, model):
    """Also in HTML: only values are encoded."""
    assert Template.of(text).render(model, html=True) == text


@law
@given(SOURCES, SOURCES, MODELS)
def test_two_templates_in_a_row_render_in_a_row(one, two, model):
    """No tag has an effect after its end."""
    both, first, second = (outcome(source, model) for source in (one + two, one, two))
    if isinstance(first, str) and isinstance(second, str):
        assert both == first + second
    else:
        assert isinstance(both, RenderingFailed)


@law
@given(SOURCES, SOURCES, SOURCES, MODELS)
def test_a_layout_renders_as_if_its_template_were_written_in_it(head, content, foot, model):
    """So a layout needs no rules of its own."""
    layout = f"{head}{{{{{{ @content }}}}}}{foot}"
    inside = outcome(layout, model, html=True, content=Template.of(content))
    written = outcome(head + content + foot, model, html=True)
    assert str(inside) == str(written)


@law
@given(SOURCES.filter(lambda source: "{{#each .}}" not in source))
def test_a_suggested_model_renders(source):
    """It has a list where the template loops, if that has a name."""
    template = Template.of(source)
    assert isinstance(template.render(suggested_model([(template, None)])), str)


@law
@given(st.text())
def test_encoding_can_be_undone_and_leaves_no_markup(text):
    """So a value is neither lost nor read as HTML."""
    encoded = Template.of("{{x}}").render({"x": text}, html=True)
    assert not set("<>\"'") & set(encoded)
    assert html.unescape(encoded) == text


@law
@given(st.text("{}#^/&!.@ea ch\n\U0001f600é", max_size=60))
def test_each_error_is_at_a_tag(source):
    """Whatever is written, its errors have places that exist."""
    _, errors = tokenize(source)
    lines = [line.encode("utf-16-le") for line in source.split("\n")]
    for error in errors:
        assert lines[error.line - 1][2 * error.position - 2 :].startswith("{{".encode("utf-16-le"))
