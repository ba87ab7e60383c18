"""Rendering: an error in a row is a problem of that row, with its line."""

from __future__ import annotations

import tracemalloc

import pandas as pd
import pytest

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.message.pipeline import prepare
from mailframe.message.render import Renderer
from tests.composing import cells, code_of, compose, frame, payloads, row_problems


@pytest.mark.parametrize(
    ("template", "value", "code"),
    [
        ("{{ v }}", None, "missing_value"),
        ("{{ v.x }}", {"a": 1}, "undefined_name"),
        ("{{ v[5] }}", [1], "undefined_name"),
        ("{{ v }}", b"", "unsupported_value"),
        ("{{ v }}", [1], "unprintable_value"),
        ("{{ 1 / v }}", 0, "template_error"),
        ("{{ v | date }}", "soon", "template_error"),
        ("{{ v | money }}", "much", "template_error"),
        ("{{ v + 1 }}", "x", "template_error"),
        ("{{ 'x' * v }}", 10**9, "template_limit"),
        ("{{ v.encode() }}", "x", "unsafe_template"),
        ("{% include v %}", "x", "template_error"),
    ],
)
def test_what_a_template_meets_is_a_problem_with_its_line(template, value, code):
    """The other row has no problem."""
    good = {"{{ v.x }}": {"x": 1}, "{{ v[5] }}": list("abcdef")}.get(template, 1)
    if template in ("{{ v.encode() }}", "{{ v | date }}", "{% include v %}"):
        assert code_of(template, v=value) == code
        return
    campaign = compose(frame(v=cells(value, good)), text_body=f"\n{template}")
    assert campaign.problems()[["row", "code"]].to_numpy().tolist() == [[0, code]]
    assert campaign.problems()["detail"][0].startswith("line 2: ")


def test_details_are_one_line():
    """For any cell."""
    detail = compose(frame(v=["a\nb\x00c"]), text_body="{{ v | date }}").problems()["detail"][0]
    assert "\n" not in detail
    assert "\0" not in detail


def test_a_missing_value_says_what_to_write():
    """With the column as a template can use it."""
    for name, hint in (
        ("v", "{{ v | default('…') }}"),
        ("First Name", "{{ row['First Name'] | default('…') }}"),
    ):
        df = pd.DataFrame({"email": ["a@acme.com"], name: [None]})
        assert hint in compose(df, text_body=f"{{{{ row['{name}'] }}}}").problems()["detail"][0]


def test_one_bad_row_stops_no_other():
    """For every error in every third row."""
    df = frame(v=cells(*[(None, b"", "ok")[n % 3] for n in range(9)]))
    assert [row for row, _, _ in row_problems(df, text_body="{{ v }}")] == [0, 1, 3, 4, 6, 7]
    assert len(payloads(df, text_body="{{ v }}")) == 3


def test_rendering_is_lazy():
    """The first draft comes before the last row is read, and memory use does not grow."""
    df = frame(20_000, v=["x" * 50] * 20_000)
    bound = bind(mf.Letter(sender="me@acme.com", to="{{ email }}", text_body="{{ v }}" * 40), df)
    drafts = Renderer(bound).drafts()
    assert next(drafts).position == 0
    tracemalloc.start()
    for _ in prepare(bound, 0, 1_000):
        pass
    small = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    for _ in prepare(bound, 0, 4_000):
        pass
    large = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert large < small * 1.3 + 100_000


@pytest.mark.parametrize("only", [[0], [499, 500], [], list(range(700))])
def test_only_the_wanted_rows_are_rendered(only):
    """At their own positions, across chunks."""
    bound = bind(
        mf.Letter(sender="me@acme.com", to="{{ email }}", text_body="{{ n }}"),
        frame(n=list(range(700))),
    )
    wanted = [row in set(only) for row in range(700)]
    drafts = list(Renderer(bound).drafts(only=wanted))
    texts = [(draft.position, draft.values["text_body"]) for draft in drafts]  # noqa: PD011 - a draft is no frame
    assert texts == [(row, str(row)) for row in only]


def test_a_letter_has_a_fingerprint(tmp_path):
    """It depends on templates, includes, constants, settings and files, not on rows."""
    (tmp_path / "body.txt").write_text("{% include 'p.txt' %}{{ email }}")
    (tmp_path / "p.txt").write_text("p")
    (tmp_path / "a.txt").write_text("a")
    fields = {
        "sender": "me@acme.com",
        "to": "{{ email }}",
        "attachments": "a.txt",
        "metadata": {"k": "1"},
        "track_opens": True,
    }

    def mark(df=None, **changes):
        return letter_fingerprint(
            bind(
                mf.Letter.load(tmp_path).replace(**{**fields, **changes}),
                frame(2) if df is None else df,
            )
        )

    first = mark()
    assert len(first) == 17
    assert mark(frame(5)) == first
    changes = [
        {"subject": "x"},
        {"metadata": {"k": "2"}},
        {"track_opens": False},
        {"attachments": None},
        {"allow_idn_mixed": True},
        {"to": ["{{ email }}"]},
        {"html_body": "{{ email }}"},
    ]
    marks = {mark(**change) for change in changes}
    (tmp_path / "p.txt").write_text("q")
    marks.add(mark())
    (tmp_path / "p.txt").write_text("p")
    (tmp_path / "a.txt").write_text("b")
    marks.add(mark())
    assert len(marks | {first}) == len(changes) + 3
