"""Templates of other tools: each error and warning says what was written and what to write."""

from __future__ import annotations

import time

import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import LetterError
from tests.composing import cells, compose, frame

DF = {
    "first_name": ["Ann"],
    "name": ["Ann"],
    "order": cells({"number": 7}),
    "orders": cells([{"item": "tea"}]),
}

SYNTAX = [
    # Handlebars, Mustache
    ("{{#each orders}}", "Handlebars", "{% for item in orders %}…{% endfor %}"),
    ("{{#if name}}", "Handlebars", "{% if name %}…{% endif %}"),
    ("{{#unless name}}", "Handlebars", "{% if not name %}…{% endif %}"),
    ("{{#with order}}", "Handlebars", "{% with item = order %}…{% endwith %}"),
    ("{{/each}}", "Handlebars", "{% endfor %}"),
    ("{{/if}}", "Handlebars", "{% endif %}"),
    ("{{#orders}}", "Mustache", "{% for item in orders %}…{% endfor %} for a list, else {% if"),
    ("{{^orders}}", "Mustache", "{% if not orders %}…{% endif %}"),
    ("{{/orders}}", "Mustache", "{% endfor %} after a list"),
    ("{{> footer}}", "Handlebars", "{% include 'footer.html' %}"),
    ("{{!-- note --}}", "Handlebars", "a comment as {# … #}"),
    (
        "{{& name }}",
        "Mustache",
        "{{ name }}; for HTML that you trust, make the column with mf.html(",
    ),
    ("{{{ name }}}", "Handlebars", "{{ name }}; for HTML that you trust, make the column"),
    ("{{@index}}", "Handlebars", "{{ loop.index0 }}"),
    ('{{upper name "x"}}', "Handlebars", "{{ name | upper }}"),
    # SendGrid
    ('{{#equals plan "team"}}', "SendGrid", '{% if plan == "team" %}…{% endif %}'),
    ("{{#greaterThan n 3}}", "SendGrid", "{% if n > 3 %}…{% endif %}"),
    ("{{#and vip name}}", "SendGrid", "{% if vip and name %}…{% endif %}"),
    ("{{/equals}}", "Handlebars", "{% endif %}"),
    ("{{greaterThan n 3}}", "SendGrid", "{{ n > 3 }}"),
    ('{{insert name "default=Customer"}}', "SendGrid", "{{ name | default('Customer') }}"),
    ('{{ insert "name" }}', "SendGrid", "{{ name }}"),
    ('{{formatDate day "MMMM"}}', "SendGrid", "{{ day | date }}"),
    ("{{ lookup orders 0 }}", "Handlebars", "{{ orders[0] }}"),
    # Python, and slips of the pen
    ("{{ f'{name} x' }}", "an f-string of Python", "the text, and in it {{ name }}"),
    ("{{ name }", "not closed", "{{ name }}"),
    ("{% foreach $orders as $id => $o %}", "not Jinja", "{% for o in orders %}…{% endfor %}"),
    ("{% while name %}", "not Jinja", "{% for item in … %}…{% endfor %}"),
    # Go
    ("{{ .Name }}", "Go", "{{ Name }}"),
    ("{{ range $i := .Items }}", "Go", "{% for item in … %}"),
    ('{{ template "foot" . }}', "Go", "{% include 'foot.html' %}"),
    # PHP
    ("{{ $user->name }}", "Blade", "{{ user.name }}, or {{ name }}"),
    ("{{ $name }}", "PHP", "{{ name }}"),
    ("{{var order.increment_id}}", "Magento", "{{ order.increment_id }}"),
    ('{{trans "Hello"}}', "Magento", "{% trans %}"),
    # Django
    ("{% load i18n %}", "Django", "remove it"),
    ("{% static 'a/x.png' %}", "Django", "https://acme.example/a/x.png"),
    ("{% url 'account' id %}", "Django", "the whole URL"),
    ("{% csrf_token %}", "Django", "remove it"),
    ('{{ name|date:"d.m.Y" }}', "Django", "{{ name | date('%d.%m.%Y') }}"),
    ('{{ name|default:"there" }}', "Django", '{{ name | default("there") }}'),
    ("{% blocktrans %}", "Django", "{% trans %}…{% endtrans %}"),
    ("{% blocktranslate with n=order.number %}", "Django", "{% trans n=order.number %}"),
    ("{% comment %}", "Django", "{# … #}"),
    ("{% verbatim %}", "Django", "{% raw %}…{% endraw %}"),
    ("{% now 'Y' %}", "Django", "a constant of the letter"),
    ("{% ifequal name order %}", "Django", "{% if name == order %}"),
    ("{% for x in orders %}{% empty %}", "Django", "{% else %}"),
    (
        "{% include 'a.html' with x=1 %}",
        "Django",
        "{% with … %}{% include 'a.html' %}{% endwith %}",
    ),
    ("{% with order.number as n %}", "Django", "{% with n = order.number %}"),
    # Liquid, Twig
    ("{{ name | capitalize: }}", "Liquid", "{{ name | capitalize }}"),
    ("{% assign x = name %}", "Liquid", "{% set x = name %}"),
    ("{% capture x %}", "Liquid", "{% set x %}…{% endset %}"),
    ("{% unless name %}", "Liquid", "{% if not (name) %}…{% endif %}"),
    ("{% case name %}", "Liquid", "{% if name == '…' %}"),
    ("{% render 'foot' %}", "Liquid", "{% include 'foot' %}"),
    ("{% for i in (1..5) %}", "Liquid", "{% for i in range(1, 5 + 1) %}"),
    ("{% if order contains 'x' %}", "Liquid", "{% if 'x' in order %}"),
    ("{% if name %}a{% elsif order %}", "Liquid and Twig", "{% elif … %}"),
    ("{{ name ?? 'there' }}", "Twig", "{{ name | default('there') }}"),
    # others
    ("{% if name && order %}", "not Jinja", "{% if … and … %}"),
    ("{% if name = 'Ann' %}", "not Jinja", "{% if name == … %}"),
    ("{% if !name %}", "not Jinja", "{% if not name %}"),
    ("{{ name ? 'a' : 'b' }}", "JavaScript", "{{ 'a' if name else 'b' }}"),
]


