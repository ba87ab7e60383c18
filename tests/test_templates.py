"""Templates: what they may do, what they may not, and that a runaway one ends as a problem of its row."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.templating.links import link_faults
from mailframe.templating.lint import lint_html

from .composing import code_of, codes, compose, frame, payloads, text_of

ESCAPES = (
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('__cl' ~ 'ass__') }}",
    "{{ ''['__cl' ~ 'ass__'] }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ['']|map(attribute='__class__')|list|join }}",
    "{{ ['']|map('attr', '__class__')|list|join }}",
    "{{ [''.format]|map('string')|list|join }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler }}",
    "{{ joiner }}",
    "{{ lipsum }}",
    "{{ lipsum.__globals__ }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ range.__self__ }}",
    "{{ dict.fromkeys(['a']) }}",
    "{{ dict.mro() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ '{0.__class__}'.format('') }}",
    "{{ '{0.real}'.format(1) }}",
    "{{ '{a[0]}'.format(a='x') }}",
    "{{ '{0.__class__}'|format('') }}{{ '{}'.format.__self__ }}",
    "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "{{ ('{0.__cl' ~ 'ass__}').format('') }}",
    "{{ v.encode() }}",
    "{{ v.translate({}) }}",
    "{{ v.to_csv('out.csv') }}",
    "{{ v.tofile('out') }}",
    "{{ v.unlink() }}",
    "{{ row.to_csv('out.csv') }}",
    "{{ row.pop('v') }}",
    "{{ row.clear() }}",
    "{{ [1].append(2) }}",
    "{{ {'a': 1}.update(b=2) }}",
    "{{ {'a': 1}.setdefault('b', 2) }}",
    "{{ when.now() }}",
    "{{ when.fromtimestamp(0) }}",
    "{{ when.today() }}",
    "{{ (1).to_bytes(9, 'big') }}",
    "{{ (1.5).hex() }}",
    "{% macro m() %}{{ m._func }}{% endmacro %}{{ m() }}{{ m._func }}",
    "{% macro m() %}{% endmacro %}{{ m.__call__.__globals__ }}",
    "{% set x = [].__class__ %}{{ x }}",
    "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% for x in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% include '../secret' %}",
    "{% include v %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import system %}",
    "{% extends '/etc/passwd' %}",
    "{{ v|random }}",
    "{{ v|pprint }}",
    "{{ {'a': 1}|xmlattr }}",
    "{{ 'http://x.example'|urlize }}",
    "{{ '%s'|format(range) }}",
    "{{ '{}'.format(range) }}",
    "{{ range ~ '' }}",
    "{% do v.append(1) %}",
    "{% debug %}",
    "{% trans %}x{% endtrans %}",
    "{% continue %}",
)
"""Each must be an error: of the letter when it is composed, or of the row when it is rendered."""

RUNAWAYS = (
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for i in range(10**9) %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop(range(99999)) }}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s * 2 %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}"
    "{% endfor %}{{ ns.s }}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = ''.join([ns.s, ns.s]) %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = '{0}{0}'.format(ns.s) %}{% endfor %}",
    "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = ns.s.replace('a', 'aa') %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
    "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}"
    "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s] * 2 %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = {'a': ns.s, 'b': ns.s} %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = dict(a=ns.s, b=ns.s) %}{% endfor %}",
    "{{ 'a' * 10**10 }}",
    "{{ 10**10 * 'a' }}",
    "{{ '🎉' * 19000000 ~ '🎉' * 19000000 }}",
    "{{ [1] * 10**9 }}",
    "{{ 2**99999999 }}",
    "{{ 10 ** (10**10) }}",
    "{{ big.ljust(10**9) }}",
    "{{ big.zfill(10**9) }}",
    "{{ '\\t'.expandtabs(10**9) }}",
    "{{ ('\\t' * 1000000).expandtabs(9999) }}",
    "{{ big|center(10**9) }}",
    "{{ range(99999)|map('center', 9999)|join }}",
    "{{ ('\\n' * 1000000)|indent(9999) }}",
    "{{ ('\\n' * 1000000)|indent(big) }}",
    "{{ 'x'|indent(10**9, true) }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ '%0999999999d'|format(1) }}",
    "{{ '%.999999999f' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ ('%9999d' * 100000) % ((1,) * 100000) }}",
    "{{ ('%(a)9999d' * 100000) % {'a': 1} }}",
    "{{ ('%(a)s' * 100000) % {'a': big} }}",
    "{{ '{:>999999999}'.format('') }}",
    "{{ '{:{}}'.format('', 10**9) }}",
    "{{ ('{0:9999}' * 100000).format(1) }}",
    "{{ ('{0}' * 100000).format(big) }}",
    "{{ when.strftime('%0999999999d') }}",
    "{{ when|date('%0999999999d') }}",
    "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "{{ ('x' * 1000000).join(range(99999)|map('string')) }}",
    "{{ range(9999)|join('x' * 100000) }}",
    "{{ ([big] * 99999)|join }}",
    "{{ ([big] * 99999)|tojson }}",
    "{{ ([[1] * 1000] * 5000)|sum(start=[]) }}",
    "{{ ('<!---->' * 1000000)|striptags }}",
    "{{ ('a-' * 5000000)|wordwrap(2) }}",
    "{{ ('a ' * 100000)|wordwrap(1, wrapstring=big) }}",
    "{{ ('a ' * 9000000)|wordcount }}",
    "{{ ('a ' * 9000000).split() }}",
    "{{ ('a' * 19000000)|list }}",
    "{{ ('<' * 19000000)|e }}",
    "{{ ('🎉' * 19000000)|urlencode }}",
    "{{ range(99999)|batch(10**9, 'x')|list }}",
    "{{ range(99999)|slice(10**9)|list }}",
    "{{ 2.5|round(10**9) }}",
    "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(1) }}",
    "{% macro f() %}{% for i in range(99999) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
    "{{ lipsum(n=100000000) }}",
    "{% set x %}{% for i in range(9999) %}{{ big }}{% endfor %}{% endset %}",
    "{% filter upper %}{% for i in range(9999) %}{{ big }}{% endfor %}{% endfilter %}",
    "{% for i in range(90000) %}" + "x" * 1000 + "{% endfor %}",
    "{% for a in [1] %}" * 25 + "{% endfor %}" * 25,
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "[" * 500 + "]" * 500 + " }}",
    "{{ " + "-" * 9000 + "1 }}",
)

CHILD = """
    import json, resource, sys, time
    sys.addaudithook(lambda event, args: watch(event, args))
    watch = lambda event, args: None
    import pandas as pd
    import mailframe as mf
    corpus = json.load(sys.stdin)
    frame = pd.DataFrame(
        {"email": ["a@acme.com"], "v": ["/etc/passwd"], "big": ["x" * 100_000], "when": pd.to_datetime(["2026-01-02"])}
    )
    for warm in ("{{ ['\\x41', v][0] }}", "{{ v.nope }}", "{{ v.encode() }}"):  # what Python imports at first use
        frame.mail.compose(sender="me@acme.com", to="{{ email }}", text_body=warm).problems()
    resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9, 3 * 10**9))
    touched = []
    FORBIDDEN = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.remove", "os.mkdir", "os.rename", "shutil.", "import")
    def watch(event, args):
        if event.startswith(FORBIDDEN):
            touched.append([event, str(args)[:80]])
    said = []
    for template in corpus:
        touched.clear()
        begun = time.perf_counter()
        twice = []
        for _ in range(2):
            try:
                campaign = frame.mail.compose(sender="me@acme.com", to="{{ email }}", text_body=template)
                touched.clear()  # composing may import a codec; rendering touches nothing
                problems = campaign.problems()
                codes = problems["code"].tolist()
                twice.append([codes, [d[:200] for d in problems["detail"]]])
            except mf.errors.LetterError as error:
                twice.append([["LetterError"], [str(error)[:200]]])
        said.append([twice, (time.perf_counter() - begun) / 2, list(touched)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([said, peak]))
"""


@pytest.fixture(scope="module")
def child(tmp_path_factory):
    """Renders a corpus in a child with 3 GB of address space, in an empty folder of its own."""

    def run(corpus):
        folder = tmp_path_factory.mktemp("child")
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", textwrap.dedent(CHILD)],
            input=json.dumps(corpus),
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert not list(folder.iterdir())
        return json.loads(done.stdout)

    return run


def test_no_template_leaves_the_sandbox(child):
    """Each escape is an error; nothing was opened, connected, started or imported, and the folder is empty."""
    said, _ = child(ESCAPES)
    for template, (twice, _, touched) in zip(ESCAPES, said, strict=True):
        assert twice[0][0], template
        assert not touched, (template, touched)
        assert "0x" not in twice[0][1][0], (template, twice)
        assert twice[0] == twice[1], template


def test_a_runaway_template_ends_as_a_problem(child):
    """Within seconds, in bounded memory, and with the same words each time."""
    said, peak = child(RUNAWAYS)
    for template, (twice, seconds, _) in zip(RUNAWAYS, said, strict=True):
        assert twice[0][0], template
        assert twice[0][0] in (["template_limit"], ["LetterError"], ["template_error"]), (template, twice)
        assert twice[0] == twice[1], template
        assert seconds < 6, (template, seconds)
    assert peak < 1_200_000_000


def test_an_attempt_to_escape_stops_everything():
    """It is a fault of the call, so that even on_invalid='skip' sends nothing."""
    campaign = compose(frame(2), text_body="{{ email|attr('__cl' ~ 'ass__') }}")
    assert campaign.problems()["code"].tolist() == ["unsafe_template"] * 2
    assert mf.Code.UNSAFE_TEMPLATE.stops_everything


# --- what works ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{{ 'Order 12345 * {}'.format(5) }}", "Order 12345 * 5"),
        ("{{ '%.2f of %s' % (1.005, 3.0) }}", "1.00 of 3"),
        ("{{ '{:,.2f}'.format(12345.678) }}", "12,345.68"),
        ("{{ '{:>8}|{:%d.%m.}'.format('x', when) }}", "       x|02.01."),
        ("{{ '%05.1f'|format(3.14159) }}", "003.1"),
        ("{{ '{{}} {}'.format(1) }}", "{} 1"),
        ("{{ '100%%' % () }}{{ '50%' }}", "100%50%"),
        ("{{ when.strftime('%d %B') }} {{ when.year }}", "02 January 2026"),
        ("{{ when|date }}", "2 January 2026"),
        ("{{ (when + (when - when)).isoformat() }}", "2026-01-02T03:04:00"),
        ("{{ ', '.join(items) }} {{ items|join('-') }}", "p, q p-q"),
        ("{{ items|length }}{{ items[0] }}{{ items|last }}", "2pq"),
        ("{{ d.k }}{{ d['k'] }}{{ d.get('k') }}{{ d.get('x', 'y') }}", "111y"),
        ("{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}", "k=1"),
        ("{% for x in items %}{{ loop.index }}/{{ loop.length }}{{ loop.cycle('a', 'b') }}{% endfor %}", "1/2a2/2b"),
        ("{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is iterable else x }}{% endfor %}", "123"),
        ("{% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller() }}{% endmacro %}{% call m(1) %}!{% endcall %}", "12!"),
        ("{% macro m() %}{{ varargs|join }}{{ kwargs.x }}{% endmacro %}{{ m(1, 2, x=3) }}", "123"),
        ("{% block a %}A{% endblock %}{{ self.a() }}", "AA"),
        ("{% set ns = namespace(n=0) %}{% for i in range(5) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "10"),
        ("{% set a, b = 1, 2 %}{{ a + b }}{{ 7 // 2 }}{{ 7 % 4 }}{{ 2 ** 8 }}{{ 7 / 2 }}", "3332563.5"),
        ("{{ [3, 1, 2]|sort|join }}{{ [1, 1]|unique|join }}{{ [1, 2]|sum }}{{ [1, 2]|max }}", "123132"),
        ("{{ [{'a': 1}, {'a': none}]|selectattr('a')|map(attribute='a')|join }}", "1"),
        ("{{ dict(a=1).a }}{{ {'a': [1, 2]}|tojson }}{{ true|tojson }}{{ none|tojson }}", '1{"a":[1,2]}truenull'),
        ("{{ 'a b'|title|replace(' ', '') }}{{ ' x '|trim }}{{ 'x'|center(5)|length }}", "ABx5"),
        ("{{ true }} {{ false }} {{ 1 == 1 }} {{ not 1 }}", "yes no yes no"),
        ("{% raw %}{{ x }}{% endraw %}{# {{ x }} #}", "{{ x }}"),
        ("{% with a = 1 %}{{ a }}{% endwith %}{% filter upper %}x{% endfilter %}", "1X"),
        ("{{ 12345.678|number(1) }} {{ 3|money('USD') }} {{ 1234567|number }}", "12,345.7 $3.00 1,234,567"),
        ("{{ 'ß'.upper() }}{{ 'a,b'.split(',')|last }}{{ 'x'.zfill(3) }}{{ 'ab'.replace('a', 'b') }}", "SSb00xbb"),
    ],
)
def test_an_honest_template_works(template, printed):
    """All that a letter is written with is there."""
    values = {"when": dt.datetime(2026, 1, 2, 3, 4), "items": ["p", "q"], "d": {"k": 1}}  # noqa: DTZ001 - naive as most are
    assert text_of(template, **values) == printed


@pytest.mark.parametrize("holder", ["unsubscribe", "unsubscribe_url", " pm", "x y", "date"])
@pytest.mark.parametrize(
    "template",
    [
        "P",
        "P {{ v }}",
        "<a href='P'>{{ v }}</a>",
        '<a href="P">{{ v }}</a>',
        "<a href=P>{{ v }}</a>",
        "{% raw %}P{% endraw %}",
        "{{ 'P'|safe }}{{ v }}",
        "{% set l = 'P'|safe %}{{ l }}",
        "{% set l %}P{% endset %}{{ l }}",
        "{% macro m() %}P{% endmacro %}{{ m() }}",
        "{% macro m(x='P') %}{{ x|safe }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}P{% endcall %}",
        "{% block b %}P{% endblock %}",
        "{% if v %}P{% endif %}",
        "{% for x in [1] %}P{% endfor %}",
        "{% filter trim %}P{% endfilter %}",
        "{{ v ~ 'P'|safe }}",
        "{{ ['P'|safe, v]|join }}",
        "{{ {'P': 'P'|safe}['P'] }}",
        "{{ v if v == 'P' else 'P'|safe }}",
    ],
)
@pytest.mark.parametrize("part", ["html_body", "text_body"])
def test_every_placeholder_of_postmark_survives(template, holder, part):
    """As it stands, wherever it stands."""
    placeholder = f"{{{{{{ pm:{holder} }}}}}}"
    assert placeholder in text_of(template.replace("P", placeholder), part=part, v="x")


def test_a_placeholder_survives_in_the_subject_and_in_its_own_spelling():
    """Without spaces, with other names, beside Jinja's braces; comments are gone."""
    source = "{{{pm:unsubscribe}}}{{{pm:x}}}{{ v }}{{{ pm:y }}}{# {{{ pm:z }}} #}"
    assert text_of(source, part="subject", v="-") == "{{{pm:unsubscribe}}}{{{pm:x}}}-{{{ pm:y }}}"
    assert text_of("<a href='{{ unsubscribe_url }}'>", part="html_body") == "<a href='{{{ pm:unsubscribe }}}'>"
    assert text_of("{{ unsubscribe_url }}", part="text_body") == "{{{ pm:unsubscribe }}}"


def test_braces_in_a_cell_are_not_hidden_characters():
    """The characters that stand for a placeholder inside are data in a cell, and refused in a template."""
    assert text_of("{{ v }}", v="\ufdd0 pm:x \ufdd1") == "\ufdd0 pm:x \ufdd1"
    with pytest.raises(mf.errors.LetterError, match="noncharacter"):
        compose(frame(), text_body="\ufdd0")


@pytest.mark.parametrize(
    ("template", "used"),
    [
        ("{% set name = name | default('x') %}{{ name }}", "Ann"),
        ("{% if name is defined %}{{ name }}{% endif %}", "Ann"),
        ("{% for name in [1] %}{% endfor %}{{ name }}", "Ann"),
        ("{% macro m(name) %}{% endmacro %}{{ name }}", "Ann"),
        ("{% if false %}{% set name = 'x' %}{% endif %}{{ name }}", "Ann"),
        ("{% for k, v in row.items() %}{{ v }}{% endfor %}", "p0@acme.exampleAnn"),
        ("{{ row.get('name') }}{{ row|length }}", "Ann2"),
        ("{% set key = 'name' %}{{ row[key] }}", "Ann"),
    ],
)
def test_a_column_is_used_even_where_the_template_sets_its_name(template, used):
    """Setting, testing or shadowing a name does not hide the frame's column of that name."""
    assert text_of(template, name="Ann") == used


def test_a_column_that_may_be_absent_is_tested():
    """``is defined`` asks for it; ``default`` alone does not, since a mistyped name would greet everybody as 'x'."""
    assert text_of("{% if coupon is defined %}{{ coupon }}{% endif %}-") == "-"
    with pytest.raises(mf.errors.LetterError, match="no such column: 'coupon'"):
        compose(frame(), text_body="{{ coupon | default('x') }}")


# --- links and lint --------------------------------------------------------------------------------------

UNSAFE = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>",
    "file:///etc/passwd",
    "ftp://x.example",
    "x-apple:y",
]
SAFE = [
    "https://acme.example/a?b=c&d=e:f",
    "HTTP://ACME.EXAMPLE",
    "mailto:a@acme.com",
    "tel:+1",
    "sms:+1",
    "#top",
    "/path:with/colon",
    "?a=b:c",
    "//acme.example",
    "",
    "a/b",
]
MARKUP = ["&#106;avascript:x", "&#x6A;avascript:x", "java&Tab;script:x", "javascript&colon;x", "java&#10;script:x"]


