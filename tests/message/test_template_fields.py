"""Letters with a template at Postmark: the values of the model, and what is refused."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from decimal import Decimal

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import LetterError, MailframeError, NotPicklable
from mailframe.message.content_digests import mail_digest
from mailframe.message.message import Message
from tests.composing import cells, frame

GOOD = {"sender": "me@acme.example", "to": "{{ email }}", "template": "welcome"}
SELF: dict[str, object] = {}
SELF["again"] = SELF


def models(df: pd.DataFrame, model: object, **fields: object) -> list[object]:
    """The model of each message."""
    return df.mail.compose(**{**GOOD, **fields}, model=model).messages()["TemplateModel"].tolist()


def faults(df: pd.DataFrame, model: object, **fields: object) -> list[tuple[object, str, str]]:
    """Row, field and code of each problem."""
    problems = df.mail.compose(**{**GOOD, **fields}, model=model).problems()
    return list(problems[["row", "field", "code"]].itertuples(index=False, name=None))


def leaves(value: object) -> list[object]:
    """What is in dicts and lists, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]


def column(*values: object) -> object:
    """A value of a letter that has these in its rows, with any version of pandas."""
    return lambda df: pd.Series(cells(*values).array, index=df.index)


@pytest.mark.parametrize(
    ("value", "posted"),
    [
        (7, b"7"),
        (np.int64(7), b"7"),
        (2**63 - 1, b"9223372036854775807"),
        (-(2**63), b"-9223372036854775808"),
        (1.5, b"1.5"),
        (5.0, b"5"),
        (0.1 + 0.2, b"0.3"),
        (np.float32(0.1), b"0.1"),
        (True, b"true"),
        (np.False_, b"false"),
        (Decimal("19.90"), b'"19.90"'),
        (dt.date(2026, 11, 2), b'"2026-11-02"'),
        (pd.Timestamp("2026-11-02 09:30"), b'"2026-11-02T09:30:00"'),
        (pd.Timestamp("2026-11-02 09:30", tz="UTC"), b'"2026-11-02T09:30:00+00:00"'),
        (dt.time(9, 30), b'"09:30:00"'),
        (dt.timedelta(hours=27), b'"1 day 3:00:00"'),
        ([1, (2, np.array([3]))], b"[1,[2,[3]]]"),
        ({"a": {1: [True]}}, b'{"a":{"1":[true]}}'),
        ([], b"[]"),
        ({}, b"{}"),
    ],
    ids=repr,
)
def test_a_value_keeps_its_type_as_a_constant_and_in_a_column(value, posted):
    """Numbers stay numbers; a Decimal becomes text with all digits, a date text of ISO 8601."""
    for model in ({"v": column(value)}, {"deep": [{"v": column(value)}]}):
        [message] = frame().mail.compose(**GOOD, model=model).messages()["TemplateModel"]
        made = message["v"] if "v" in message else message["deep"][0]["v"]
        assert orjson.dumps(made) == posted
    if not isinstance(value, dict):  # the keys of a model in a letter are for templates
        [message] = models(frame(), {"v": value})
        assert orjson.dumps(message["v"]) == posted


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "missing_value"),
        (float("nan"), "missing_value"),
        (pd.NaT, "missing_value"),
        (pd.NA, "missing_value"),
        ([1, None], "missing_value"),
        ([{"at": pd.NaT}], "missing_value"),
        (float("inf"), "unprintable_value"),
        (2**63, "unsupported_value"),
        (-(2**63) - 1, "unsupported_value"),
        (1e17, "unprintable_value"),
        ({"1": 2, 1: 3}, "unsupported_value"),
        ({(1, 2): 3}, "unsupported_value"),
        (b"PDF", "unsupported_value"),
        ({1, 2}, "unsupported_value"),
        (1j, "unsupported_value"),
        ("a\x00b", "control_character"),
        ({"k\x00": 1}, "control_character"),
        ("a\ufffdb", "garbled_text"),
        (["x\ud800"], "unencodable_text"),
        ({"x\ud800": 1}, "unencodable_text"),
    ],
    ids=ascii,
)
def test_a_value_that_json_or_a_mail_cannot_have_is_a_problem_of_its_row(value, code):
    """The other row is not concerned; nothing is posted as null, NaN or nan."""
    df = frame(2)
    assert faults(df, {"a": {"v": column(value, 1)}}) == [(0, "model.a.v", code)]
    if code != "garbled_text":
        assert df.mail.compose(**GOOD, model={"a": {"v": column(value, 1)}}).messages()[
            "size"
        ].isna().tolist() == [True, False]


