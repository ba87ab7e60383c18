"""Letters in several languages: {% trans %}, gettext catalogs, and the language of each row."""

from __future__ import annotations

from html import unescape
from io import BytesIO

import pandas as pd
import pytest
from babel.messages import mofile, pofile

import mailframe as mf
from mailframe.errors import LetterError, MissingExtra
from tests.composing import MISSING, cells, compose, frame, payloads
from tests.message.columnar.both_ways import assert_same

HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: {plurals}\\n"
"""
TWO = "nplurals=2; plural=(n != 1);"
POLISH = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
GERMAN = """
msgid "Hello %(name)s"
msgstr "Hallo %(name)s"

msgid "%(n)s seat"
msgid_plural "%(n)s seats"
msgstr[0] "%(n)s Platz"
msgstr[1] "%(n)s Plätze"

msgctxt "month"
msgid "May"
msgstr "Mai"

msgid "Save 50%%"
msgstr "50%% sparen"
"""


def catalog(folder, language, texts, plurals=TWO, *, compiled=False, domain="messages"):
    """Write a catalog."""
    messages = folder / "locale" / language / "LC_MESSAGES"
    messages.mkdir(parents=True, exist_ok=True)
    written = (HEADER.format(plurals=plurals) + texts).encode()
    if not compiled:
        (messages / f"{domain}.po").write_bytes(written)
        return
    buffer = BytesIO()
    mofile.write_mo(buffer, pofile.read_po(BytesIO(written)))
    (messages / f"{domain}.mo").write_bytes(buffer.getvalue())


@pytest.fixture
def german(tmp_path):
    """A folder with a German catalog."""
    catalog(tmp_path, "de", GERMAN)
    return tmp_path


def texts(folder, template, languages, part="text_body", **columns):
    """What a template prints for rows with these languages."""
    df = frame(lang=languages, **columns)
    field = {"text_body": "TextBody", "html_body": "HtmlBody"}[part]
    made = payloads(
        df, folder=folder, translations="locale", language="{{ lang }}", **{part: template}
    )
    return [payload[field] for payload in made]


def test_each_row_has_its_language(german):
    """A row in the language of the templates gets their text."""
    made = texts(
        german,
        "{% trans %}Hello {{ name }}{% endtrans %}",
        ["de", "en", "de"],
        name=["A", "B", "C"],
    )
    assert made == ["Hallo A", "Hello B", "Hallo C"]


def test_text_that_no_catalog_has_is_printed_as_written(german):
    """As gettext does."""
    assert texts(german, "{% trans %}Bye{% endtrans %}", ["de"]) == ["Bye"]


@pytest.mark.parametrize(
    ("n", "text"), [(1, "1 Platz"), (0, "0 Plätze"), (2, "2 Plätze"), (5.0, "5 Plätze")]
)
def test_plural_forms_of_two(german, n, text):
    """With the count as ``{{ … }}`` prints it."""
    template = "{% trans n=n %}{{ n }} seat{% pluralize %}{{ n }} seats{% endtrans %}"
    assert texts(german, template, ["de"], n=[n]) == [text]


@pytest.mark.parametrize(("n", "word"), [(1, "plik"), (2, "pliki"), (5, "plików"), (22, "pliki")])
def test_plural_forms_of_three(tmp_path, n, word):
    """The rule of the catalog decides."""
    forms = 'msgid "file"\nmsgid_plural "files"\n'
    forms += 'msgstr[0] "plik"\nmsgstr[1] "pliki"\nmsgstr[2] "plików"\n'
    catalog(tmp_path, "pl", forms, POLISH)
    template = "{% trans count=n %}file{% pluralize %}files{% endtrans %}"
    assert texts(tmp_path, template, ["pl"], n=[n]) == [word]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ _('Hello %(name)s', name=name) }}", "Hallo Z"),
        ("{{ gettext('Hello %(name)s', name=name) }}", "Hallo Z"),
        ("{{ ngettext('%(n)s seat', '%(n)s seats', 2, n=2) }}", "2 Plätze"),
        ("{{ pgettext('month', 'May') }}", "Mai"),
        ("{{ gettext('May') }}", "May"),
        ("{% trans 'month' %}May{% endtrans %}", "Mai"),
        ("{% trans %}Save 50%{% endtrans %}", "50% sparen"),
        ("{{ _('100% yours') }}", "100% yours"),
        ("{% trans trimmed %}\n  Hello\n  {{ name }}\n{% endtrans %}", "Hallo Z"),
        ("{% set greeting = _('Hello %(name)s', name=name) %}{{ greeting }}", "Hallo Z"),
    ],
)
def test_every_way_to_translate(german, template, text):
    """Functions and tags."""
    assert texts(german, template, ["de"], name=["Z"]) == [text]


def test_a_translation_reaches_macros_of_imported_files(german):
    """Which see no column."""
    (german / "m.txt").write_text(
        "{% macro hi(name) %}{% trans %}Hello {{ name }}{% endtrans %}{% endmacro %}"
    )
    made = texts(german, "{% import 'm.txt' as m %}{{ m.hi(name) }}", ["de"], name=["Z"])
    assert made == ["Hallo Z"]


@pytest.mark.parametrize(
    "template",
    [
        "<p>{% trans %}Hello {{ name }}{% endtrans %}</p>",
        "<p>{{ _('Hello %(name)s', name=name) }}</p>",
        "<p>{{ _(name) }}</p>",
        "<p>{% set f = gettext %}{{ f(name) }}</p>",
        "<p>{{ ngettext(name, name, 2) }}</p>",
        "<p>{{ pgettext('x', name) }}</p>",
    ],
)
def test_values_in_translations_are_escaped(german, template):
    """Also a value that is translated itself."""
    [html] = texts(german, template, ["de"], "html_body", name=["<b>&"])
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html


def test_markup_in_a_translated_text_stays_markup(tmp_path):
    """It is written by the letter's authors."""
    catalog(tmp_path, "de", 'msgid "Hello <b>%(name)s</b>"\nmsgstr "Hallo <i>%(name)s</i>"\n')
    template = "<p>{% trans %}Hello <b>{{ name }}</b>{% endtrans %}</p>"
    made = texts(tmp_path, template, ["de", "en"], "html_body", name=["&", "&"])
    assert made == ["<p>Hallo <i>&amp;</i></p>", "<p>Hello <b>&amp;</b></p>"]