@pytest.mark.parametrize("part", ["html_body", "text_body"])
@pytest.mark.parametrize(("tag", "tool", "instead"), SYNTAX)
def test_a_tag_of_another_tool_says_what_to_write(tag, tool, instead, part):
    """With the part, the line and the tag."""
    with pytest.raises(LetterError) as error:
        compose(frame(**DF), **{part: f"Hi,\n{tag} there"})
    text = str(error.value)
    assert text.startswith(f"{part}, line 2")
    assert tag[tag.rfind("{{" if tag.startswith("{{") else "{%") :].split("}}")[0] in text
    assert f" is {tool}" in text
    assert instead in text


def test_all_such_tags_of_a_template_are_listed():
    """With their lines, but without end tags, so that a template is changed once."""
    text = "{{#if name}}\n{{#each orders}}\n{{/each}}\n{{> foot}}\n{{/if}}"
    with pytest.raises(LetterError) as error:
        compose(frame(**DF), text_body=text)
    assert str(error.value) == (
        "text_body, line 1: {{#if name}} is Handlebars; write {% if name %}…{% endif %}; "
        "line 2: {{#each orders}} is Handlebars; write {% for item in orders %}…{% endfor %}, "
        "and {{ item.… }} inside; line 4: {{> foot}} is Handlebars; write {% include 'foot.html' %}"
    )


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("{% trans %}a{% if name %}b{% endif %}{% endtrans %}", "write {% endtrans %} before it"),
        (
            "{% trans %}{{ order.number }}{% endtrans %}",
            "write {% trans value=order.number %}…{{ value }}…{% endtrans %}",
        ),
        ("{% trans 'Hi' %}", "{% trans 'Hi' %} is Django; write {{ _('Hi') }}"),
    ],
)
def test_a_translated_text_holds_text_and_names_alone(text, instead):
    """The error says where the rest belongs."""
    with pytest.raises(LetterError, match=r"text_body, line 2: ") as error:
        compose(frame(**DF), text_body=f"Hi\n{text}")
    assert instead in str(error.value)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("{{ url_for('x', _external=True) }}", "Flask; write the whole URL"),
        ("{{ config.SITE }}", "mf.Letter(constants={…})"),
        ("{{ request.host }}", "write a column"),
        ("{{ current_user.email }}", "for {{ current_user.email }} write {{ email }}"),
        ("{{ current_user.name2 }}", "write {{ first_name }}, a column"),
        ("{% for m in get_flashed_messages() %}{{ m }}{% endfor %}", "leave it out"),
        ("{{ customer.first_name }}", "for {{ customer.first_name }} write {{ first_name }}"),
        ("{{ customer.FirstName }}", "for {{ customer.FirstName }} write {{ first_name }}"),
        ("{{ forloop.counter }}", "loop.index"),
        ("{{ block.super }}", "{{ super() }}"),
        ("{{ my_function(name) }}", "templates have no function my_function; write a column"),
        ("{{ asset('x.png') }}", "write the whole URL"),
        ("{% autoescape off %}{{ name }}{% endautoescape %}", "{% autoescape false %}"),
        ("{{else}}", "{% else %}"),
        ("{{ len(orders) }}", "{{ … | length }}"),
    ],
)
def test_a_name_of_another_tool_says_what_to_write(text, instead):
    """It is no column; the error has its part and line."""
    with pytest.raises(LetterError, match="html_body, line 2") as error:
        compose(frame(**DF), html_body=f"Hi\n{text}")
    assert instead in str(error.value)