def test_a_text_is_a_template_and_an_empty_one_is_left_out():
    """Also of a column, with ``fillna('')``; cells with markup or tags of templates are data."""
    df = frame(2, name=cells("{{ email }}</b>{{#each x}}", None), seats=[5, None])
    model = {
        "name": "{{ name | default('') }}",
        "list": ["{{ name | default('') }}", "x"],
        "seats": lambda df: df["seats"].astype(object).where(df["seats"].notna(), ""),
    }
    hostile = "{{ email }}</b>{{#each x}}"
    assert models(df, model) == [
        {"name": hostile, "list": [hostile, "x"], "seats": 5},
        {"list": ["x"]},
    ]
    assert faults(df, {"name": "{{ name }}"}) == [(1, "model.name", "missing_value")]


@pytest.mark.parametrize("model", [None, {}, {"a": {}}, {"a": "{{ none_here | default('') }}"}])
def test_a_letter_with_a_template_always_has_a_model(model):
    """Postmark refuses a message without one (ErrorCode 1120)."""
    [made] = models(frame(1, none_here=cells(None)), model)
    assert made == ({"a": {}} if model == {"a": {}} else {})


@pytest.mark.parametrize("key", ["a", "A1_", "7", "\u00e9", "e\u0301", "\u540d\u524d", "_"])
def test_a_key_has_the_characters_that_mustachio_reads(key):
    """Those of a word in .NET, also with combining marks."""
    assert models(frame(), {key: 1}) == [{key: 1}]


def test_the_whole_model_can_vary_by_row():
    """A dict in each row; anything else is a problem of its row."""
    df = frame(3, m=cells({"a": [1]}, "text", None))
    assert models(df, lambda df: df["m"]) == [{"a": [1]}, {}, {}]
    assert [code for _, _, code in faults(df, lambda df: df["m"])] == [
        "unsupported_value",
        "missing_value",
    ]
    made = models(df, mf.each(lambda row: {"to": row["email"]}))
    assert made == [{"to": address} for address in df["email"]]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"subject": "Hi"}, "has template= and subject:"),
        ({"html_body": "x", "text_body": "y"}, "html_body, text_body"),
        ({"markdown_body": "x", "layout": "card"}, "markdown_body, layout"),
        ({"inline_css": True}, "inline_css"),
        ({"allow_empty_subject": True}, "allow_empty_subject"),
        ({"template": 0}, "template is 0"),
        ({"template": True}, "template is True"),
        ({"template": 1.5}, "template is 1.5"),
        ({"template": ["a"]}, "template is a list"),
        ({"template": "1234"}, "is not an alias"),
        ({"template": "a/b"}, "is not an alias"),
        ({"template": " welcome"}, "is not an alias"),
        ({"template": None, "text_body": "x"}, "a model and no template"),
        ({"template": None}, "no body"),
        ({"model": "x"}, "model is a str"),
        ({"model": [1]}, "model is a list"),
        ({"model": pd.DataFrame({"a": [1]})}, "model cannot be in a model|model is a DataFrame"),
        ({"model": {"a": None}}, "model.a is None; leave the key out"),
        ({"model": {"a": [float("nan")]}}, r"model.a\[0\] is nan; leave the key out"),
        ({"model": {"a": float("inf")}}, "model.a cannot be in a model"),
        ({"model": {"a": pd.DataFrame()}}, "df.mail.nest"),
        ({"model": {"a.b": 1}}, "cannot read the key 'a.b'"),
        ({"model": {"#each a": 1}}, "cannot read the key '#each a'"),
        ({"model": {"a": [{"first-name": 1}]}}, r"model.a\[0\]: .* 'first-name'"),
        ({"model": {1: 1}}, "cannot read the key '1'"),
        ({"model": {"a\u00b2": 1}}, "cannot read the key"),
        ({"model": {"a\ud800": 1}}, "cannot read the key"),
        ({"model": {"": 1}}, "cannot read the key ''"),
        ({"model": {"a": b"x"}}, "model.a is bytes"),
        ({"model": {"a": "{{ nope }}"}}, "'nope' in model.a"),
        ({"model": {"a": "{{ email"}}, "model.a"),
        ({"model": {"a": lambda df: f"{df['email']}"}}, "one text for all"),
        ({"model": SELF}, "nested more than 20 deep"),
    ],
)
def test_what_cannot_be_is_a_letter_error(fields, text):
    """Before any row is rendered; the text names the part."""
    with pytest.raises(LetterError, match=text):
        frame().mail.compose(**{**GOOD, "model": {"a": 1}, **fields})