@pytest.mark.parametrize(
    "template",
    [
        "{% trans %}<a href={{ url }}>x</a>{% endtrans %}",
        "{% trans %}<a onclick='{{ url }}'>x</a>{% endtrans %}",
        "{% trans %}<style>a{color:{{ url }}}</style>{% endtrans %}",
        "{% trans n=2 %}x{% pluralize %}<a href={{ url }}>x</a>{% endtrans %}",
        "<a href={% trans %}{{ url }}{% endtrans %}>x</a>",
        "{{ _('<a href=%(url)s>', url=url) }}",
    ],
)
def test_places_where_escaping_does_not_protect_are_refused_in_translated_texts(template):
    """As in other text of a template."""
    with pytest.raises(LetterError, match="html_body, line 1"):
        compose(frame(url=["x"]), html_body=template)


def test_a_missing_value_in_a_translation_is_an_error(german):
    """It never prints nan."""
    campaign = compose(
        frame(name=[None], lang=["de"]),
        folder=german,
        translations="locale",
        language="{{ lang }}",
        text_body="{% trans %}Hello {{ name }}{% endtrans %}",
    )
    assert campaign.problems()["code"].tolist() == ["missing_value"]


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
def test_a_row_without_a_language_has_a_problem(german, value):
    """A default in the template decides otherwise."""
    fields = {"folder": german, "translations": "locale", "text_body": "x"}
    df = frame(lang=cells(value))
    campaign = compose(df, language="{{ lang }}", **fields)
    [row] = campaign.problems().to_dict("records")
    assert (row["field"], row["code"]) == ("language", "missing_value")
    assert compose(df, language="{{ lang | default('de') }}", **fields).problems().empty


@pytest.mark.parametrize("language", ["fr", "xx", "deutsch", "../de"])
def test_a_language_without_a_catalog_is_a_problem_of_its_row(german, language):
    """It names the catalogs."""
    campaign = compose(
        frame(lang=["de", language]),
        folder=german,
        translations="locale",
        language="{{ lang }}",
        text_body="{% trans name='x' %}Hello {{ name }}{% endtrans %}",
    )
    [row] = campaign.problems().to_dict("records")
    assert (row["row"], row["field"], row["code"]) == (1, "language", "invalid_value")
    assert "the catalogs are de, en" in row["detail"]
    assert campaign.messages()["TextBody"].iloc[0] == "Hallo x"


