"""Placeholders of other tools, visible markup, wrong characters, and empty subjects."""

from __future__ import annotations

import pytest

import mailframe as mf
from tests.composing import cells, codes, compose, frame, payloads, row_problems

FOREIGN = [
    "{name}",
    "{ Name }",
    "{name!r}",
    "{name:>10}",
    "{name}}",
    "${name}",
    "#{name}",
    "{$name}",
    "{!Contact.Name}",
    "{*name*}",
    "[NAME]",
    "[ Name ]",
    "[name,fallback=there]",
    "[[name]]",
    "[[ name | there ]]",
    "[%name%]",
    "*|NAME|*",
    "*|FNAME|*",
    "*|IF:VIP|*",
    "%(name)s",
    "%(name)-10s",
    "%name%",
    "%recipient.name%",
    "%%name%%",
    "%%=v(@name)=%%",
    "<%name%>",
    "<%= name %>",
    "<<name>>",
    "«name»",
    "##name##",
    "{% raw %}{{name}}{% endraw %}",
    "{% raw %}{{ contact.name }}{% endraw %}",
]


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("part", ["subject", "text_body", "html_body"])
def test_a_placeholder_of_another_tool_is_a_warning_of_the_letter(text, part):
    """Once, not for each row, with the line and what to write."""
    problems = compose(frame(3, name=["Ann", "Bob", "Zoë"]), **{part: f"Dear {text},"}).problems()
    assert problems[["field", "code", "severity"]].to_numpy().tolist() == [
        [part, "foreign_placeholder", "warning"]
    ]
    assert problems["row"].isna().all()
    assert problems["detail"][0].startswith(f"{part}, line 1: ")


@pytest.mark.parametrize(
    ("markup", "line"),
    [
        ("<p>\n&lt;%name%&gt;</p>", 2),
        ("<p>\n\n&#123;name&#125;</p>", 3),
        ('<p>\n<a href="https://acme.example/?n=%7Bname%7D">x</a></p>', 2),
        ('<p>\n<a href="https://acme.example/?n=*%7CNAME%7C*">x</a></p>', 2),
        ('<img src="https://acme.example/a.png" alt="{name}">', 1),
        ("{% if true %}\n<p>{{ email }}</p>\n{% endif %}<p>\n[NAME]</p>", 4),
    ],
)
def test_a_placeholder_is_found_however_html_writes_it(markup, line):
    """With entities, percent-encoded, in an attribute; and its line is the template's."""
    problems = compose(frame(name=["Ann"]), html_body=markup, text_body="acme.example").problems()
    [detail] = problems["detail"]
    assert detail.startswith(f"html_body, line {line}: ")
    assert detail.endswith("write {{ name }}")


@pytest.mark.parametrize(
    "column", ["first_name", "First Name", "FIRSTNAME", "firstName", "first-name"]
)
@pytest.mark.parametrize(
    "text", ["{first_name}", "[FIRST NAME]", "%(FirstName)s", "*|FIRST-NAME|*"]
)
def test_the_name_is_compared_without_case_spaces_and_signs(text, column):
    """What the detail says to write works."""
    df = frame(**{column: ["Ann"]})
    [detail] = compose(df, text_body=f"Dear {text}").problems()["detail"]
    instead = detail.partition("; write ")[2]
    assert payloads(df, text_body=f"Dear {instead}")[0]["TextBody"] == "Dear Ann"


@pytest.mark.parametrize(
    "text",
    [
        "{other} [OTHER] %(other)s %other% <%other%> [[other]] «other»",
        "[name](https://acme.example) and [name][1] ![name](a) [1] [x]",
        "[name]: https://acme.example",
        "{{ name }} {{{ pm:unsubscribe }}}",
        "[{{ name }}] {{ '{' }}{{ name }}{{ '}' }}",
        "a 20%name% b",
        "100% name, 50 %",
        '{"name": "x"}',
        "rows[name] and f{name",
        "x [x] {} [] %% <%%>",
    ],
)
def test_other_text_is_not_a_placeholder(text):
    """Nor is a name that is no column, a Markdown link, JSON or a percentage."""
    df = frame(name=["Ann"], x=[1]).assign(**{"1": 1})
    assert codes(df, text_body=text) == []


def test_css_and_scripts_are_not_placeholders():
    """``{color}`` in a style is no column."""
    html = "<style>@media print{a{color:red}} {color} [name]</style><p>Hi</p>"
    assert codes(frame(color=["red"], name=["Ann"]), html_body=html) == []


def test_cells_are_not_searched_for_placeholders():
    """Cells can have any text."""
    assert (
        codes(frame(name=["{name} *|FNAME|* %name%"]), text_body="{{ name }}", subject="{{ name }}")
        == []
    )


# --- the subject ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject", [None, "", " ", "\u00a0", "\u200b", "{{ v }}", "{% if v %}x{% endif %}"]
)
def test_an_empty_or_missing_subject_is_an_error_unless_the_letter_allows_it(subject):
    """The detail names the setting."""
    df = frame(v=cells("", ""))
    assert row_problems(df, subject=subject) == [
        (0, "subject", "empty_subject"),
        (1, "subject", "empty_subject"),
    ]
    [detail, _] = compose(df, subject=subject).problems()["detail"]
    assert "allow_empty_subject=True" in detail
    assert codes(df, subject=subject, allow_empty_subject=True) == []