def test_a_column_with_such_a_name_is_a_column():
    """The names are not reserved."""
    df = frame(config=["a"], request=["b"], path=["c"])
    campaign = compose(df, text_body="{{ config }}{{ request }}{{ path }}")
    assert campaign.messages()["TextBody"].tolist() == ["abc"]


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("{{ 'x' | t }}", "write {{ _('…') }}"),
        ("{{ name | raw }}", "did you mean safe?"),
        ("{{ name | linebreaksbr }}", "did you mean nl2br?"),
        ("{{ name | append('x') }}", "write {{ … ~ '…' }}"),
        ("{{ order.number | floatformat }}", "did you mean number?"),
        ("{{ order.number | pluralize }}", "did you mean plural?"),
    ],
)
def test_a_filter_of_another_tool_says_what_to_write(text, instead):
    """With the part and the line."""
    with pytest.raises(LetterError, match="text_body, line 2: No filter named") as error:
        compose(frame(**DF), text_body=f"Hi\n{text}")
    assert instead in str(error.value)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("*|IF:NAME|*", "write {% if … %}…{% endif %}"),
        ("<% orders.forEach(function(o){ %>", "write {% for item in … %}…{% endfor %}"),
        ("<% }) %>", "write {% for item in … %}…{% endfor %}"),
        ("<%asm_group_unsubscribe_raw_url%>", "write {{{ pm:unsubscribe }}}"),
        ("*|END:IF|*", "write {% if … %}…{% endif %}"),
        ("%%=v(@name)=%%", "write {{ name }}"),
        ("%%=Uppercase(@x)=%%", "write {{ … }} with the name of a column"),
        ("%%[ IF @x THEN ]%%", "write {% if … %}"),
        ("<%= @user.name %>", "write {{ name }}"),
        ("<%= yield %>", "write {{ … }} with the name of a column"),
        ("<% if name %>", "write {% if … %}"),
        ("${order.total}", "write {{ … }} with the name of a column"),
        ("#{total}", "write {{ … }} with the name of a column"),
        ("{!! $name !!}", "write {{ name }}"),
        ("@foreach($orders as $order)", "write {% if … %} or {% for … %}"),
        ("<#if name??>", "write {% if … %} or {% for … %}"),
        ("{contactfield=firstname}", "write {{ … }} with the name of a column"),
        ("{% raw %}{{name}}{% endraw %}", "write {{ name }} outside of {% raw %}"),
    ],
)
def test_text_of_another_tool_that_would_be_sent_is_a_warning(text, instead):
    """With the part, the line, the text and what to write."""
    problems = compose(frame(name=["Ann"]), text_body=f"Hi\n{text}").problems()
    assert set(problems["code"]) == {"foreign_placeholder"}
    detail = problems["detail"][0]
    assert detail.startswith("text_body, line 2: ")
    assert instead in detail


@pytest.mark.parametrize(
    "text", ["100% {{ name }}", "a@if.example", "$5 #1 {x}", "mail @ifa", "5 <# of 7>", "%% 5 %%"]
)
def test_ordinary_text_is_no_warning(text):
    """Signs alone are none of another tool."""
    assert compose(frame(name=["Ann"]), text_body=text).problems().empty


@pytest.mark.parametrize(
    "text", ["{{ order.items }}", "{% for x in order.items %}{{ x }}{% endfor %}"]
)
def test_a_method_of_a_dict_that_is_not_called_says_so(text):
    """``order.items`` is the key, if the dict has it."""
    [detail] = compose(frame(order=DF["order"]), text_body=text).problems()["detail"]
    assert detail == (
        "line 1: the dict has no key 'items', and .items is its method; write another key, or "
        "{% for … in ….items() %}"
    )
    df = frame(order=cells({"items": ["a"]}))
    assert compose(df, text_body="{{ order.items | join }}").problems().empty