@pytest.mark.parametrize("language", ["de", "DE", "de_AT", "de-AT", "de-at", " de "])
def test_a_language_is_found_in_any_spelling(german, language):
    """A catalog of the language serves all countries."""
    assert texts(german, "{{ _('Hello %(name)s', name='x') }}", [language]) == ["Hallo x"]


def test_a_catalog_of_a_country_comes_before_that_of_the_language(german):
    """And serves only that country."""
    catalog(german, "de_AT", 'msgid "Hello %(name)s"\nmsgstr "Servus %(name)s"\n')
    made = texts(german, "{{ _('Hello %(name)s', name='x') }}", ["de", "de-AT", "de-CH"])
    assert made == ["Hallo x", "Servus x", "Hallo x"]


def test_a_catalog_for_english_is_used(german):
    """If there is one; otherwise the texts of the templates are English."""
    template = "{{ _('Hello %(name)s', name='x') }}"
    assert texts(german, template, ["en", "en-GB"]) == ["Hello x", "Hello x"]
    catalog(german, "en", 'msgid "Hello %(name)s"\nmsgstr "Howdy %(name)s"\n')
    assert texts(german, template, ["en", "en-GB"]) == ["Howdy x", "Howdy x"]


def test_a_compiled_catalog_is_read_like_one_in_text_form(tmp_path):
    """Several domains are one catalog."""
    catalog(tmp_path, "de", GERMAN, compiled=True)
    catalog(tmp_path, "de", 'msgid "Bye"\nmsgstr "Tschüss"\n', compiled=True, domain="more")
    made = texts(tmp_path, "{{ _('Hello %(name)s', name='x') }} {{ _('Bye') }}", ["de"])
    assert made == ["Hallo x Tschüss"]


def test_the_text_form_comes_before_the_compiled_one(tmp_path):
    """It cannot be out of date."""
    catalog(tmp_path, "de", 'msgid "Bye"\nmsgstr "old"\n', compiled=True)
    catalog(tmp_path, "de", 'msgid "Bye"\nmsgstr "new"\n')
    assert texts(tmp_path, "{{ _('Bye') }}", ["de"]) == ["new"]


@pytest.mark.parametrize(
    ("texts_of_catalog", "error"),
    [
        ('msgid "Hello %(name)s"\nmsgstr "Hallo %(nmae)s"\n', r"has %\(nmae\)s, which its text"),
        ('msgid "x"\nmsgstr "y"\n"z\nq', "messages.po"),
    ],
)
def test_a_faulty_catalog_is_refused(tmp_path, texts_of_catalog, error):
    """With the file or the translation."""
    catalog(tmp_path, "de", texts_of_catalog)
    with pytest.raises(LetterError, match=error):
        texts(tmp_path, "x", ["de"])


def test_a_damaged_compiled_catalog_is_refused(tmp_path):
    """With its folder."""
    catalog(tmp_path, "de", "", compiled=True)
    path = tmp_path / "locale" / "de" / "LC_MESSAGES" / "messages.mo"
    path.write_bytes(b"damaged")
    with pytest.raises(LetterError, match="cannot be read"):
        texts(tmp_path, "x", ["de"])


def test_a_folder_without_catalogs_is_refused(tmp_path):
    """With the path that one would have."""
    with pytest.raises(LetterError, match="there is no folder"):
        texts(tmp_path, "x", ["de"])
    (tmp_path / "locale").mkdir()
    with pytest.raises(LetterError, match="has no catalog"):
        texts(tmp_path, "x", ["de"])


def test_translations_need_a_language(german):
    """The error says how to give it."""
    with pytest.raises(LetterError, match="write language="):
        compose(frame(), folder=german, translations="locale", text_body="x")


def test_a_constant_language_without_a_catalog_is_refused(german):
    """Once, and not for each row."""
    with pytest.raises(LetterError, match="language: there is no catalog for the language 'fr'"):
        compose(frame(), folder=german, translations="locale", language="fr", text_body="x")


def test_without_translations_trans_prints_its_text():
    """So that templates of other projects work as they are."""
    [payload] = payloads(
        frame(n=[2]),
        text_body="{% trans n=n %}{{ n }} seat{% pluralize %}{{ n }} seats{% endtrans %}",
    )
    assert payload["TextBody"] == "2 seats"


