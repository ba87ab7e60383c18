"""The canary: each cell of row i has a mark of row i, and message i has marks of row i only."""

from __future__ import annotations

import base64
import copy
import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.message.checks import Checker
from mailframe.message.payload import Assembler
from mailframe.message.render import Renderer
from mailframe.pandas_versions import text_column
from tests.composing import cells
from tests.expressions import col

if TYPE_CHECKING:
    from pathlib import Path

MARK = re.compile(r"mark(\d+)x")

BODY = """
{%- extends 'layout.txt' -%}
{%- import 'macros.txt' as plain -%}
{%- import 'macros.txt' as seeing with context -%}
{%- from 'macros.txt' import keep -%}
{%- block head -%}
  {%- if flag -%}{%- set first = name -%}{%- endif -%}
  {{ first | default('nobody') }}
  {%- if flag -%}{%- set shared = name -%}{%- endif -%}
  {{ shared | default('nobody') }}
{%- endblock -%}
{%- block main -%}
  {{ super() }}
  {{ plain.remember(name) }} {{ keep(note) }} {{ seeing.look() }}
  {%- set ns = namespace(seen=[]) -%}
  {%- for item in items -%}
    {%- for again in items -%}{%- set ns.seen = ns.seen + [again ~ item] -%}{%- endfor -%}
    {%- if flag -%}{%- set ns.last = item -%}{%- endif -%}
  {%- endfor -%}
  {{ ns.seen | join(' ') }} {{ ns.last | default('none') }}
  {%- call plain.framed() -%}{{ name }}{{ nested.deep[0] }}{%- endcall -%}
  {%- include 'part.txt' -%}
  {%- include choice ~ '.txt' -%}
  {%- for key in row -%}{{ row[key] if row[key] is string }}{%- endfor -%}
{%- endblock -%}
"""
FILES = {
    "body.txt": BODY,
    "layout.txt": "{% block head %}{% endblock %}{% block main %}[{{ name }}]{% endblock %}"
    "{{ self.head() }}",
    "macros.txt": "{% set memory = namespace(all=[], last='') %}"
    "{% macro remember(x) %}{% set memory.all = memory.all + [x] %}{% set memory.last = x %}"
    "{{ memory.all | join(' ') }}{{ memory.last }}{% endmacro %}"
    "{% macro keep(x) %}{{ memory.last }}{% set memory.last = x %}{{ x }}{% endmacro %}"
    "{% macro look() %}{{ name }}{% endmacro %}"
    "{% macro framed() %}({{ caller() }}){% endmacro %}",
    "part.txt": "{% if flag %}{% set left = note %}{% endif %}{{ left | default('-') }}{{ note }}",
    "one.txt": "{{ note }}{% if flag %}{% set one = name %}{% endif %}{{ one | default('-') }}",
    "two.txt": "{% set one = name %}{{ one }}",
    "subject.txt": "{% if flag %}{% set s = name %}{% endif %}{{ s | default(note) }}",
    "body.html": "{% import 'macros.txt' as m %}"
    "<p>{{ m.remember(name) }}{{ m.keep(note) }}</p>{% include 'part.txt' %}",
}


def marked(rows: int) -> pd.DataFrame:
    """A frame whose cells all have the mark of their row."""
    mark = [f"mark{n}x" for n in range(rows)]
    return pd.DataFrame(
        {
            "email": [f"{m}@acme.example" for m in mark],
            "name": text_column(m if n % 3 else None for n, m in enumerate(mark)).fillna("mark"),
            "note": pd.Categorical([f"note {m}" for m in mark]),
            "flag": [n % 2 == 0 for n in range(rows)],
            "items": cells(*[[f"a{m}", f"b{m}"][: 1 + n % 2] for n, m in enumerate(mark)]),
            "nested": cells(*[{"deep": [m, {"deeper": [m]}]} for m in mark]),
            "choice": ["one" if n % 3 else "two" for n in range(rows)],
            "payload": cells(*[f"bytes of {m}".encode() for m in mark]),
            "copies": cells(
                *[
                    [f"c1{m}@acme.example", f"c2{m}@acme.example"][: n % 3]
                    for n, m in enumerate(mark)
                ]
            ),
        }
    )


