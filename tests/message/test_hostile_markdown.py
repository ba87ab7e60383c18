"""Hostile cells in every place of a Markdown letter: they are text, and stay in their row."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from markupsafe import escape

import mailframe as mf
from mailframe.message.binding import bind
from tests.browser.attacks import ATTACKS, QUIET
from tests.message.columnar.both_ways import compare

MARKDOWN = """
{% from "mailframe/macros.html" import button, metric, callout, divider, image %}
{% macro hello(v) %}Hi **{{ v }}**{% endmacro %}
{% block preheader %}Pre {{ name }}{% endblock %}
# {{ name }} & co
{% if flag %}{% set kept = name %}{% endif %}
{{ hello(name) }} {{ kept | default("-") }} `{{ name }}` ![{{ name }}](https://acme.dev/x.png)
[to {{ name }}](https://acme.dev/{{ name | urlencode }} "title {{ name }}")

{% set ns = namespace(last="") %}
1. one {{ name }}
{% for i in items %}
1. {{ i }} {{ loop.index }}
{% if flag %}{% set ns.last = i %}{% endif %}
{% endfor %}

> quote {{ note }}
> - {{ ns.last }}

| a | b |
|---|--:|
{% for i in items %}
| {{ i }} | {{ name }} |
{% else %}
| none | {{ name }} |
{% endfor %}

{{ rows | table(columns={"k": "K"}, caption=name) }}

{{ button(name, "https://acme.dev/" ~ (name | urlencode)) }}
{{ metric(name, note, note) }}
{{ callout(name, title=note) }}
{{ image("https://acme.dev/x.png", name) }}
{{ divider() }}

```
{{ name }}
```

    code {{ note }}

<p title="{{ name }}">{{ note }}</p>
{# {{ name }} #}
"""
FIELDS: dict[str, Any] = {"sender": "hello@acme.dev", "to": "{{ email }}", "subject": "Hi"}
WAYS: list[dict[str, Any]] = [{}, {"layout": "plain"}, {"inline_css": True, "text_body": "auto"}]
CELLS = (
    *(
        attack.body("https://evil.example")
        for attack in (*ATTACKS, *QUIET)
        if len(attack.html) < 5_000 and not re.search("[\ud800-\udfff]", attack.html)
    ),
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}{#",
    "\n\n# heading\n\n- item\n\n    code",
    "**b** _i_ ~~s~~ `c` | \\",
    "](https://evil.example)",
    "-->",
    "<!--[if mso]>",
    "<style>p { display: none }</style>",
    "p { color: red }",
    "\ue0000;",
)


def frame_of(texts: list[str]) -> pd.DataFrame:
    """A frame in which each cell is the text of its row."""
    rows = range(len(texts))
    return pd.DataFrame(
        {
            "email": [f"p{row}@acme.dev" for row in rows],
            "name": texts,
            "note": texts,
            "flag": [row % 2 == 0 for row in rows],
            "items": [[text] * (row % 3) for row, text in enumerate(texts)],
            "rows": [[{"k": text}] * (row % 2) for row, text in enumerate(texts)],
        }
    )


def letter(fields: dict[str, Any]) -> mf.Letter:
    """The letter with these settings."""
    return mf.Letter(**FIELDS, markdown_body=MARKDOWN, **fields)


@pytest.mark.parametrize("fields", WAYS)
def test_a_hostile_cell_is_escaped_in_every_place(fields):
    """The HTML is that of a harmless word, with the escaped cell in the places of the word."""
    words = ["zzq" if len(cell) <= 8 else "zzqzzqzzq" for cell in CELLS]  # long ones may wrap
    harmless = frame_of(words).mail.compose(letter(fields)).messages()["HtmlBody"]
    hostile = frame_of(list(CELLS)).mail.compose(letter(fields)).messages()["HtmlBody"]
    compared = 0
    for cell, word, expected, html in zip(CELLS, words, harmless, hostile, strict=True):
        if isinstance(html, str):  # a cell with a control character has a problem instead
            at = f"https://acme.dev/{quote(cell, safe='/')}"
            expected = expected.replace(f"https://acme.dev/{word}", at)  # noqa: PLW2901
            assert html == expected.replace(word, str(escape(cell)))
            compared += 1
    assert compared > len(CELLS) - 10


@pytest.mark.parametrize("fields", WAYS)
def test_no_row_has_words_of_another(fields):
    """In both parts, with names, namespaces and macros that keep values."""
    campaign = frame_of([f"mark{row}x" for row in range(40)]).mail.compose(letter(fields))
    messages = [message for batch in campaign.batches() for message in batch]
    assert len(messages) == 40
    for message in messages:
        marks = set(re.findall(r"mark(\d+)x", message.body.decode()))
        assert marks == {str(message.position)}


@pytest.mark.parametrize("fields", WAYS[:2])
def test_both_paths_agree(fields):
    """Also about rows with missing values; only these are left to the path of single rows."""
    frame = frame_of([f"Ann {row} & *_|" for row in range(60)])
    frame.loc[::10, "name"] = None
    made = compare(bind(letter(fields), frame), live=False, chunk_rows=7)
    assert made.columnar.plain_rows == made.faulty == 6


def test_messages_and_fingerprints_are_the_same_in_every_process():
    """No order depends on the hash seed."""
    done = subprocess.run(
        [sys.executable, "-c", "import tests.message.test_hostile_markdown as t; print(t.made())"],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": "."},  # that of this process is random
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == f"{made()}\n"


def made() -> list[tuple[str, list[bytes]]]:
    """The fingerprints and the messages of two rows."""
    campaigns = [frame_of(["Ann", "Bo"]).mail.compose(letter(fields)) for fields in WAYS]
    return [
        (one.fingerprint, [message.body for batch in one.batches() for message in batch])
        for one in campaigns
    ]