@pytest.mark.parametrize("url", UNSAFE)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_an_unsafe_link_from_a_cell_is_a_problem_of_its_row(url, quote):
    """However it is spelled, in each attribute that a mail follows."""
    body = f"<a HREF={quote}{{{{ v }}}}{quote}>x</a>"
    df = frame(v=[url, "https://acme.example"])
    assert compose(df, html_body=body).problems()[["row", "code"]].to_numpy().tolist() == [[0, "unsafe_link"]]


@pytest.mark.parametrize(
    "attribute", ["href", "src", "xlink:href", "action", "formaction", "background", "poster", "HrEf"]
)
@pytest.mark.parametrize("markup", [*UNSAFE, *MARKUP])
def test_every_attribute_is_looked_at(attribute, markup):
    """Also where the letter itself brings the address, with entities that a browser would read."""
    assert list(link_faults(f'<x a="b" {attribute} = "{markup}">'))
    if " " not in markup and "\n" not in markup and "\t" not in markup and ">" not in markup:
        assert list(link_faults(f"<x {attribute}={markup}>"))


@pytest.mark.parametrize("url", SAFE)
def test_a_safe_link_passes(url):
    """No scheme, or one of the mail's own."""
    assert codes(frame(v=[url]), html_body='<a href="{{ v }}">x</a><img src="{{ v }}">') == []


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="data:image/png;base64,AAAA">',
        '<a data-href="javascript:x">',
        '<a href="{{{ pm:unsubscribe }}}">',
        "<p>href or src: nothing</p>",
        "<p>write src = here</p>",
    ],
)
def test_what_is_no_link_is_not_looked_at(markup):
    """Nor is an inline picture refused."""
    assert not list(link_faults(markup))


