"""A grammar of everything that a letter can do; ``‹name›`` in a line is replaced by one of *name*.

The first line of each rule is its simplest one: it ends a text that grows too deep.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

_REFERENCE: Final = re.compile("‹(\\w+)›")
_DEEPEST: Final = 5


def written(random: Random, rule: str, *, depth: int = 0) -> str:
    """A random text by a rule of the grammar."""
    lines = RULES[rule]
    line = lines[0] if depth > _DEEPEST else random.choice(lines)
    return _REFERENCE.sub(lambda name: written(random, name[1], depth=depth + 1), line)


COLUMNS: Final = "name plan n day flag mixed url part"
"""Columns of every frame, each with values of one kind; ``letters.py``."""
LOCAL: Final = "v w"
"""Names that are no column."""


def _lines(text: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in text.strip("\n").splitlines()]


RULES: Final[dict[str, list[str]]] = {
    "column": [*COLUMNS.split(), "name", "name", "plan", "plan", "n", "mixed", "mailframe_row"],
    "local": [*LOCAL.split(), "v", "plan", "name", "n", "mixed"],
    "any": [
        "‹column›",
        "‹column›",
        "‹column›",
        "row['‹column›']",
        "row.‹column›",
        "(v | default('v'))",
        "tags",
    ],
    "other": _lines("""
row['First Name']
row['loop']
row['range']
row.get('name')
row.get('nothing', plan)
row.get('mixed', 1)
row['mailframe_rows']
"""),
    "text": _lines("""
'x'
'a-b'
'&'
'<i>'
'é😀'
''
'@'
'Dr. '
"""),
    "number": ["1", "0", "2", "1.0", "true", "false", "3"],
    "list": ["['a', 'b']", "tags", "tags | default([])", "[‹any›, 1]", "orders", "range(3)"],
    "value": _lines("""
(‹any› | default('-'))
‹column›
‹any› | default('-')
‹any› | default('-')
‹any› | default('')
‹any› | default(plan)
‹any› ~ ‹text›
‹other› | default('o')
‹value› | ‹filter›
‹value› | ‹scalar›
‹any› | ‹scalar›
‹any› | ‹scalar›
‹value› if ‹test› else ‹value›
(‹value› if ‹test›) | default('i')
‹text›
‹number›
‹list› | ‹reduce›
(‹number› + ‹number›)
n + 1
n * 2
n // 2
n / 4
n % 2
-n
n ** 2
name[:2]
name[0]
name[::-1]
(tags | default([]))[0] | default('t')
(tags[1:] | join)
(orders[0]).id | default('i')
orders[0]['price'] | default(0)
info.city | default('c')
info['zip'] | default('z')
info.items() | list | length
name.upper()
name.split(' ') | first
(day | string)[:7]
day | string
'%s-%s' | format(‹any›, plan)
'{}/{}'.format(name, plan)
[name, plan] | join(' ')
‹local› | default(‹value›)
(‹test›)
(name, plan) | last
dict(a=name).a
unsubscribe_url
(loop.index if loop is defined)
(m(‹value›) if m is defined else 'm')
"""),
    "filter": _lines("""
‹scalar›
‹scalar›
float
abs
round(1)
length
first
last
list
date
date('short')
number
money
plural('seat')
nl2br
urlize
shout
halves
join(',')
format(1)
"""),
    "scalar": _lines("""
default('d')
default('d', true)
upper
lower
title
capitalize
trim
truncate(5)
truncate(3, true, '…')
replace('a', 'b')
replace('&', plan)
urlencode
tojson
safe
striptags
escape
e
forceescape
string
int
string | first
string | last
string | list | join('.')
string | reverse
wordcount
wordwrap(5)
center(9)
indent(2)
string | safe
string | length | number(2)
string | length | money('USD')
replace('x', '<b>' | safe)
"""),
    "reduce": _lines("""