def test_a_column_that_is_called_says_so():
    """A function of the other tool may have the name of a column."""
    [detail] = compose(frame(name=["Ann"]), text_body="{{ name('x') }}").problems()["detail"]
    assert detail == "line 1: the template calls a str as a function; write it without (…)"


def test_an_attribute_of_a_list_says_to_loop():
    """The list has none."""
    [detail] = compose(frame(orders=DF["orders"]), text_body="{{ orders.item }}").problems()[
        "detail"
    ]
    assert "loop over it: {% for item in … %}{{ item.item }}{% endfor %}" in detail


def test_a_missing_include_names_its_line_the_folders_and_similar_files(tmp_path):
    """And the shared folder, if there is none."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "footer.html").write_text("x")
    (tmp_path / "body.html").write_text("Hi\n{% include 'footer.html' %}")
    df = pd.DataFrame({"email": ["ann@acme.example"]})
    letter = mf.Letter.load(tmp_path).replace(
        sender="me@acme.example", to="{{ email }}", subject="x"
    )
    with pytest.raises(LetterError) as error:
        df.mail.compose(letter)
    assert str(error.value) == (
        f"html_body, line 2: there is no template 'footer.html' in the letter's folder {tmp_path} "
        "(did you mean parts/footer.html?)"
    )
    with pytest.raises(LetterError, match=r"'w\.txt'.*shared='letters/_shared'"):
        df.mail.compose(letter.replace(html_body="{% include 'w.txt' %}"))
    shared = tmp_path / "parts"
    with pytest.raises(LetterError, match="and not in the shared folder"):
        df.mail.compose(letter.replace(html_body="{% include 'w.txt' %}", shared=shared))
    with pytest.raises(LetterError, match=r"mf\.Letter\.load\(folder\).*shared="):
        compose(df, html_body="{% include 'w.txt' %}")


def test_a_tag_without_an_end_takes_no_time():
    """Only its start is read; the error is Jinja's own or advice."""
    text = "{{ a ? " + "b : " * 50_000
    started = time.process_time()
    with pytest.raises(LetterError, match="text_body, line 1"):
        compose(frame(), text_body=text)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("{% if name %}x", "{% if … %} is not closed; write {% endif %} where it ends"),
        (
            "{% for o in orders %}{% if name %}x{% endfor %}",
            "{% if … %} is not closed; write {% endif %} before {% endfor %}",
        ),
        ("x{% endif %}", "{% endif %} has no {% if … %} before it; remove it"),
        ("{% else %}", "{% else %} has no {% if … %} before it; remove it"),
        ("{% money amount %}", "no tag {% money … %}; a value is {{ … }}, and a function is a fil"),
        ("{% if name is not empty %}{% endif %}", "write {% if not … %}, or {% if … %} for not"),
        ("{% if name is null %}{% endif %}", "write … is none"),
        (
            "{{ name | there }}",
            "write … | default('there') for a default text, or a filter of your",
        ),
        ("{{ name | money_with_currency }}", "did you mean money?"),
        ("{{ unsubscribe }}", "write {{{ pm:unsubscribe }}}"),
    ],
)
def test_an_error_of_jinja_says_what_to_write(text, instead):
    """With the part, the line, and the text there."""
    with pytest.raises(LetterError, match=r"html_body, line 2") as error:
        compose(frame(**DF), html_body=f"Hi\n{text}")
    assert instead in str(error.value)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("{% if orders.count > 1 %}x{% endif %}", "for the number of items write {{ … | length }}"),
        ("{{ orders.size }}", "the value is a list, which has no 'size'; write {{ … | length }}"),
        ("{{ orders.length }}", "which has no 'length'; write {{ … | length }}"),
        ("{{ orders.first.item }}", "which has no 'first'; write {{ … | first }}"),
        ("{{ name.size }}", "the value is a text, which has no 'size'; write {{ … | length }}"),
        ("{{ name.first }}", "the value is a text, which has no 'first'; write the value alone"),
        ("{{ orders.item }}", "loop over it: {% for item in … %}{{ item.item }}{% endfor %}"),
    ],
)
def test_an_attribute_of_another_tool_says_what_to_write(text, detail):
    """It depends on the value, so it is a problem of the row."""
    problems = compose(frame(**DF), text_body=f"Hi\n{text}").problems()
    [written] = problems.query("severity == 'error'")["detail"]
    assert written.startswith("line 2: ")
    assert detail in written