@pytest.fixture(scope="module")
def letter(tmp_path_factory):
    """A letter from files with every construct and every kind of value in every field."""
    folder: Path = tmp_path_factory.mktemp("letter")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    for n in range(60):
        (folder / f"mark{n}x.dat").write_bytes(f"file of mark{n}x".encode())
    return mf.Letter.load(folder).replace(
        sender="me@acme.example",
        to="{{ note }} <{{ email }}>",
        cc=col("copies"),
        bcc=["b{{ email }}", lambda df: "x" + df["email"]],
        reply_to=["{{ email }}", col("email")],
        tag=lambda df: "tag " + df["note"].astype(str),
        headers={"X-A": "{{ nested.deep[1].deeper[0] }}", "X-B": col("email")},
        metadata={
            "m": "{{ note }}",
            "n": lambda df: df["note"].astype(str),
            "o": lambda df: df["email"].str.partition("@")[0],
        },
        attachments=[
            mf.Attachment("{{ email.partition('@')[0] }}.dat"),
            mf.Attachment("{{ note }}.txt", lambda df: df["payload"]),
            mf.Attachment(lambda df: df["note"].astype(str) + ".csv", b"shared"),
            mf.Attachment("own.dat", col("payload"), optional=True),
        ],
    )


def written(bound, chunk_rows: int) -> list[str]:
    """Each message as JSON text with decoded attachments; None if the row has a problem."""
    assembler, checker = Assembler(bound, live=False), Checker(bound)
    texts = []
    for draft in Renderer(bound, chunk_rows=chunk_rows).drafts():
        payload = assembler.payload(draft)
        checker.check(draft, payload)
        assert not draft.problems, draft.problems
        files = [json.loads(piece.json) for piece in draft.pieces]
        content = [(file["Name"], base64.b64decode(file["Content"]).decode()) for file in files]
        texts.append(
            json.dumps([{**payload.fields, "Attachments": content}, payload.identity], default=str)
        )
    return texts


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_message_i_has_marks_of_row_i_only(letter, data):
    """This holds for any permutation, filter, duplicate index and chunk size, in every field."""
    rows = data.draw(st.integers(1, 40))
    order = data.draw(st.permutations(range(rows)))[: data.draw(st.integers(1, rows))]
    chunk_rows = data.draw(st.sampled_from([1, 2, 3, 7, 500]))
    df = marked(rows).iloc[list(order)]
    if data.draw(st.booleans()):
        df = df.set_axis(
            pd.Index(data.draw(st.lists(st.integers(0, 2), min_size=len(df), max_size=len(df)))),
            axis=0,
        )
    texts = written(bind(letter, df), chunk_rows)
    for row, text in zip(order, texts, strict=True):
        assert set(MARK.findall(text)) == {str(row)}


def test_no_chunk_affects_another(letter):
    """A message is the same alone, in chunks of one row, and in one chunk."""
    df = marked(30)
    together = written(bind(letter, df), 500)
    assert written(bind(letter, df), 1) == together
    alone = [written(bind(letter, df.iloc[[n]]), 500)[0] for n in range(30)]
    assert alone == together


def test_other_rows_do_not_change_a_message(letter):
    """It is rendered twice, in reverse order, and after rows that fail."""
    df = marked(20)
    campaign = df.mail.compose(letter)
    first = [message.body for batch in campaign.batches() for message in batch]
    assert [message.body for batch in campaign.batches() for message in batch] == first
    backwards = [
        message.body for batch in df.iloc[::-1].mail.compose(letter).batches() for message in batch
    ]
    assert backwards[::-1] == first
    failing = df.assign(note=df["note"].astype(object).where(np.arange(20) % 2 == 0, None))
    kept = [message.body for batch in failing.mail.compose(letter).batches() for message in batch]
    assert kept == first[::2]


def test_rendering_does_not_change_the_arguments(letter):
    """The frame, the lists and dicts in it, and the letter stay the same."""
    df = marked(12)
    before = copy.deepcopy(df)
    campaign = df.mail.compose(letter)
    campaign.problems()
    campaign.messages()
    list(campaign.batches())
    pd.testing.assert_frame_equal(df, before)
    assert df["nested"].tolist() == before["nested"].tolist()


@pytest.mark.parametrize("chunk_border", [498, 499, 500, 501])
def test_rows_at_the_border_of_a_chunk_are_separate(chunk_border):
    """With the public API, and more rows than one chunk has."""
    df = pd.DataFrame({"email": [f"mark{n}x@acme.example" for n in range(1003)]})
    body = (
        "{% if email.startswith('mark"
        + str(chunk_border)
        + "x') %}{% set kept = email %}{% endif %}{{ kept | default('') }}-{{ email }}"
    )
    campaign = df.mail.compose(
        sender="me@acme.example", to="{{ email }}", subject="Hi", text_body=body
    )
    messages = [message for batch in campaign.batches() for message in batch]
    assert [set(MARK.findall(message.body.decode())) for message in messages] == [
        {str(n)} for n in range(1003)
    ]
    assert [message.position for message in messages] == list(range(1003))