join(',')
first | default('none')
length
map('upper') | join
map('string') | list | join('|')
map(attribute='id') | join(' ')
select('string') | list | length
sort | join
unique | list | length
sum(attribute='price')
batch(2) | map('first') | join
reverse | join
selectattr('id') | map(attribute='id') | first
"""),
    "test": _lines("""
flag
‹any›
not ‹any›
name == 'Ann'
plan == ‹text›
‹any› == ‹number›
‹any› is defined
‹any› is missing
‹any› is none
‹any› is string
‹any› is number
‹any› is boolean
n is odd
n > 1
n >= 1 and flag
0 < n <= 2
plan in ['free', 'team']
'a' in name
'x' in tags
'plan' in row
row is defined
‹test› or ‹test›
not ‹test›
‹local› is defined
mailframe_rows is defined
mailframe_row is defined
loop is defined
‹value›
"""),
    "constant": _lines("""
 Hello
,\\n
Dear
\\x20
<b>x</b>
;
&lt;b
&gt;
lt;
=
{{{ pm:unsubscribe }}}
{% raw %}{{ x }}{% endraw %}
{# nothing #}
é😀
<!-- c -->
cid:logo
<br>
‹odd›
"""),
    "odd": ["!", "?", "\\x07", "\\ufffd", "\\ud83d", "\\ude00", "&lt", "lt;b>", "&amp;", "&"],
    "html": _lines("""
<p>‹print›</p>
<a href="{{ url }}">‹print›</a>
<a href="https://a.example/{{ n }}?x={{ name | urlencode }}">y</a>
<a href="{{ url | default('https://a.example') }}">y</a>
<a href='‹print›'>y</a>
<img src="cid:logo">
<p style="color: {{ plan }}">z</p>
<img alt="‹print›" src="https://a.example/{{ plan }}.png">
<p title=‹print›>t</p>
<p style="x">‹print› {{ name | safe }} ‹print›
<p>{{ email }} ‹print› url&#40;‹print›)
"""),
    "print": _lines("""
{{ name }}
{{ ‹value› }}
{{ ‹value› }}
{{ ‹any› }}
{{ ‹column› }}
{{- ‹value› -}}
{{ ‹other› }}
"""),
    "piece": _lines("""
‹constant›
‹constant›
‹constant›
‹print›
‹print›
‹print›
‹print›
‹statement›
‹statement›
‹html›
"""),
    "arm": _lines("""
a
 class="vip"
 title='x'
<b>x</b>
&amp;
&
{{{ pm:unsubscribe }}}
{{ '<' }}
é"
"""),
    "pieces": ["‹piece›", "‹piece›", "‹piece›‹piece›", "‹piece›‹piece›‹piece›", ""],
    "statement": _lines("""
{% if ‹test› %}‹pieces›{% endif %}
{% if ‹test› %}‹pieces›{% else %}‹pieces›{% endif %}
{%- if ‹test› -%}‹pieces›{%- elif ‹test› %}‹pieces›{% elif ‹test› %}b{% else %}‹pieces›{% endif %}
{% if ‹test› %}a{% else %}b{% endif %}
{% if ‹test› %}‹arm›{% endif %}
{% if ‹test› %}‹arm›{% elif ‹test› %}‹arm›{% else %}‹arm›{% endif %}
{% set ‹local› = ‹value› %}
{% set ‹local› = ‹value› %}‹piece›{{ ‹local› | default('u') }}
{% set v, w = name, ‹value› %}{{ v }}{{ w }}
{% set v = tags | map('upper') %}{{ v | join }}{{ v | join }}
{% set v = [1, 2] | map('string') %}‹pieces›{{ v | join(',') }}|{{ v | first | default('none') }}
{% set ‹local› %}‹pieces›{% endset %}{{ ‹local› | default('u') }}
{% set ‹local› | upper %}‹pieces›{% endset %}{{ ‹local› }}
{% if ‹test› %}{% set ‹local› = ‹value› %}{% else %}{% set w = ‹value› %}{% endif %}‹print›
{% if ‹test› %}{% set ‹local› = ‹value› %}‹print›{% endif %}{{ ‹local› | default('u') }}
{% with ‹local› = ‹value› %}‹pieces›{{ ‹local› | default('u') }}{% endwith %}
{% with %}‹pieces›{% set ‹local› = ‹value› %}‹pieces›{% endwith %}
{% for x in tags %}{{ loop.index }}{{ x }}‹pieces›{% endfor %}
{% for ‹local› in ‹list› %}‹pieces›{% if loop.last %}.{% endif %}{% else %}none{% endfor %}
{% for x in orders %}{{ x.id }}: {{ x.price | money }}{% set v = x.id %}{{ v }}{% endfor %}
{% for x in orders if x.price > 1 %}{% for y in tags %}{{ loop.index }}{{ y }}{% endfor %}{% endfor %}
{% for x in [1, 2] %}{{ ‹local› | default('u') }}{% endfor %}{% set ‹local› = ‹value› %}
{% for x in [1, 2] %}{% for y in [1] %}{{ ‹local› | default('u') }}{% endfor %}{% set ‹local› = x %}{% endfor %}
{% for key, value in info.items() %}{{ key }}={{ value }}{% endfor %}
{% for key, value in row.items() %}{{ key }}{% endfor %}
{% for x in [1, 2, 3] recursive %}{{ x }}{% if x is iterable %}{{ loop(x) }}{% endif %}{% endfor %}
{% macro m(x, ‹local›='q') %}‹pieces›{{ x }}{{ ‹local› | default('u') }}{% endmacro %}{{ m(‹value›) }}
{% macro m(x) %}{{ x }}{{ ‹local› | default('u') }}{% endmacro %}{{ m(1) }}{% set ‹local› = ‹value› %}{{ m(2) }}
{% macro ‹local›(x) %}{{ x }}{% endmacro %}{{ ‹local›(name) }}
{% macro k() %}[{{ caller() }}]{% endmacro %}{% call k() %}‹pieces›{% endcall %}
{% macro k() %}[{{ caller(1) }}]{% endmacro %}{% call(x) k() %}{{ x }}‹piece›{% endcall %}
{% filter upper %}‹pieces›{% endfilter %}
{% filter replace('a', name) %}‹pieces›{% endfilter %}
{% autoescape false %}‹pieces›{% endautoescape %}
{% autoescape true %}{% set ‹local› = ‹value› %}‹pieces›{% endautoescape %}{{ ‹local› | default('u') }}
{% set ns = namespace(n=0) %}{% for x in tags %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}
{% include 'piece.txt' %}
{% include 'piece.txt' without context %}
{% include ['missing.txt', 'piece.txt'] %}
{% include 'missing.txt' ignore missing %}
{% for x in tags %}{% include 'piece.txt' %}{% endfor %}
{% include 'setting.txt' %}{{ ‹local› | default('u') }}
{% import 'lib.txt' as lib %}{{ lib.greet(name) }}{{ lib.greet(‹value›) }}
{% import 'lib.txt' as lib with context %}{{ lib.greet(plan) }}{{ lib.word }}
{% from 'lib.txt' import greet %}{{ greet(name) }}
{% from 'lib.txt' import greet as ‹local› with context %}{{ ‹local›(name) }}
{% from 'lib.txt' import count %}{{ count() }}{{ count() }}
{% from 'lib.txt' import word %}{{ word }}
{% from 'lib.txt' import letters %}{{ letters | join }}{{ letters | join }}
{% include [part, 'piece.txt'] ignore missing %}
{% trans %}Hello{% endtrans %}
{% trans x=‹value› %}Hi <b>{{ x }}</b>{% endtrans %}
{% trans n=n %}{{ n }} seat{% pluralize %}{{ n }} seats{% endtrans %}
{{ _('Hello') }}{{ gettext(name) }}{{ _(‹value›) }}
{% for x in tags %}{% if loop.index > 1 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in tags %}{% if ‹test› %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% do 1 %}‹piece›
{% if ‹test› %}{% do name | upper %}b{% endif %}
{% if ‹test› %}\n‹pieces›\n{% endif %}\n
{% for x in orders | default([]) %}\n  {{ x.id }}\n{% endfor %}\nend
{{ company }}‹piece›{{ sizes | join(',') }}
{% if company %}‹pieces›{% endif %}{{ company | upper }}
"""),
    "block": _lines("""
{% block a %}‹pieces›{% endblock %}
{% block a %}‹pieces›{% set ‹local› = ‹value› %}‹pieces›{% endblock %}
{% block a %}‹pieces›{% block b %}‹pieces›{% endblock %}{% endblock %}
{% block a scoped %}‹pieces›{% endblock %}
{% block b %}{{ ‹local› | default('u') }}‹piece›{% endblock %}
{% macro m(x) %}{{ x }}{{ v | default('u') }}{% endmacro %}{% block a %}{% set v = ‹value› %}{{ m(1) }}{% endblock %}
"""),
    "body": _lines("""
‹piece›‹piece›‹piece›
‹piece›‹piece›‹piece›‹piece›‹piece›
‹piece›‹piece›‹piece›‹piece›
‹print›
\\n‹print›\\n
‹statement›‹print›
‹pieces›‹block›‹pieces›
{% extends 'base.txt' %}‹block›
{% extends 'base.txt' %}{% block a %}{{ super() }}‹pieces›{% endblock %}
‹piece›{% extends 'base.txt' %}{% set ‹local› = ‹value› %}‹block›‹piece›
{% set ‹local› = ‹value› %}{% extends 'base.txt' %}‹block›{% set ‹local› = ‹value› %}
{% extends 'base.txt' %}{% macro m(x) %}{{ x }}{{ ‹local› | default('u') }}{% endmacro %}‹block›
"""),
    "line": _lines("""
Hello
Hello {{ name }}
{{ name }}
{{ ‹value› }}
‹print› ‹print›
{% if ‹test› %}‹print›{% else %}a{% endif %}
{% set v = ‹value› %}{{ v }} {{ plan }}
{{ name * 9 }}
 {{ name }}
{{ name | trim }}: {{ plan | default('') }}
"""),
    "address": _lines("""
{{ email }}
{{ name }} <{{ email }}>
"{{ name }}" <{{ email | lower }}>
{{ email | default('x@acme.dev') }}
{% if flag %}{{ email }}{% else %}a{{ plan | length }}@acme.dev{% endif %}
hello@acme.dev
"""),
    "optional": [
        "",
        "‹address›",
        "{{ other }}",
        "{{ other | default('') }}",
        "{% if flag %}‹address›{% endif %}",
    ],
    "file_piece": _lines("""
‹pieces›
{{ name }}!
{% for x in tags %}{{ x }}‹piece›{% endfor %}
{% if row is defined %}r{% endif %}
{{ row['plan'] }}{{ x | default('no x') }}
{{ loop.index if loop is defined else 'no loop' }}
{% include 'lib.txt' %}
"""),
    "file_setting": [
        "{% set v = ‹value› %}‹pieces›{{ v }}",
        "{% macro z() %}{{ plan }}{% endmacro %}{{ z() }}",
    ],
    "file_lib": _lines("""
{% macro greet(x) %}Hi {{ x }}{% endmacro %}{% set word = plan | default('p') %}‹libs›
{% macro greet(x) %}{{ x }}{{ plan | default('p') }}{{ v | default('u') }}{% endmacro %}{% set word = 'w' %}‹libs›
"""),
    "libs": [
        "{% set ns = namespace(n=0) %}{% macro count() %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% endmacro %}"
        "{% set letters = ['a', 'b'] | map('upper') %}"
    ],
    "file_base": _lines("""
<h1>{% block a %}‹pieces›{% endblock %}</h1>‹pieces›{% block b %}{% endblock %}
‹pieces›{% set ‹local› = ‹value› %}{% block a %}{{ ‹local› | default('u') }}{% endblock %}‹print›
{% block a %}x{% block b %}‹pieces›{% endblock %}{% endblock %}{{ m(1) if m is defined }}
"""),
}