def test_a_template_varies_by_row_and_an_id_is_a_number():
    """A text is a Jinja template of an alias; what is none is a problem of its row."""
    df = frame(3, language=["de", "../x", ""], which=cells(7, "welcome", -1))
    by_text = df.mail.compose(**{**GOOD, "template": "{{ language }}"})
    assert by_text.messages()["TemplateAlias"].iloc[0] == "de"
    assert by_text.problems()["code"].tolist() == ["invalid_value"] * 2
    by_column = df.mail.compose(**{**GOOD, "template": lambda df: df["which"]})
    shown = by_column.messages()[["TemplateAlias", "TemplateId"]].iloc[:2]
    assert shown["TemplateId"].tolist() == [7, pd.NA]
    assert shown["TemplateAlias"].iloc[1] == "welcome"
    assert by_column.problems()["code"].tolist() == ["invalid_value"]
    of_id = df.mail.compose(**{**GOOD, "template": np.int64(7)}).message(0).payload
    assert of_id["TemplateId"] == 7
    assert "TemplateAlias" not in of_id


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none() | st.text(max_size=4),
            "cell": st.recursive(
                st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.text(max_size=2), inner, max_size=2)
                ),
                max_leaves=4,
            ),
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25)
@given(ROWS, st.randoms(use_true_random=False))
def test_a_model_is_of_its_row_alone_and_the_same_each_time(rows, random):
    """Whatever the cells are, in any order and beside any other rows."""
    df = pd.DataFrame(
        {
            "email": [f"p{n}@acme.example" for n in range(len(rows))],
            "name": cells(*[row["name"] for row in rows]),
            "cell": cells(*[row["cell"] for row in rows]),
        }
    )
    model = {"n": "{{ name | default('') }}", "c": lambda df: df["cell"], "k": [1]}
    order = random.sample(range(len(rows)), len(rows))
    whole, mixed = (
        each.mail.compose(**GOOD, model=model).messages() for each in (df, df.iloc[order])
    )
    for place, position in enumerate(order):
        alone = df.iloc[[position]].mail.compose(**GOOD, model=model)
        [made] = alone.messages()["TemplateModel"]
        assert made == whole["TemplateModel"].iloc[position] == mixed["TemplateModel"].iloc[place]
        if pd.notna(whole["size"].iloc[position]):
            text = alone.message(position).body
            assert orjson.loads(text)["TemplateModel"] == made
            assert None not in leaves(made)


def test_messages_share_no_list_or_dict():
    """A cell of ``messages()`` that is changed is of one row."""
    made = models(frame(2), {"a": [], "b": np.array([1]), "c": {"d": {}}})
    made[0]["a"].append(1)
    made[0]["b"].append(1)
    made[0]["c"]["d"]["x"] = 1
    assert made[1] == {"a": [], "b": [1], "c": {"d": {}}}


def test_a_letter_from_a_folder_has_its_template_in_the_toml(tmp_path):
    """With its model; a template needs no body beside it."""
    (tmp_path / "letter.toml").write_text(
        'sender = "me@acme.example"\nto = "{{ email }}"\ntemplate = 7\n'
        '[model]\nname = "{{ email }}"\non = 2026-11-02\n[model.a]\nb = [1, 2.5]\n',
        encoding="utf-8",
    )
    letter = mf.Letter.load(tmp_path)
    [message] = frame().mail.compose(letter).messages().to_dict("records")
    assert message["TemplateId"] == 7
    assert message["TemplateModel"] == {
        "name": "p0@acme.example",
        "on": "2026-11-02",
        "a": {"b": [1, 2.5]},
    }
    (tmp_path / "body.txt").write_text("Hi", encoding="utf-8")
    with pytest.raises(LetterError, match="template= and text_body"):
        mf.Letter.load(tmp_path)


def test_a_letter_is_copied_and_pickled_with_its_model():
    """What a caller changes later has no effect; ``pd.col`` and lambdas are refused by name."""
    given_model = {"a": {"b": ["{{ email }}", 2]}}
    letter = mf.Letter(**GOOD, model=given_model)
    given_model["a"]["b"].append(3)
    pickled = pickle.loads(pickle.dumps(letter))  # noqa: S301 - what this test wrote
    for made in (letter, pickled, copy.deepcopy(letter)):
        assert frame().mail.compose(made).messages()["TemplateModel"].tolist() == [
            {"a": {"b": ["p0@acme.example", 2]}}
        ]
    with pytest.raises(NotPicklable, match=r"model\.a\.b\[0\]"):
        pickle.dumps(letter.replace(model={"a": {"b": [lambda df: df["email"]]}}))