@pytest.mark.parametrize("subject", ["x", "🎉", "!", "0"])
def test_a_subject_of_one_character_is_a_subject(subject):
    """Also one that is false in Python."""
    assert codes(frame(v=[subject]), subject="{{ v }}") == []


def test_a_subject_that_failed_is_not_called_empty_as_well():
    """One fault is one problem."""
    assert codes(frame(v=cells(None)), subject="{{ v }}") == ["missing_value"]


def test_a_folder_may_allow_an_empty_subject(tmp_path):
    """In letter.toml, as a truth value and nothing else."""
    (tmp_path / "body.txt").write_text("Hi")
    settings = 'sender = "me@acme.example"\nto = "{{ email }}"\nallow_empty_subject = '
    (tmp_path / "letter.toml").write_text(f"{settings}true")
    assert codes(frame(), letter=mf.Letter.load(tmp_path)) == []
    (tmp_path / "letter.toml").write_text(f'{settings}"false"')
    with pytest.raises(
        mf.errors.LetterError, match="allow_empty_subject='false'; write True or False"
    ):
        mf.Letter.load(tmp_path)


# --- characters and markup ------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["text_body", "html_body"])
@pytest.mark.parametrize(
    "character",
    ["\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\x80", "\x9f", "\ufffd", "\uffff"],
)
def test_a_character_that_no_text_has_is_a_warning(character, part):
    """Of the row that has it, or of the letter if the template has it."""
    df = frame(v=["x", f"a{character}b"])
    assert row_problems(df, **{part: "{{ v }}"}) == [(1, part, "garbled_text")]
    problems = compose(df, **{part: f"\na{character}b{{{{ v }}}}"}).problems()
    assert problems["row"].isna().tolist() == [True]
    assert problems["detail"][0].startswith(f"{part}, line 2: ")
    assert problems["severity"].tolist() == ["warning"]


@pytest.mark.parametrize("part", ["text_body", "html_body"])
def test_nul_in_a_body_is_an_error(part):
    """No message can contain it."""
    assert row_problems(frame(v=["x", "a\x00b"]), **{part: "{{ v }}"}) == [
        (1, part, "control_character")
    ]


def test_usual_characters_cause_no_warning():
    """Line ends, tabs, no-break spaces, emoji, Windows paths and text in any script."""
    text = "a\tb\r\nc\u00a0© Zoë 美咲 🎉 C:\\new\\bin\\u0041 ￠ שלום"
    assert codes(frame(v=[text]), text_body="{{ v }}", html_body="{{ v }}") == []


@pytest.mark.parametrize(
    "fields",
    [{"subject": "{{ v }}"}, {"to": "{{ v }} <{{ email }}>"}, {"cc": "{{ v }} <c@acme.com>"}],
)
def test_a_replacement_character_in_a_line_is_a_warning(fields):
    """A name or a subject that was read with the wrong encoding."""
    assert row_problems(frame(v=["M\ufffdller"]), **fields) == [
        (0, next(iter(fields)), "garbled_text")
    ]


MARKUP = [
    '<table class="a"><tr><td>1</td></tr></table>',
    "<b>now</b>",
    "a<br>b",
    "a<br/>b",
    "<table border>",
    '<a href="https://acme.example">x</a>',
    "<!-- x -->",
    "a&nbsp;b",
    "AT&amp;T",
    "&#8217;",
    "&#x2019;",
]


@pytest.mark.parametrize("cell", MARKUP)
@pytest.mark.parametrize("body", ["<p>{{ v }}</p>", '<p title="{{ v }}">x</p>'])
def test_a_cell_that_looks_like_markup_is_a_warning_with_two_fixes(cell, body):
    """Both fixes are applied as they are written."""
    df = frame(v=["plain", cell])
    [detail] = compose(df, html_body=body).problems()["detail"]
    assert row_problems(df, html_body=body) == [(1, "html_body", "escaped_markup")]
    assert "mf.html(df['…'])" in detail
    assert "{{ … | striptags }}" in detail
    assert "escaped_markup" not in codes(df, html_body=body.replace("v }}", "v | striptags }}"))
    if "title" not in body:
        assert "escaped_markup" not in codes(df.assign(v=mf.html(df["v"])), html_body=body)


@pytest.mark.parametrize(
    "cell", ["a < b", "Bob <bob@acme.com>", "<3", "1 <b and c> 2", "R&D", "a & b; c", "&c;", "x<y"]
)
def test_a_cell_with_signs_is_not_markup(cell):
    """Signs are escaped and shown as they are."""
    assert codes(frame(v=[cell]), html_body="<p>{{ v }}</p>") == []


def test_markup_that_the_template_shows_itself_causes_no_warning():
    """A template that writes ``&lt;b&gt;`` wants to show it."""
    assert codes(frame(v=["x"]), html_body="<p>Write &lt;b&gt; and &amp;nbsp; {{ v }}</p>") == []