def test_unescaped_data_is_looked_at_in_any_case_of_its_letters():
    """Where a cell may bring its own markup, no attribute name of the template can be relied on."""
    df = frame(v=['<a HREF="javascript:x">'])
    assert "unsafe_link" in codes(df, html_body="{{ v | safe }}")
    assert "unsafe_link" in codes(df, html_body=lambda d: d["v"])
    assert "unsafe_link" in codes(df, html_body=mf.Letter(html_body=df["v"]).html_body)


@given(st.text("<>/!-[]=\"' \n{}%#ahrefsycriptl&;", max_size=60))
def test_the_lint_never_breaks(source):
    """It accepts or refuses; whatever the markup, it ends."""
    try:
        lint_html(source + "{{ v }}", name="html_body")
    except mf.errors.LetterError as error:
        assert str(error).startswith("html_body, line ")  # noqa: PT017 - either outcome is right


def test_rendering_is_deterministic():
    """The same frame and letter give the same bytes."""
    df = frame(3, v=[{"b": 1, "a": 2}] * 3)
    body = "{{ v | tojson }}{% for k in v %}{{ k }}{% endfor %}{{ [3, 1] | unique | join }}"
    assert payloads(df, text_body=body) == payloads(df, text_body=body)


def test_an_error_names_its_line_and_its_file(tmp_path: Path):
    """Also in an included file."""
    (tmp_path / "body.txt").write_text("one\n{% include 'part.txt' %}")
    (tmp_path / "part.txt").write_text("\n\n{{ v }}")
    df = frame(v=[None])
    problems = compose(df, letter=mf.Letter.load(tmp_path), text_body=None or "{% include 'part.txt' %}").problems()
    assert problems["detail"][0].startswith("part.txt, line 3: column 'v' has no value")
    assert code_of("{{ v.strftime('%d').nope }}", v=dt.date(2026, 1, 1)) == "undefined_name"