def test_every_part_of_the_template_and_the_model_is_in_the_fingerprint():
    """Of the letter and of the campaign; 7, 7.5, "7" and True are different models."""
    variants = [
        {},
        {"template": "other"},
        {"template": 7},
        {"model": {"a": 7}},
        {"model": {"a": 7.5}},
        {"model": {"a": "7"}},
        {"model": {"a": True}},
        {"model": {"a": [7]}},
        {"model": {"a": "{{ email }}"}},
        {"model": {"b": "{{ email }}"}},
        {"model": {"a": []}},
        {"model": {"a": {}}},
    ]
    made = [frame().mail.compose(**{**GOOD, **fields}) for fields in variants]
    assert len({one.fingerprint for one in made}) == len(variants)
    assert len({one._composed.letter_fingerprint for one in made}) == len(variants)


def test_the_digest_of_a_mail_reads_no_address_or_metadata_of_a_model():
    """Keys of a model can be called To and Metadata; digests are stored, so they never change."""
    start = b'{"TemplateAlias":"a","TemplateModel":'
    end = b',"From":"a@acme.example","To":"%s"}'
    inside = b'{"x":1,"To":"b@c.example","Metadata":{"n":"1"}}'
    one = start + inside + end % b"x@y.example"
    assert mail_digest(one) == mail_digest(start + inside + end % b"z@y.example")
    marked = Message(0, None, one).marked(campaign="1", attempt="2", key="3").body
    assert orjson.loads(marked)["Metadata"] == {"mf-c": "1", "mf-b": "2", "mf-m": "3"}
    assert mail_digest(one) == mail_digest(marked)
    others = [
        start + inside.replace(b"b@c", b"d@c") + end % b"x@y.example",
        start + inside.replace(b'"n":"1"', b'"n":"2"') + end % b"x@y.example",
        start.replace(b'"a"', b'"b"') + inside + end % b"x@y.example",
        start + inside + end % b"x@y.example, z@y.example",
    ]
    assert len({mail_digest(body) for body in (one, *others)}) == 5
    assert mail_digest(one) == 18263603807404870584


def test_an_eml_file_says_that_postmark_makes_the_mail(tmp_path):
    """Of a message, and of a campaign, which writes no file."""
    composed = frame().mail.compose(**GOOD)
    with pytest.raises(MailframeError, match="Postmark renders this mail with a template"):
        composed.message(0).to_eml()
    with pytest.raises(MailframeError, match="Postmark renders this mail with a template"):
        composed.to_eml(tmp_path / "mails")
    assert not (tmp_path / "mails").exists()


def test_two_rows_differ_in_the_values_of_their_models():
    """Each value is a field of its own."""
    df = frame(2, n=[1, 2], o=cells([{"id": 7}], []))
    made = df.mail.compose(**GOOD, model={"n": lambda df: df["n"], "o": lambda df: df["o"]})
    changed = made.diff(0, 1).frame()
    rows = changed[changed["kind"] == "message"].set_index("field")[["old", "new"]]
    assert rows.loc["TemplateModel.n"].tolist() == ["1", "2"]
    assert rows.loc["TemplateModel.o[0].id", "old"] == "7"
    other = df.mail.compose(**{**GOOD, "template": 9}, model={"n": 1}, key="email")
    first = df.mail.compose(**GOOD, model={"n": 1}, key="email")
    assert set(first.diff(other).frame()["fields"]) == {"TemplateAlias, TemplateId"}


@pytest.mark.parametrize("number", [2**63, 2**70, 0, -5, -(2**63) - 1])
def test_what_is_no_id_is_refused_however_large(number):
    """A constant by the letter, a cell as a problem of its row; each view shows the rest."""
    with pytest.raises(LetterError, match="template is"):
        frame().mail.compose(**{**GOOD, "template": number})
    people = pd.DataFrame({"email": ["a@example.com", "b@example.com"]})
    ids = pd.Series([number, 7], dtype=object)
    made = people.mail.compose(**{**GOOD, "template": ids})
    assert made.problems()["field"].tolist() == ["template"]
    assert "not the ID of a template" in made.problems()["detail"].iloc[0]
    assert made.messages()["TemplateId"].iloc[1] == 7
    assert made.preview(static=True)._repr_html_()
    assert made.gallery()._repr_html_()


def test_a_model_in_a_frame_of_another_library_is_json():
    """A column of structs has every key in every row, and one type for each."""
    pl = pytest.importorskip("polars")
    people = pl.DataFrame({"email": ["a@example.com", "b@example.com"], "n": ["", "x"]})
    made = mf.compose(
        people, **GOOD, model={"v": "{{ n }}", "k": mf.each(lambda row: bool(row.n) or 5)}
    )
    models = made.messages()["TemplateModel"].to_list()
    assert models == ['{"k":5}', '{"v":"x","k":true}']
    assert list(map(orjson.loads, models)) == [
        made.message(n).payload["TemplateModel"] for n in (0, 1)
    ]