def test_filters_use_the_language_of_the_row():
    """A locale in the template comes first."""
    [first, second, third] = payloads(
        frame(lang=["de", "fr", ""]),
        language="{{ lang }}",
        text_body="{{ '2026-11-22' | date }} {{ 1234.5 | number }} {{ 1 | money }} "
        "{{ 1234.5 | number(locale='en') }}",
    )
    assert first["TextBody"] == "22. November 2026 1.234,5 1,00\xa0€ 1,234.5"
    assert second["TextBody"] == "22 novembre 2026 1\u202f234,5 1,00\xa0€ 1,234.5"
    assert third["TextBody"] == "22 November 2026 1,234.5 €1.00 1,234.5"


def test_a_language_can_be_a_constant_or_a_series(german):
    """As other fields can."""
    df = frame(2)
    fields = {"folder": german, "translations": "locale", "text_body": "{{ _('Save 50%%') }}"}
    assert (
        compose(df, language="de", **fields).messages()["TextBody"].tolist() == ["50% sparen"] * 2
    )
    series = pd.Series(["de", "en"])
    made = compose(df, language=series, **fields).messages()["TextBody"]
    assert made.tolist() == ["50% sparen", "Save 50%"]


def test_the_language_is_not_posted(german):
    """It is a setting of the templates."""
    [payload] = payloads(
        frame(), folder=german, translations="locale", language="de", text_body="x"
    )
    assert sorted(payload) == ["From", "Subject", "TextBody", "To"]


def test_a_row_never_has_the_language_of_another_row(german):
    """Rows with a faulty language between the others, in any order, on both paths."""
    languages = ["de", "en", None, "fr", "de", "", "en"] * 200
    campaign = compose(
        frame(lang=cells(*languages), n=range(1400)),
        folder=german,
        translations="locale",
        language="{{ lang | default('en') }}",
        subject="{{ _('Hello %(name)s', name=n) }} {{ '2026-11-22' | date }}",
        html_body="<p>{% trans name=lang or '' %}Hello {{ name }}{% endtrans %} {{ n }}</p>",
        text_body="{% trans %}Save 50%{% endtrans %} {{ '2026-11-22' | date('short') }}",
    )
    left = assert_same(campaign._composed.bound)
    assert left == 200
    messages = campaign.messages()
    for language, subject in zip(languages, messages["Subject"], strict=True):
        if language != "fr":
            assert subject.startswith("Hallo" if language == "de" else "Hello")


def test_another_translation_is_another_campaign(german):
    """The fingerprint covers the catalogs."""
    fields = {"folder": german, "translations": "locale", "language": "de", "text_body": "x"}
    first = compose(frame(), **fields).fingerprint
    assert compose(frame(), **fields).fingerprint == first
    catalog(german, "de", GERMAN.replace("Hallo", "Servus"))
    assert compose(frame(), **fields).fingerprint != first


def test_a_letter_with_translations_is_loaded_from_its_folder(german):
    """The folder of catalogs is beside the templates."""
    (german / "body.txt").write_text("{% trans name=email %}Hello {{ name }}{% endtrans %}")
    (german / "letter.toml").write_text(
        'sender = "me@acme.example"\nto = "{{ email }}"\nsubject = "x"\n'
        'translations = "locale"\nlanguage = "{{ lang }}"\n'
    )
    letter = mf.Letter.load(german)
    [payload] = payloads(frame(lang=["de"]), letter=letter)
    assert payload["TextBody"] == "Hallo p0@acme.example"


def test_a_masked_preview_keeps_the_words_of_a_translation(german):
    """And masks the values in it."""
    campaign = compose(
        frame(name=["Zoë"], lang=["de"], n=[7]),
        folder=german,
        translations="locale",
        language="{{ lang }}",
        text_body="{% trans %}Hello {{ name }}{% endtrans %} {% trans n=n %}{{ n }} seat"
        "{% pluralize %}{{ n }} seats{% endtrans %} {{ _(name) }}",
    )
    page = campaign.preview(static=True, mask=True)._repr_html_()
    assert "Hallo Xxx 0 Plätze Xxx" in unescape(page)


def test_a_missing_babel_says_what_to_install(german, monkeypatch):
    """For a catalog in text form."""
    monkeypatch.setitem(__import__("sys").modules, "babel.messages", None)
    with pytest.raises(MissingExtra, match=r"mailframe\[locale\]"):
        texts(german, "x", ["de"])
